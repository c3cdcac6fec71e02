cimport cython
from libc.stdint cimport int64_t, uint64_t

from fastzt.netstack.flow_table cimport Flow
from fastzt.netstack.ingress cimport Ingress
from fastzt.netstack.tcp.connection cimport Connection
from fastzt.netstack.tcp.state cimport SYN_SENT


@cython.final
cdef class Stack(Ingress):
    cdef object ports
    cdef dict resolving
    cdef list connecting

    @cython.locals(flow=Flow, blocked=bint, before=uint64_t)
    cpdef bint transmit(self, int64_t now) except -1
