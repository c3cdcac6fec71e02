cimport cython
from libc.stdint cimport int64_t, uint32_t

from fastzt._core.access cimport take
from fastzt._core.slab cimport Slab
from fastzt._core.tcp_header cimport ACK, RST, SYN
from fastzt.netstack.egress cimport Egress
from fastzt.netstack.flow_table cimport Flow, FlowTable
from fastzt.netstack.host cimport Host
from fastzt.netstack.socket_table cimport ACCEPTABLE
from fastzt.netstack.tcp.connection cimport Connection
from fastzt.netstack.tcp.half_open cimport HalfOpen
from fastzt.netstack.tcp.segment cimport FRAGMENT, Segment
from fastzt.netstack.tcp.time_wait cimport TimeWait

cdef enum:
    ICMP = 1
    TCP = 6
    UDP = 17
    ICMPV6 = 58


cdef class Ingress(Host):
    cdef readonly Egress egress
    cdef readonly object routes
    cdef readonly FlowTable flows
    cdef readonly object isn
    cdef Segment segment
    cdef readonly dict listeners
    cdef readonly dict half_open
    cdef readonly object lingering
    cdef object queue
    cdef readonly object replies
    cdef list touched
    cdef int slot
    cdef int challenges
    cdef int64_t challenges_since
    cdef readonly object datagrams

    @cython.locals(segment=Segment, flow=Flow)
    cpdef bint fast_input(
        self, object peer, Slab slab, Py_ssize_t offset, Py_ssize_t length, int64_t generation, int64_t now
    ) except -1
    @cython.locals(segment=Segment, flow=Flow, taken=Py_ssize_t, n=Py_ssize_t)
    cpdef Py_ssize_t fast_run(
        self, object peer, Slab slab, Py_ssize_t offset, Py_ssize_t stride, Py_ssize_t count, Py_ssize_t size,
        Py_ssize_t last, int64_t generation, int64_t now
    ) except -1
    @cython.locals(protocol=int)
    cpdef void input(
        self, object peer, Slab slab, Py_ssize_t offset, Py_ssize_t length, int64_t generation, int64_t now
    ) except *
    @cython.locals(segment=Segment, flow=Flow)
    cdef void input_tcp(self, object peer, int64_t generation, int64_t now) except *
    cdef object listener_for(self, Segment segment)
    @cython.locals(segment=Segment, half=HalfOpen)
    cdef void input_new(self, object peer, int64_t generation, int64_t now) except *
    @cython.locals(segment=Segment, flow=Flow)
    cdef void input_icmp(self, object peer, int64_t now) except *
    @cython.locals(flow=Flow, touched=list)
    cpdef void after_batch(self, int64_t now) except *
    @cython.locals(segment=Segment, destination=bytes, end=Py_ssize_t)
    cdef void input_udp(self, object peer, int64_t now) except *
    @cython.locals(slab=Slab)
    cdef void input_extended(self, object peer, bytes packet, int64_t now) except *
    cpdef void answer(self, Flow reply) except *
    @cython.locals(connection=Connection)
    cpdef void opened(self, Flow flow, Segment segment, int64_t now) except *
    @cython.locals(lingering=TimeWait)
    cpdef void linger(self, Flow flow, Flow record, int64_t now) except *
    @cython.locals(record=TimeWait)
    cpdef void expired(self, int64_t now) except *
