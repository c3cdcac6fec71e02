cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t

from fastzt._core cimport checksum, ipv4, ipv6, tcp_header
from fastzt._core.access cimport put_bytes
from fastzt._core.ring_buffer cimport RingBuffer
from fastzt._core.slab cimport Slab
from fastzt._core.stats cimport Stats
from fastzt._core.tcp_header cimport TcpOptions
from fastzt.netstack.egress cimport Egress
from fastzt.netstack.flow_table cimport Flow


@cython.final
cdef class Emitter:
    cdef readonly Egress egress
    cdef Stats stats
    cdef TcpOptions options
    cdef readonly uint64_t sent

    cdef Py_ssize_t room(self, Flow flow, int64_t now) except? -2
    @cython.locals(
        options=int, header=int, lead=int, total=int, o=Py_ssize_t, at=Py_ssize_t, slab=Slab, verdict=int64_t
    )
    cdef bint segment(
        self, Flow flow, uint32_t sequence, uint32_t acknowledgment, int flags, int window, RingBuffer ring,
        int64_t position, int length, int64_t now
    ) except -1
    @cython.locals(
        header=int, same=int, n=Py_ssize_t, slab=Slab, stride=Py_ssize_t, at=Py_ssize_t, common=uint32_t,
        sequence=uint32_t, total=uint32_t
    )
    cdef Py_ssize_t repeat(
        self, Flow flow, RingBuffer ring, int64_t position, int length, Py_ssize_t most, int64_t now
    ) except -1
    cpdef bint control(
        self, Flow flow, uint32_t sequence, uint32_t acknowledgment, int flags, int64_t now
    ) except -1
    @cython.locals(o=Py_ssize_t)
    cpdef bint packet(self, object peer, bytes data, int64_t now) except -1
    @cython.locals(slab=Slab, value=int)
    cdef void finish(self, Flow flow, Py_ssize_t o, int lead, int total)
