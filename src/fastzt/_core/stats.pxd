cimport cython
from libc.stdint cimport uint64_t

cpdef enum:
    MAX_REASONS = 256


@cython.final
cdef class Stats:
    cdef uint64_t[256] counters

    cpdef void drop(self, int reason) noexcept
    cpdef void add(self, int reason, uint64_t n=*) noexcept
    cpdef uint64_t value(self, int reason) noexcept
    @cython.locals(i=int)
    cpdef void clear(self) noexcept
