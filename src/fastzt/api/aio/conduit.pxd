cimport cython
from libc.stdint cimport int64_t

from fastzt._core.ring_buffer cimport size_of
from fastzt.netstack.socket_table cimport WRITABLE
from fastzt.netstack.tcp.connection cimport Connection

cdef enum:
    PIECES = 4
    PIECE = 262144
    CHUNK = 65536


@cython.final
cdef class Conduit:
    cdef readonly object transport
    cdef readonly object driver
    cdef readonly object run
    cdef readonly object loop
    cdef readonly Connection connection
    cdef int64_t id
    cdef readonly object flow
    cdef object owner
    cdef readonly object protocol
    cdef bint buffered
    cdef object waiting
    cdef readonly Py_ssize_t waiting_size
    cdef readonly bint begun
    cdef readonly bint paused
    cdef bint eof_received
    cdef bint eof_written
    cdef readonly bint closing
    cdef readonly bint ended
    cdef bint push_is_due
    cdef bint read_is_due
    cdef object on_readable
    cdef object data
    cdef Py_ssize_t most
    cdef Py_ssize_t done
    cdef readonly object started

    cdef int _read_soon(self) except -1
    cdef void _read(self) except *
    cdef int _look_for_failure(self) except -1
    cdef bint _read_piece(self) except -1
    @cython.locals(n=Py_ssize_t)
    cdef bint _fill_buffer(self) except -1
    cdef int _take_eof(self) except -1
    cpdef bytes pull(self, Py_ssize_t most)
    cpdef bytes take(self, int64_t now)
    cpdef Py_ssize_t fill(self, int64_t now) except -1
    @cython.locals(n=Py_ssize_t)
    cpdef bint put(self, int64_t now) except -1
    @cython.locals(written=Py_ssize_t, n=Py_ssize_t)
    cpdef bint drain(self, int64_t now) except -1
    @cython.locals(size=Py_ssize_t, done=Py_ssize_t)
    cpdef bint write(self, object data) except -1
    cdef Py_ssize_t _send(self, object data, Py_ssize_t size) except -1
    cdef int _keep(self, object data, Py_ssize_t done) except -1
    cdef void _write_more(self) except *
    cdef int _push_soon(self) except -1
    cpdef object close(self)
    cpdef object fail(self, object error, str message)
    cpdef object end(self, object error, bint reset=*)
