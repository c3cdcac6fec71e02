cimport cython
from libc.stdint cimport int64_t

cdef enum:
    GRANULARITY = 1000
    INITIAL_RTO = 1000000
    MAX_BACKOFF = 16


@cython.final
cdef class Rtt:
    cdef readonly int64_t smoothed
    cdef readonly int64_t variance
    cdef readonly int64_t minimum
    cdef readonly int64_t latest
    cdef readonly int backoff
    cdef int64_t min_rto
    cdef int64_t max_rto

    cpdef void sample(self, int64_t rtt)
    cpdef void observe(self, int64_t rtt)
    @cython.locals(base=int64_t)
    cpdef int64_t rto(self) noexcept
    cpdef void back_off(self)
    cpdef void recovered(self)
