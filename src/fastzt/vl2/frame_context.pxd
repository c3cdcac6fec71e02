cimport cython
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t

from fastzt._core.access cimport be16, be64, take, u8
from fastzt._core.slab cimport Slab
from fastzt.vl2.claims cimport Claims

cdef enum:
    ETHERTYPE_IPV4 = 0x0800
    ETHERTYPE_ARP = 0x0806
    ETHERTYPE_IPV6 = 0x86DD
    ICMP = 1
    TCP = 6
    UDP = 17
    ICMPV6 = 58
    SCTP = 132
    UDP_LITE = 136
    NEIGHBOR_SOLICITATION = 135
    NEIGHBOR_ADVERTISEMENT = 136
    NDP_EMULATION = 0x4

cdef uint64_t INBOUND
cdef uint64_t MULTICAST
cdef uint64_t BROADCAST
cdef uint64_t SENDER_IP_AUTHENTICATED
cdef uint64_t SENDER_MAC_AUTHENTICATED
cdef uint64_t MULTICAST_BIT
cdef uint32_t LOW_32
cdef uint64_t ALL_ONES_MAC


@cython.final
cdef class FrameContext:
    cdef readonly uint64_t me
    cdef Slab slab
    cdef Py_ssize_t offset
    cdef Py_ssize_t length
    cdef public bint inbound
    cdef public uint64_t source
    cdef public uint64_t destination
    cdef public uint64_t mac_source
    cdef public uint64_t mac_destination
    cdef readonly unsigned int ethertype
    cdef public unsigned int vlan
    cdef public unsigned int config_flags
    cdef public Claims local
    cdef public Claims remote
    cdef public tuple emulated
    cdef uint32_t random_state
    # what `begin` found
    cdef bint ip_header
    cdef unsigned int protocol
    cdef Py_ssize_t transport
    cdef bint characteristics_known
    cdef uint64_t characteristics_value
    # what the evaluator decided
    cdef public uint64_t redirect_to
    cdef public uint64_t tee_to
    cdef public Py_ssize_t tee_length
    cdef public bint tee_watch
    cdef public uint64_t base_tee_to
    cdef public Py_ssize_t base_tee_length
    cdef public bint base_tee_watch
    cdef public bint cacheable

    cpdef void clear_results(self) noexcept
    cpdef void begin(self, Slab slab, Py_ssize_t offset, Py_ssize_t length, unsigned int ethertype) noexcept
    @cython.locals(protocol="unsigned int", at=Py_ssize_t)
    cdef void walk_extension_headers(self) noexcept
    @cython.locals(p="unsigned int", value=int)
    cdef int port(self, int at) noexcept
    @cython.locals(x=uint32_t)
    cdef uint32_t next_random(self) noexcept
    cdef uint64_t characteristics(self) except? 1
    @cython.locals(bits=uint64_t, sender=Claims)
    cdef uint64_t address_bits(self) except? 1
    cdef uint64_t tcp_flags(self) noexcept
    @cython.locals(o=Py_ssize_t, at=Py_ssize_t, kind=int)
    cdef bint sender_owns_ip(self, Claims sender) except -1
    cdef bint owns_ipv6(self, Claims sender, bytes ip) except -1
