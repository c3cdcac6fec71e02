cimport cython
from libc.stdint cimport int64_t


@cython.final
cdef class Spurious:
    cdef readonly bint armed
    cdef int64_t start
    cdef int64_t end
    cdef int64_t copies
    cdef int64_t copy_at

    cpdef void begin(self, int64_t start, int64_t end) noexcept
    cpdef void on_copy(self, int64_t length, int64_t mss, int64_t now) noexcept
    cpdef bint on_advance(self, bint repaired, bint clear, bint over, int64_t echoed_at) noexcept
    cpdef bint on_dsack(self, int64_t left, int64_t right, int64_t mss) noexcept
