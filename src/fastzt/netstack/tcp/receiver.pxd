cimport cython
from libc.stdint cimport int64_t, uint32_t

from fastzt._core.assembler cimport Assembler
from fastzt._core.ring_buffer cimport RingBuffer
from fastzt._core.seqnum cimport diff
from fastzt.netstack.window_budget cimport WindowBudget
from fastzt.netstack.tcp.segment cimport Segment

cdef enum:
    SCALE = 8
    QUICK_ACKS = 16
    MAX_FIELD = 65535
    MIN_BUFFER = 4096
    MAX_ECHO_AGE = 60000
    OVERTAKEN = 250
    DEFAULT_RTT = 100000
    RTT_WINDOW = 10000000
    RTT_CLOCK = 1000
    MIN_ROUND = 10000
    GAIN = 4
    AHEAD = 262144

cdef int64_t PAWS_IDLE
cdef int64_t MAX_RECALL


@cython.final
cdef class Receiver:
    cdef RingBuffer ring
    cdef Assembler assembler
    cdef readonly int64_t next
    cdef readonly int64_t edge
    cdef int64_t acknowledged
    cdef int64_t fin
    cdef WindowBudget budget
    cdef readonly int64_t limit
    cdef int64_t most
    cdef int64_t ahead
    cdef readonly int64_t seen
    cdef readonly int64_t rtt
    cdef int64_t round_at
    cdef int64_t round_head
    cdef int64_t least_rtt
    cdef int64_t rtt_at
    cdef uint32_t echo
    cdef bint tuned
    cdef bint measures
    cdef readonly bint eof
    cdef readonly int mss
    cdef readonly int scale
    cdef int pending
    cdef int quick
    cdef bint must_ack
    cdef bint brief
    cdef int64_t duplicate_start
    cdef int64_t duplicate_end
    cdef bint timestamps
    cdef uint32_t ts_recent
    cdef int64_t ts_recent_at

    cpdef void start(self, int64_t irs) except *
    cdef void release(self) noexcept
    cdef void set_limit(self, int64_t limit) noexcept
    @cython.locals(read=int64_t, wanted=int64_t, rtt=int64_t, elapsed=int64_t)
    cdef void tune(self, int64_t now) noexcept
    @cython.locals(age=int64_t, rtt=int64_t)
    cdef void measure(self, Segment segment, uint32_t clock, int64_t now) noexcept
    cdef void begin_rtt(self, int64_t rtt, int64_t now) noexcept
    cdef int offered_scale(self) noexcept
    @cython.locals(growth=int64_t, field=int64_t)
    cpdef int window(self) noexcept
    @cython.locals(free=int64_t, reach=int64_t)
    cpdef int64_t growth(self) noexcept
    @cython.locals(growth=int64_t)
    cpdef bint wants_update(self) noexcept
    cpdef bint acceptable(self, int64_t position, int length) noexcept
    cdef bint stale(self, Segment segment, int64_t now) noexcept
    cdef void note_timestamp(self, Segment segment, int64_t position, int64_t now) noexcept
    cdef bint is_next(self, Segment segment) noexcept
    cdef void note_duplicate(self, int64_t start, int64_t end) noexcept
    cdef bint has_blocks(self) noexcept
    @cython.locals(start=int64_t, end=int64_t, source=Py_ssize_t, gained=int64_t)
    cdef int64_t take(self, Segment segment, int64_t position) except -1
    @cython.locals(n=int, total=int64_t)
    cdef bint take_next(self, Segment segment) except -1
    cdef void owe(self) noexcept
    @cython.locals(end=int64_t)
    cdef bint take_fin(self, Segment segment, int64_t position) noexcept
    cdef bint should_ack(self) noexcept
    cdef void acked(self) noexcept
