cimport cython
from libc.stdint cimport int64_t

from fastzt.netstack.tcp.congestion.base cimport UNLIMITED, Controller
from fastzt.netstack.tcp.congestion.hystart cimport HyStart
from fastzt.netstack.tcp.congestion.sample cimport RateSample


@cython.final
cdef class NewReno(Controller):
    cdef int64_t counted
    cdef readonly HyStart hystart

    @cython.locals(acked=int64_t)
    cdef void open_window(self, RateSample sample, int64_t now) noexcept
