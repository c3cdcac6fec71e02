cimport cython
from libc.stdint cimport int64_t, uint32_t

from fastzt._core.ring_buffer cimport RingBuffer
from fastzt._core.slab cimport Slab
from fastzt.io.poller cimport Poller
from fastzt.io.watch cimport ERROR, HANG_UP, READ, WRITE, Watch
from fastzt.netstack.tcp.connection cimport Connection

cdef extern from "stream_linux.h" nogil:
    enum: FT_STREAM
    long ft_stream_receive(int fd, unsigned char *p, size_t n)
    long ft_stream_send(int fd, const unsigned char *p, size_t n)

cdef enum:
    SHARE = 1048576
    STAGING = 65536
    SMALL = 16384


@cython.final
cdef class Bridge:
    cdef readonly Connection connection
    cdef readonly object sock
    cdef readonly int fd
    cdef object on_end
    cdef bint may_read
    cdef bint may_write
    cdef bint hung_up
    cdef bint inward_over
    cdef bint outward_over
    cdef readonly bint failed
    cdef bint dirty
    cdef bint done
    cdef readonly int64_t inward
    cdef readonly int64_t outward


@cython.final
cdef class Bridges:
    cdef Poller poller
    cdef Watch watch
    cdef Slab staging
    cdef readonly int count
    cdef dict by_id
    cdef dict by_fd
    cdef list dirty
    cdef bint native

    cpdef Bridge add(self, Connection connection, object sock, object on_end)
    cdef void mark(self, Bridge bridge) except *
    @cython.locals(bridge=Bridge)
    cpdef void touch(self, int64_t number) except *
    @cython.locals(fd=int, events=uint32_t, bridge=Bridge)
    cpdef void look(self) except *
    cpdef bint is_due(self) noexcept
    @cython.locals(todo=list, bridge=Bridge)
    cpdef void carry(self, int64_t now) except *
    @cython.locals(more=bint, over=bint, wanted=int)
    cdef bint carry_one(self, Bridge bridge, int64_t now) except -1
    @cython.locals(connection=Connection, ring=RingBuffer, left=Py_ssize_t, held=Py_ssize_t, at=Py_ssize_t,
                   n=Py_ssize_t)
    cdef bint carry_outward(self, Bridge bridge, int64_t now) except -1
    @cython.locals(connection=Connection, staging=Slab, left=Py_ssize_t, room=Py_ssize_t, n=Py_ssize_t)
    cdef bint carry_inward(self, Bridge bridge, int64_t now) except -1
    @cython.locals(done=Py_ssize_t)
    cdef Py_ssize_t send(self, Bridge bridge, Slab slab, Py_ssize_t offset, Py_ssize_t n) except -1
    @cython.locals(done=Py_ssize_t)
    cdef Py_ssize_t receive(self, Bridge bridge, Slab slab, Py_ssize_t n) except? -1
    @cython.locals(connection=Connection)
    cdef void end(self, Bridge bridge, int64_t now) except *
    @cython.locals(bridge=Bridge)
    cpdef object release(self, int64_t now)
    @cython.locals(bridge=Bridge)
    cpdef object close(self)


cdef inline bint has_native() noexcept:
    return FT_STREAM


cdef inline Py_ssize_t receive(Bridge owner, Slab slab, Py_ssize_t offset, Py_ssize_t n) noexcept:
    return ft_stream_receive(owner.fd, slab.p + offset, <size_t> n)


cdef inline Py_ssize_t send(Bridge owner, Slab slab, Py_ssize_t offset, Py_ssize_t n) noexcept:
    return ft_stream_send(owner.fd, slab.p + offset, <size_t> n)
