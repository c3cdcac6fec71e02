from libc.stdint cimport uint64_t

from fastzt._core.access cimport be16, be48, put_be16, put_be48
from fastzt._core.slab cimport Slab

cpdef enum:
    HEADER = 14
    ETHERTYPE_IPV4 = 0x0800
    ETHERTYPE_ARP = 0x0806
    ETHERTYPE_IPV6 = 0x86DD

cpdef int check(Slab s, Py_ssize_t o, Py_ssize_t n) noexcept nogil
cpdef uint64_t destination(Slab s, Py_ssize_t o) noexcept nogil
cpdef uint64_t source(Slab s, Py_ssize_t o) noexcept nogil
cpdef int ethertype(Slab s, Py_ssize_t o) noexcept nogil
cpdef bint is_multicast(uint64_t mac) noexcept nogil
cpdef int write(Slab s, Py_ssize_t o, uint64_t destination, uint64_t source, int ethertype) noexcept nogil
