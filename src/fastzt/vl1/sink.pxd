from libc.stdint cimport int64_t

from fastzt._core.slab cimport Slab
from fastzt.vl1.peer cimport Peer

cdef enum:
    IGNORED = 0
    ACCEPTED = 1
    TRUSTED = 2
    DEFERRED = 3


cdef class VirtualSink:
    cpdef int frame(self, Peer peer, Slab slab, Py_ssize_t offset, Py_ssize_t length, int hops, int64_t now)
    cpdef Py_ssize_t frames(self, Peer peer, Slab slab, Py_ssize_t offset, Py_ssize_t stride, Py_ssize_t count,
                            Py_ssize_t size, Py_ssize_t last, int64_t now) except -1
    cpdef int message(self, object packet, int64_t now)
    cpdef flush(self, int64_t now)
