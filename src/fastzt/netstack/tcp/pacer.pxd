cimport cython
from libc.stdint cimport int64_t

cdef enum:
    BURST = 1000
    RESUME = 500
    CREDIT = 1000


@cython.final
cdef class Pacer:
    cdef double spent_at
    cdef readonly int64_t resume_at

    cpdef void sent(self, int64_t n, double rate, int64_t now) noexcept
    @cython.locals(left=double)
    cpdef int64_t allowance(self, double rate, int64_t now) noexcept
