cimport cython
from libc.stdint cimport int64_t

from fastzt.netstack.tcp.congestion.base cimport Controller


@cython.final
cdef class NewReno(Controller):
    cdef int64_t counted
