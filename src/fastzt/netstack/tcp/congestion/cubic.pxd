cimport cython
from libc.stdint cimport int64_t

from fastzt.netstack.tcp.congestion.base cimport Controller

cdef double C
cdef double BETA
cdef double ALPHA
cdef double SECOND


@cython.final
cdef class Cubic(Controller):
    cdef int64_t epoch
    cdef double k
    cdef double origin
    cdef double w_max
    cdef double prior
    cdef double reno
    cdef double window

    cdef void begin(self, int64_t now)
    @cython.locals(alpha=double, target=double)
    cdef void avoid(self, double segments, double elapsed, double rtt)
    @cython.locals(x=double)
    cdef double cubic(self, double t) noexcept
