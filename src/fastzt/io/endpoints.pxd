cimport cython

from fastzt._core.datagram_batch cimport DatagramBatch, TransmitBatch
from fastzt._core.endpoint cimport Endpoint
from fastzt._core.stats cimport Stats
from fastzt._core.udp_socket cimport UdpSocket


@cython.final
cdef class UdpSockets:
    cdef readonly list sockets
    cdef readonly int port
    cdef readonly object capabilities
    cdef readonly Stats stats
    cdef public object tunnel
    cdef list _too_big
    cdef UdpSocket _blocked
    cdef Py_ssize_t _resume
    cdef int _turn

    cpdef list take_too_big(self)
    @cython.locals(before=int, count=int, first=int, left=int, i=int, offset=Py_ssize_t, s=UdpSocket)
    cpdef int drain(self, DatagramBatch batch, int max_messages) except -1
    @cython.locals(i=int, s=UdpSocket)
    cpdef int send(self, TransmitBatch out, int first=*) except -1
    @cython.locals(number=int, s=UdpSocket, endpoint=Endpoint)
    cdef UdpSocket _carrier(self, TransmitBatch out, int i)
    @cython.locals(error=int, length=Py_ssize_t, segment=Py_ssize_t)
    cdef bint _send_run(self, UdpSocket s, TransmitBatch out, int i) except? 0
    @cython.locals(error=int)
    cdef int _try(self, UdpSocket s, TransmitBatch out, int i, Py_ssize_t n) except? -1
    cdef bint _segmentation_failed(self, UdpSocket s, int error, Py_ssize_t segment, Endpoint endpoint) except? 0
    @cython.locals(error=int)
    cdef bint _send_one(self, UdpSocket s, TransmitBatch out, int i, Py_ssize_t n) except? 0
    cdef void _count_failure(self, int error) except *
    cdef void _report(self, UdpSocket s, Endpoint endpoint, Py_ssize_t size) except *
