cpdef enum:
    CLOSED = 0
    LISTEN = 1
    SYN_SENT = 2
    SYN_RECEIVED = 3
    ESTABLISHED = 4
    FIN_WAIT_1 = 5
    FIN_WAIT_2 = 6
    CLOSE_WAIT = 7
    CLOSING = 8
    LAST_ACK = 9
    TIME_WAIT = 10

cpdef enum:
    ACTIVE_OPEN = 0
    PASSIVE_OPEN = 1
    SYN = 2
    SYN_ACK = 3
    SYN_ACKED = 4
    CLOSE = 5
    FIN = 6
    FIN_ACKED = 7
    FAIL = 8
    QUIET = 9

cpdef int step(int state, int event) except -1
