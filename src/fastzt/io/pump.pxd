cimport cython
from libc.stdint cimport int64_t

from fastzt._core.datagram_batch cimport DatagramBatch, TransmitBatch
from fastzt.io.endpoints cimport UdpSockets
from fastzt.node.verbs cimport Verbs

cdef enum:
    DRAIN = 16
    ROUNDS = 8


@cython.final
cdef class Pump:
    cdef readonly Verbs core
    cdef readonly UdpSockets sockets
    cdef readonly DatagramBatch incoming
    cdef readonly TransmitBatch outgoing
    cdef readonly int sent
    cdef readonly bint behind

    cpdef bint blocked(self) noexcept
    cpdef int turn(self, int64_t now, bint due) except -1
    @cython.locals(more=bint, _=int)
    cpdef void flush(self, int64_t now) except *
    @cython.locals(out=TransmitBatch)
    cdef bint _send(self, int64_t now) except -1
