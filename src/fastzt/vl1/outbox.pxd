cimport cython

from fastzt._core.access cimport put_bytes
from fastzt._core.datagram_batch cimport TransmitBatch
from fastzt._core.endpoint cimport Endpoint


@cython.final
cdef class Outbox:
    cdef object queue
    cdef readonly int limit
    cdef readonly int waiting
    cdef readonly int dropped

    cpdef put(self, bytes data, int socket, Endpoint endpoint)
    @cython.locals(data=bytes, socket=int, endpoint=Endpoint, size=Py_ssize_t, offset=Py_ssize_t)
    cpdef bint transmit(self, TransmitBatch out) except -1
