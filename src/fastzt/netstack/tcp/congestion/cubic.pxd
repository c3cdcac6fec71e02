cimport cython
from libc.stdint cimport int64_t

from fastzt.netstack.tcp.congestion.base cimport SECOND, UNLIMITED, Controller
from fastzt.netstack.tcp.congestion.hystart cimport HyStart
from fastzt.netstack.tcp.congestion.sample cimport RateSample

cdef double C
cdef double BETA
cdef double ALPHA


@cython.final
cdef class Cubic(Controller):
    cdef readonly HyStart hystart
    cdef int64_t epoch
    cdef int64_t seen
    cdef readonly double k
    cdef double origin
    cdef readonly double w_max
    cdef double reduced_from
    cdef double reno
    cdef double window
    cdef int64_t prior_epoch
    cdef double prior_k
    cdef double prior_origin
    cdef double prior_w_max

    @cython.locals(acked=int64_t)
    cdef void open_window(self, RateSample sample, int64_t now) noexcept
    @cython.locals(window=double)
    cdef void reduce(self, int64_t in_flight) noexcept
    cdef void begin(self, int64_t now) noexcept
    @cython.locals(alpha=double, target=double)
    cdef void avoid(self, double segments, double elapsed, double rtt) noexcept
    @cython.locals(x=double)
    cdef double cubic(self, double t) noexcept
