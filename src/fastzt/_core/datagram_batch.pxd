cimport cython

from fastzt._core.endpoint cimport Endpoint
from fastzt._core.slab cimport Slab

cdef enum:
    MAX_MESSAGES = 64
    MAX_SEGMENTS = 64
    MAX_UDP_PAYLOAD = 65507


@cython.final
cdef class DatagramBatch:
    cdef readonly Slab slab
    cdef readonly int count
    cdef readonly list endpoint
    cdef Py_ssize_t[64] offset
    cdef Py_ssize_t[64] length
    cdef Py_ssize_t[64] stride
    cdef int[64] socket

    cpdef bint add(self, Py_ssize_t offset, Py_ssize_t length, Py_ssize_t stride, int socket, Endpoint endpoint)
    cpdef void clear(self)


@cython.final
cdef class TransmitBatch:
    cdef readonly Slab slab
    cdef readonly int count
    cdef readonly Py_ssize_t used
    cdef bint closed
    cdef readonly list endpoint
    cdef Py_ssize_t[64] offset
    cdef Py_ssize_t[64] length
    cdef Py_ssize_t[64] segment
    cdef int[64] segments
    cdef int[64] socket

    cpdef Py_ssize_t reserve(self, Py_ssize_t n) noexcept
    cpdef void commit(self, Py_ssize_t n, int socket, Endpoint endpoint)
    @cython.locals(i=int)
    cpdef Py_ssize_t repeat(self, Py_ssize_t n, Py_ssize_t most) noexcept
    cdef bint same_endpoint(self, int i, Endpoint endpoint)
    cdef void start_run(self, Py_ssize_t n, int socket, Endpoint endpoint)
    cpdef void clear(self)
