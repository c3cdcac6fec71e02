cimport cython
from libc.stdint cimport int64_t, uint64_t

from fastzt._core.datagram_batch cimport TransmitBatch
from fastzt._core.slab cimport Slab
from fastzt.netstack.egress cimport Egress
from fastzt.netstack.stack cimport Stack
from fastzt.vl1.peer cimport Peer
from fastzt.vl2.network cimport Network
from fastzt.vl2.sink cimport IpSink


cdef class Inlet(IpSink):
    cdef readonly Network network
    cdef readonly Stack stack

    cpdef bint fast_input(self, object peer, Slab slab, Py_ssize_t offset, Py_ssize_t length,
                          int64_t generation, int64_t now)
    cpdef Py_ssize_t fast_run(self, object peer, Slab slab, Py_ssize_t offset, Py_ssize_t stride,
                              Py_ssize_t count, Py_ssize_t size, Py_ssize_t last, int64_t generation,
                              int64_t now) except -1
    cpdef void input(self, object peer, Slab slab, Py_ssize_t offset, Py_ssize_t length,
                     int64_t generation, int64_t now)
    cpdef void resolved(self, bytes ip16, object peer, int64_t now)
    cpdef void unreachable(self, bytes ip16, int64_t now)
    cpdef void refused(self, object peer, int64_t now)
    cpdef void addresses_changed(self, int64_t now)


cdef enum:
    LOOP_ROUNDS = 8


@cython.final
cdef class Loopback:
    cdef readonly uint64_t address
    cdef Slab slab
    cdef readonly Py_ssize_t used
    cdef list _lengths

    cdef Py_ssize_t reserve(self, Py_ssize_t length)
    cdef int commit(self, Py_ssize_t length) except -1
    @cython.locals(offset=Py_ssize_t, length=Py_ssize_t)
    cdef int deliver(self, Stack stack, int64_t now) except -1


cdef class Outlet(Egress):
    cdef readonly Network network
    cdef readonly Loopback own
    cdef TransmitBatch out

    cpdef void fill(self, TransmitBatch out)
    cpdef object resolve(self, bytes ip, int64_t now)
    cpdef Py_ssize_t room(self, object neighbor, int64_t now) except? -2
    @cython.locals(offset=Py_ssize_t)
    cpdef Py_ssize_t reserve(self, object neighbor, Py_ssize_t length, int64_t now) except? -2
    cpdef int64_t commit(self, object neighbor, Py_ssize_t length, int64_t generation, int64_t now) except? -2
    @cython.locals(n=Py_ssize_t, stride=Py_ssize_t)
    cpdef Py_ssize_t repeat(self, object neighbor, Py_ssize_t length, Py_ssize_t same, Py_ssize_t most,
                            int64_t generation, int64_t now) except -1


@cython.final
cdef class Lane:
    cdef readonly Network network
    cdef readonly Outlet outlet
    cdef readonly Stack stack

    @cython.locals(more=bint)
    cdef bint transmit(self, int64_t now) except -1
