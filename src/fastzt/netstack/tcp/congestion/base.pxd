cimport cython
from libc.stdint cimport int64_t

from fastzt.netstack.tcp.congestion.sample cimport RateSample

cdef int64_t INITIAL_SEGMENTS
cdef int64_t UNLIMITED
cdef double SECOND
cdef double PACING_SLOW_START
cdef double PACING_AVOIDANCE


cdef class Controller:
    cdef public int64_t cwnd
    cdef public int64_t ssthresh
    cdef readonly int64_t mss
    cdef readonly double pacing_rate
    cdef readonly bint own_recovery
    cdef readonly bint understates
    cdef readonly int64_t prior_cwnd
    cdef readonly int64_t prior_ssthresh

    cpdef void take_over(self, Controller other) except *
    cpdef void set_mss(self, int64_t mss) noexcept
    cpdef void on_ack(self, RateSample sample, int64_t now) noexcept
    cdef void grow(self, RateSample sample, int64_t now) noexcept
    @cython.locals(grown=int64_t)
    cdef int64_t slow_start(self, int64_t acked) noexcept
    @cython.locals(gain=double)
    cdef void pace(self, RateSample sample) noexcept
    cpdef void on_lost(
        self, int64_t start, int64_t end, int64_t in_flight, int64_t lost, bint app_limited, int64_t now
    ) noexcept
    cpdef void on_loss(self, int64_t in_flight, int64_t now) noexcept
    cdef void remember(self) noexcept
    cpdef void on_recovered(self, bint after_timeout, int64_t now) noexcept
    cpdef void on_timeout(self, int64_t in_flight, int64_t now) noexcept
    cpdef void on_undo(self, int64_t now) noexcept
    cpdef void on_idle(self, int64_t now) noexcept
    cpdef void on_restart(self, bint app_limited, int64_t now) noexcept
