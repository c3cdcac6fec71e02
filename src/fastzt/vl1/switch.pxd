cimport cython
from libc.stdint cimport int64_t, uint64_t

from fastzt._core cimport fragment, packet
from fastzt._core.access cimport take
from fastzt._core.armor cimport dearmor, dearmor_run
from fastzt._core.datagram_batch cimport DatagramBatch, TransmitBatch
from fastzt._core.slab cimport Slab
from fastzt.vl1.defragmenter cimport Defragmenter
from fastzt.vl1.path cimport Path
from fastzt.vl1.peer cimport Peer
from fastzt.vl1.recent_ids cimport RecentIds
from fastzt.vl1.sink cimport VirtualSink
from fastzt.vl1.switchboard cimport Switchboard
from fastzt.vl1.transmitter cimport Transmitter

cdef enum:
    IGNORED = 0
    TRUSTED = 2
    DEFERRED = 3
    MAX_RUN = 64


@cython.final
cdef class Switch(Switchboard):
    cdef readonly object bugs
    cdef Defragmenter defragmenter
    cdef VirtualSink sink
    cdef Peer last_peer
    cdef Transmitter transmitter
    cdef Slab scratch
    cdef bytearray verdicts

    @cython.locals(i=int, offset=Py_ssize_t, end=Py_ssize_t, stride=Py_ssize_t, path=Path)
    cpdef receive(self, DatagramBatch batch, int64_t now)
    @cython.locals(n=Py_ssize_t, peer=Peer, count=Py_ssize_t, last=Py_ssize_t)
    cdef Py_ssize_t next_in(self, Slab slab, Py_ssize_t offset, Py_ssize_t left, Py_ssize_t stride, Path path,
                            int64_t now) except -1
    @cython.locals(source=uint64_t)
    cdef Peer sender_of(self, Slab slab, Py_ssize_t offset)
    @cython.locals(verdicts=bytearray, n=Py_ssize_t, i=Py_ssize_t, o=Py_ssize_t)
    cdef run_in(self, Slab slab, Py_ssize_t offset, Py_ssize_t stride, Py_ssize_t count, Py_ssize_t last, Peer peer,
                Path path, int64_t now)
    @cython.locals(sink=VirtualSink, fresh=Py_ssize_t, head=Py_ssize_t, end=Py_ssize_t, taken=Py_ssize_t,
                   k=Py_ssize_t, length=Py_ssize_t)
    cdef Py_ssize_t opened_run(self, Slab slab, Py_ssize_t offset, Py_ssize_t stride, Py_ssize_t count,
                               Py_ssize_t last, Py_ssize_t first, Py_ssize_t n, Peer peer, Path path,
                               int64_t now) except -1
    @cython.locals(recent=RecentIds, k=Py_ssize_t)
    cdef Py_ssize_t fresh_frames(self, Slab slab, Py_ssize_t offset, Py_ssize_t stride, Py_ssize_t count,
                                 Py_ssize_t first, Peer peer) except -1
    @cython.locals(kind=int)
    cdef datagram(self, Slab slab, Py_ssize_t offset, Py_ssize_t n, Path path, int64_t now)
    @cython.locals(total=int, length=Py_ssize_t)
    cdef piece(self, Slab slab, Py_ssize_t offset, Py_ssize_t n, Path path, int64_t now)
    @cython.locals(length=Py_ssize_t)
    cdef head(self, Slab slab, Py_ssize_t offset, Py_ssize_t n, Path path, int64_t now)
    @cython.locals(sink=VirtualSink)
    cdef opened(self, Slab slab, Py_ssize_t offset, Py_ssize_t n, Peer peer, Path path, int64_t now)
    @cython.locals(peer=Peer, source=uint64_t)
    cdef whole(self, Slab slab, Py_ssize_t offset, Py_ssize_t n, Path path, int64_t now)
    cdef cold(self, Slab slab, Py_ssize_t offset, Py_ssize_t n, Peer peer, Path path, int64_t now)
    @cython.locals(recent=RecentIds)
    cdef frame(self, VirtualSink sink, Slab slab, Py_ssize_t offset, Py_ssize_t n, Peer peer, Path path, int64_t now)
    @cython.locals(hops=int, verdict=int)
    cdef fresh_frame(self, VirtualSink sink, Slab slab, Py_ssize_t offset, Py_ssize_t n, Peer peer, Path path,
                     int64_t now)
    @cython.locals(pushed=bint)
    cdef heard(self, Peer peer, Path path, int hops, int64_t now)
    cdef Peer find(self, uint64_t address)
    cpdef Path route(self, Peer peer, int64_t now)
    cpdef Py_ssize_t reserve(self, Peer peer, TransmitBatch out, Py_ssize_t payload_length, int64_t now)
    cpdef seal(self, Peer peer, TransmitBatch out, Py_ssize_t payload_length, int verb, int64_t now)
    cpdef Py_ssize_t repeat(self, Peer peer, TransmitBatch out, Py_ssize_t payload_length, Py_ssize_t same,
                            Py_ssize_t most, int64_t now) except -1
    cpdef complete(self)
