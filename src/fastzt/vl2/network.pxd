cimport cython
from libc.stdint cimport int64_t, uint64_t

from fastzt._core.access cimport be16, be64, put_be16, put_be64, put_bytes, take, u8
from fastzt._core.datagram_batch cimport TransmitBatch
from fastzt._core.slab cimport Slab
from fastzt.vl1.path cimport Path
from fastzt.vl1.peer cimport Peer
from fastzt.vl1.sink cimport DEFERRED, IGNORED, TRUSTED
from fastzt.vl2.claims cimport Claims
from fastzt.vl2.evaluator cimport ACCEPT, DROP, REDIRECT, SUPER_ACCEPT, judge
from fastzt.vl2.frame_context cimport ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, FrameContext
from fastzt.vl2.member cimport Member
from fastzt.vl2.network_state cimport NetworkState

cdef enum:
    FRAME = 0x06
    EXT_FRAME = 0x07
    ICMPV6 = 58
    NETWORK_CREDENTIALS = 0x0A
    HEAD = 10
    PACKET_HEAD = 28
    PLAIN_MTU = 1432
    FILTERED = -1
    DIVERTED = -2
    TEE_OUT = 0x02
    REDIRECT_OUT = 0x04
    WATCH_OUT = 0x16
    TEE_IN = 0x08
    REDIRECT_IN = 0x0A
    WATCH_IN = 0x1C


@cython.final
cdef class Network(NetworkState):
    cdef Py_ssize_t reserved

    @cython.locals(member=Member, state=int64_t)
    cdef int frame_in(self, Peer peer, Slab slab, Py_ssize_t offset, Py_ssize_t length, int64_t now) except? -1
    @cython.locals(member=Member, state=int64_t, ours=Py_ssize_t, o=Py_ssize_t, end=Py_ssize_t)
    cdef Py_ssize_t frames_in(self, Peer peer, Slab slab, Py_ssize_t offset, Py_ssize_t stride, Py_ssize_t count,
                              Py_ssize_t size, Py_ssize_t last, int64_t now) except -1
    @cython.locals(outcome=int, packet_id=uint64_t)
    cdef int slow_frame(self, Peer peer, Member member, Slab slab, Py_ssize_t offset, Py_ssize_t length,
                        int64_t now) except? -1
    @cython.locals(context=FrameContext, outcome=int)
    cpdef int judge_in(self, Peer peer, Member member, uint64_t source, uint64_t destination, Slab slab,
                       Py_ssize_t offset, Py_ssize_t length, unsigned int ethertype, int64_t now) except? -1
    @cython.locals(generation=int64_t)
    cpdef deliver(self, object neighbor, Member member, Slab slab, Py_ssize_t offset, Py_ssize_t length,
                  unsigned int ethertype, int64_t now)
    @cython.locals(path=Path, mtu=Py_ssize_t)
    cpdef Py_ssize_t room(self, Peer peer, int64_t now) except? -1
    @cython.locals(offset=Py_ssize_t)
    cpdef Py_ssize_t reserve(self, Peer peer, TransmitBatch out, Py_ssize_t ip_length, int64_t now) except? -2
    @cython.locals(slab=Slab, offset=Py_ssize_t, member=Member, ethertype="unsigned int", verdict=int64_t)
    cpdef int64_t commit(self, Peer peer, TransmitBatch out, Py_ssize_t ip_length, int64_t generation,
                         int64_t now) except? -3
    @cython.locals(member=Member)
    cpdef Py_ssize_t repeat(self, Peer peer, TransmitBatch out, Py_ssize_t ip_length, Py_ssize_t same,
                            Py_ssize_t most, int64_t generation, int64_t now) except -1
    cpdef Py_ssize_t stride(self, Py_ssize_t ip_length) noexcept
    @cython.locals(frame=bytes, shown=bytes, offset=Py_ssize_t)
    cdef seal_behind_credentials(self, Peer peer, Member member, TransmitBatch out, Py_ssize_t length,
                                 int64_t now)
    @cython.locals(outcome=int)
    cdef int64_t judge_out(self, Member member, Slab slab, Py_ssize_t offset, Py_ssize_t length,
                           unsigned int ethertype, int64_t now) except? -3
    @cython.locals(context=FrameContext)
    cpdef int evaluate_out(self, uint64_t destination, uint64_t mac_destination, Claims remote, Slab slab,
                           Py_ssize_t offset, Py_ssize_t length, unsigned int ethertype) except? -1
    @cython.locals(context=FrameContext)
    cpdef divert(self, int outcome, int64_t now)
    cdef tee(self, uint64_t target, Py_ssize_t length, bint watch, int64_t now)
    @cython.locals(context=FrameContext, flags=int)
    cpdef redirect(self, int64_t now)
    @cython.locals(context=FrameContext, data=bytes)
    cdef send_copy(self, uint64_t target, Py_ssize_t length, int flags, int64_t now)


@cython.locals(version=int)
cdef bint is_ip(Slab slab, Py_ssize_t offset, Py_ssize_t length, unsigned int ethertype) noexcept
cdef bint is_neighbor_message(Slab slab, Py_ssize_t offset, Py_ssize_t length, unsigned int ethertype) noexcept
