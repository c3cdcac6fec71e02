from libc.stdint cimport int64_t, uint64_t

from fastzt._core.datagram_batch cimport TransmitBatch
from fastzt._core.stats cimport Stats
from fastzt.vl1.outbox cimport Outbox
from fastzt.vl1.path cimport PathTable
from fastzt.vl1.timed cimport Timed, earliest


cdef class Switchboard:
    cdef readonly object control
    cdef readonly object context
    cdef readonly Stats stats
    cdef readonly uint64_t address
    cdef dict peers_by_address
    cdef PathTable paths
    cdef Outbox outbox
    cdef list happened
    cdef object work
    cdef Timed pinger
    cdef Timed probing
    cdef Timed whois
    cdef Timed deferred

    cpdef bint transmit(self, TransmitBatch out, int64_t now) except -1
    cpdef int64_t deadline(self) noexcept
    cpdef bint has_news(self) except -1
    cpdef list jobs(self)
    cpdef list events(self)
