cimport cython
from libc.stdint cimport int64_t, uint32_t

from fastzt._core.assembler cimport Assembler
from fastzt._core.ring_buffer cimport RingBuffer
from fastzt._core.seqnum cimport diff
from fastzt.netstack.tcp.segment cimport Segment

cdef enum:
    SCALE = 8
    QUICK_ACKS = 16
    MAX_FIELD = 65535

cdef int64_t PAWS_IDLE


@cython.final
cdef class Receiver:
    cdef RingBuffer ring
    cdef Assembler assembler
    cdef readonly int64_t next
    cdef readonly int64_t edge
    cdef int64_t acknowledged
    cdef int64_t fin
    cdef int64_t limit
    cdef readonly bint eof
    cdef readonly int mss
    cdef readonly int scale
    cdef int pending
    cdef int quick
    cdef bint must_ack
    cdef bint timestamps
    cdef uint32_t ts_recent
    cdef int64_t ts_recent_at

    cpdef void start(self, int64_t irs) except *
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
    @cython.locals(start=int64_t, end=int64_t, source=Py_ssize_t, gained=int64_t)
    cdef int64_t take(self, Segment segment, int64_t position) except -1
    @cython.locals(end=int64_t)
    cdef bint take_fin(self, Segment segment, int64_t position) noexcept
    cdef bint should_ack(self) noexcept
    cdef void acked(self) noexcept
