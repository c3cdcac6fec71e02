cimport cython
from libc.stdint cimport int64_t

from fastzt.netstack.tcp.congestion.sample cimport RateSample

cdef enum:
    MIN_THRESHOLD = 4000
    MAX_THRESHOLD = 16000
    DIVISOR = 8
    SAMPLES = 8
    GROWTH_DIVISOR = 4
    CSS_ROUNDS = 5

cdef int64_t NONE


@cython.final
cdef class HyStart:
    cdef int64_t round_end
    cdef int64_t last
    cdef int64_t current
    cdef int samples
    cdef int64_t baseline
    cdef readonly bint cautious
    cdef int rounds
    cdef readonly bint is_over

    cpdef int64_t allowed(self, RateSample sample) noexcept
    cdef void begin_round(self, int64_t delivered) noexcept
    @cython.locals(threshold=int64_t)
    cdef void judge(self) noexcept
