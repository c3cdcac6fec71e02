cimport cython
from libc.stdint cimport int64_t, uint64_t

from fastzt.vl1.peer cimport Peer
from fastzt.vl1.switch cimport Switch
from fastzt.vl2.member cimport Member

cdef enum:
    NETWORK_CREDENTIALS = 0x0A
    ERROR = 0x02
    NEED_MEMBERSHIP_CERTIFICATE = 0x06
    GATE = 1000000
    REPUSH = 500000000


@cython.final
cdef class CredentialsPush:
    cdef Switch switch
    cdef readonly uint64_t nwid
    cdef readonly int64_t serial
    cdef readonly list parts

    @cython.locals(since=int64_t)
    cpdef bint is_due(self, Member member, int64_t now) noexcept
    cpdef push(self, uint64_t address, Member member, int64_t now)
    cpdef bytes next_part(self, Member member, int64_t now)
    cpdef bint demanded(self, uint64_t address, Member member, int64_t now) except -1
    cpdef complain(self, Peer peer, Member member, int verb, uint64_t packet_id, int64_t now)
