cimport cython
from libc.stdint cimport int64_t

cdef enum:
    INITIAL_RTO = 1000000
    MAX_BACKOFF = 16
    MIN_WINDOW = 10000000


@cython.final
cdef class Rtt:
    cdef readonly int64_t smoothed
    cdef int64_t deviation
    cdef int64_t worst
    cdef readonly int64_t variance
    cdef readonly int64_t minimum
    cdef int64_t lowest
    cdef int64_t window_at
    cdef readonly int64_t latest
    cdef readonly int backoff
    cdef int64_t min_rto
    cdef int64_t max_rto

    cpdef void sample(self, int64_t rtt, int64_t now) noexcept
    @cython.locals(error=int64_t, change=int64_t)
    cpdef void estimate(self, int64_t rtt) noexcept
    cpdef void round_over(self) noexcept
    @cython.locals(base=int64_t)
    cpdef int64_t rto(self) noexcept
    cpdef void back_off(self) noexcept
    cpdef void recovered(self) noexcept
