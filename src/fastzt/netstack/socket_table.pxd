cimport cython
from libc.stdint cimport int64_t

cpdef enum:
    READABLE = 1
    WRITABLE = 2
    CONNECTED = 4
    ACCEPTABLE = 8
    CLOSED = 16
    FAILED = 32


@cython.final
cdef class Handle:
    cdef readonly int64_t id
    cdef readonly object owner
    cdef readonly int bits


@cython.final
cdef class SocketTable:
    cdef dict _handles
    cdef list _pending
    cdef int64_t _last

    cpdef Handle allocate(self, object owner)
    cpdef void release(self, Handle handle)
    cpdef object get(self, int64_t number)
    cpdef void mark(self, Handle handle, int bits)
    cpdef bint has_news(self) noexcept
    @cython.locals(handle=Handle)
    cpdef list ready(self)
