cimport cython
from libc.stdint cimport int64_t

from fastzt._core.ring_buffer cimport size_of
from fastzt.io.attempt cimport Attempt
from fastzt.io.threaded cimport ThreadedDriver
from fastzt.netstack.tcp.connection cimport Connection

cdef enum:
    CHUNK = 65536


cdef class Stream


@cython.final
cdef class Reading(Attempt):
    cdef Stream stream
    cdef object buffer


@cython.final
cdef class Taking(Attempt):
    cdef Stream stream
    cdef Py_ssize_t most


@cython.final
cdef class Writing(Attempt):
    cdef Stream stream
    cdef object data
    cdef Py_ssize_t done
    cdef Py_ssize_t size
    cdef Py_ssize_t enough


cdef class Stream:
    cdef readonly ThreadedDriver _driver
    cdef public Connection _connection
    cdef public object _timeout
    cdef public bint _closed
    cdef public int _io_refs
    cdef public bint _read_shut

    @cython.locals(attempt=Writing, kept=Py_ssize_t)
    cdef Py_ssize_t _send(self, object data, Py_ssize_t size, Py_ssize_t enough) except -1
    cpdef object sendall(self, object data, int flags=*)
    @cython.locals(attempt=Reading)
    cpdef object recv_into(self, object buffer, Py_ssize_t nbytes=*, int flags=*)
    cdef object _try(self, Attempt attempt, object timeout)
    cpdef int _check(self) except -1
    cdef bint _ended(self, Connection connection) except -1


# Another thread may replace these meanwhile: without a GIL a reference has to be taken under the object's own lock,
# as the properties do that Python code sees.
cdef inline Connection connection_of(Stream stream):
    with cython.critical_section(stream):
        return stream._connection


cdef inline object timeout_of(Stream stream):
    with cython.critical_section(stream):
        return stream._timeout
