cimport cython
from libc.stdint cimport int64_t, uint64_t

from fastzt._core.access cimport be64
from fastzt._core.slab cimport Slab
from fastzt._core.stats cimport Stats
from fastzt.vl1.peer cimport Peer
from fastzt.vl1.sink cimport IGNORED, VirtualSink
from fastzt.vl1.switch cimport Switch
from fastzt.vl2.frame_context cimport FrameContext
from fastzt.vl2.network cimport Network


cdef class Networks(VirtualSink):
    cdef readonly Switch switch
    cdef readonly Stats stats
    cdef readonly FrameContext context
    cdef readonly Slab scratch
    cdef readonly uint64_t me
    cdef Network last
    cdef readonly dict by_id
    cdef readonly object entropy
    cdef readonly int64_t wall_offset_ms
    cdef readonly object directory
    cdef public object authority
    cdef bint online
    cdef list queue
    cdef set retries
    cdef int64_t due
    cdef int64_t housekeeping_at

    @cython.locals(nwid=uint64_t, network=Network)
    cpdef int frame(self, Peer peer, Slab slab, Py_ssize_t offset, Py_ssize_t length, int hops, int64_t now)
    @cython.locals(network=Network)
    cpdef Py_ssize_t frames(self, Peer peer, Slab slab, Py_ssize_t offset, Py_ssize_t stride, Py_ssize_t count,
                            Py_ssize_t size, Py_ssize_t last, int64_t now) except -1
    cpdef int message(self, object packet, int64_t now)
    cpdef flush(self, int64_t now)
    cpdef int64_t deadline(self) noexcept
    cpdef bint has_news(self) noexcept
    cpdef list events(self)
