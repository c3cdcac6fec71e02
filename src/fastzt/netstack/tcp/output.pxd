cimport cython
from libc.stdint cimport int64_t

from fastzt._core.assembler cimport Assembler
from fastzt._core.tcp_header cimport ACK, FIN, PSH, RST, SYN, TcpOptions
from fastzt.netstack.tcp.arrival cimport Arrival
from fastzt.netstack.tcp.picker cimport Picker
from fastzt.netstack.tcp.state cimport CLOSED, ESTABLISHED, SYN_RECEIVED
from fastzt.netstack.tcp.timers cimport DELAYED_ACK, GIVE_UP, KEEPALIVE, LOSS, PACE, PERSIST, REST, RETRANSMIT, Timers


cdef enum:
    BRIEFLY = 1000
    GATHER = 500


cdef class Output(Arrival):
    @cython.locals(patience=int64_t)
    cpdef void settle(self, int64_t now) except *
    cpdef bint output(self, int64_t now) except -1
    cdef bint output_opening(self, int64_t now) except -1
    @cython.locals(options=TcpOptions, answer=bint, flags=int, window=int)
    cdef bint send_syn(self, int64_t now) except -1
    @cython.locals(tx=Picker, flags=int, data=int, more=Py_ssize_t)
    cdef bint send_data(self, int64_t now) except -1
    cdef void gather(self, int64_t now) except *
    @cython.locals(options=TcpOptions, window=int)
    cdef bint send(self, int64_t position, int flags, int length, int64_t now) except -1
    @cython.locals(options=TcpOptions, assembler=Assembler, room=int, count=int, i=int)
    cdef void add_sack(self) except *
    cdef bint send_ack(self, int64_t now) except -1
    cdef bint send_probe(self, int64_t now) except -1
    cdef bint send_reset(self, int64_t now) except -1
    @cython.locals(timers=Timers)
    cpdef void expired(self, int64_t now) except *
    cdef void give_up(self, int64_t now) except *
    cdef void on_retransmit(self, int64_t now) except *
    cdef void on_persist(self, int64_t now) except *
    @cython.locals(idle=int64_t)
    cdef void on_keepalive(self, int64_t now) except *
