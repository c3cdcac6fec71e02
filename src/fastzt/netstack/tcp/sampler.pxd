cimport cython
from libc.stdint cimport int64_t

from fastzt._core.segment_queue cimport APP_LIMITED, SegmentQueue
from fastzt.netstack.tcp.congestion.base cimport Controller
from fastzt.netstack.tcp.congestion.sample cimport RateSample
from fastzt.netstack.tcp.rtt cimport Rtt

cpdef enum:
    OPEN = 0
    REPAIR = 1
    LOSS = 2


@cython.final
cdef class Sampler:
    cdef SegmentQueue queue
    cdef Rtt rtt
    cdef readonly RateSample sample
    cdef int64_t app_limited_until
    cdef bint window_full
    cdef bint was_full
    cdef int64_t window_round

    @cython.locals(queue=SegmentQueue, sample=RateSample, interval=int64_t)
    cdef void inform(
        self, Controller controller, int64_t fresh, int64_t in_flight, int64_t rtt, int mode, int64_t now
    ) noexcept
    @cython.locals(queue=SegmentQueue)
    cdef bint is_limited(self, Controller controller, int64_t in_flight) noexcept
    cdef void limit_by_application(self) noexcept
    @cython.locals(queue=SegmentQueue)
    cdef void check_application(self, Controller controller) noexcept
