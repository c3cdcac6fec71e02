cimport cython
from libc.stdint cimport int64_t, uint64_t

from fastzt._core.slab cimport Slab
from fastzt._core.stats cimport Stats
from fastzt.vl1.peer cimport Peer
from fastzt.vl1.switch cimport Switch
from fastzt.vl2.claims cimport Claims
from fastzt.vl2.credentials_push cimport CredentialsPush
from fastzt.vl2.frame_context cimport FrameContext
from fastzt.vl2.member cimport Member, Memberships
from fastzt.vl2.program cimport Program
from fastzt.vl2.sink cimport IpSink


cdef class NetworkState:
    # hot
    cdef readonly uint64_t nwid
    cdef readonly uint64_t me
    cdef readonly uint64_t mac
    cdef public int64_t generation
    cdef public bint has_config
    cdef public bint is_public
    cdef public Py_ssize_t mtu
    cdef readonly Switch switch
    cdef readonly Stats stats
    cdef readonly FrameContext context
    cdef readonly Slab scratch
    cdef readonly IpSink sink
    cdef public Program base
    cdef public Claims claims
    cdef readonly CredentialsPush credentials
    # cold
    cdef readonly object owner
    cdef public object own_com
    cdef public object config
    cdef public bytes config_bytes
    cdef public unsigned int config_flags
    cdef public int64_t config_timestamp
    cdef public int64_t max_delta
    cdef public int64_t multicast_limit
    cdef public frozenset bridges
    cdef public tuple emulated
    cdef public tuple addresses
    cdef public tuple routes
    cdef public object status
    cdef public str authentication_url
    cdef readonly object membership
    cdef readonly object configs
    cdef readonly object multicast
    cdef readonly object resolution
    cdef readonly object bridging

    @cython.locals(token=Memberships, member=Member)
    cpdef Member member_of(self, Peer peer)
    @cython.locals(token=Memberships, found=Member)
    cdef Member find_member(self, Peer peer)
    @cython.locals(token=Memberships)
    cpdef hold(self, Peer peer, Member member)
    cpdef int64_t state_of(self, Peer peer) except? -1
    @cython.locals(state=int64_t)
    cpdef bint is_allowed(self, Peer peer, Member member) except -1
    @cython.locals(state=int64_t)
    cpdef Claims claims_at(self, Member member)
