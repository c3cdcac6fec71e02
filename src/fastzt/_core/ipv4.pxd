cimport cython
from libc.stdint cimport uint32_t, uint64_t

from fastzt._core.access cimport be16, be32, put_be16, put_be32, put_u8, take, u8
from fastzt._core.slab cimport Slab

cpdef enum:
    HEADER = 20
    PROTOCOL_ICMP = 1
    PROTOCOL_TCP = 6
    PROTOCOL_UDP = 17
    DONT_FRAGMENT = 0x4000
    FRAGMENT_BITS = 0x3FFF
    DEFAULT_TTL = 64

@cython.locals(length=int, total=int)
cpdef int check(Slab s, Py_ssize_t o, Py_ssize_t n) noexcept nogil
@cython.locals(total=uint32_t, i=int)
cpdef uint32_t header_sum(Slab s, Py_ssize_t o, int length) noexcept nogil
cpdef int tos(Slab s, Py_ssize_t o) noexcept nogil
cpdef int total_length(Slab s, Py_ssize_t o) noexcept nogil
cpdef int identification(Slab s, Py_ssize_t o) noexcept nogil
cpdef bint is_fragment(Slab s, Py_ssize_t o) noexcept nogil
cpdef int ttl(Slab s, Py_ssize_t o) noexcept nogil
cpdef int protocol(Slab s, Py_ssize_t o) noexcept nogil
cpdef uint32_t source(Slab s, Py_ssize_t o) noexcept nogil
cpdef uint32_t destination(Slab s, Py_ssize_t o) noexcept nogil
cpdef uint64_t source_low(Slab s, Py_ssize_t o) noexcept nogil
cpdef uint64_t destination_low(Slab s, Py_ssize_t o) noexcept nogil
@cython.locals(low=uint64_t)
cpdef uint64_t mapped_low(uint32_t address) noexcept nogil
cpdef bytes source16(Slab s, Py_ssize_t o)
cpdef bytes destination16(Slab s, Py_ssize_t o)
cpdef int write(
    Slab s, Py_ssize_t o, int total_length, int identification, int protocol, uint32_t source, uint32_t destination
) noexcept nogil
