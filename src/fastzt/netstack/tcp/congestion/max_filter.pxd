cimport cython
from libc.stdint cimport int64_t


@cython.final
cdef class MaxFilter:
    cdef readonly int64_t best
    cdef int64_t best_at
    cdef int64_t second
    cdef int64_t second_at
    cdef int64_t third
    cdef int64_t third_at

    cpdef void restart(self, int64_t value, int64_t at) noexcept
    cpdef int64_t add(self, int64_t value, int64_t at, int64_t window) noexcept
    cdef void age(self, int64_t value, int64_t at, int64_t window) noexcept
