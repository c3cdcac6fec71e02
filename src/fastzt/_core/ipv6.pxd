cimport cython
from libc.stdint cimport uint32_t, uint64_t

from fastzt._core.access cimport be16, be32, be64, put_be16, put_be32, put_be64, put_u8, take, u8
from fastzt._core.slab cimport Slab

cpdef enum:
    HEADER = 40
    NEXT_HOP_BY_HOP = 0
    NEXT_TCP = 6
    NEXT_UDP = 17
    NEXT_ROUTING = 43
    NEXT_FRAGMENT = 44
    NEXT_ICMPV6 = 58
    NEXT_DESTINATION_OPTIONS = 60
    DEFAULT_HOP_LIMIT = 64
    MAX_EXTENSIONS = 8

cpdef int check(Slab s, Py_ssize_t o, Py_ssize_t n) noexcept nogil
@cython.locals(end=int, at=int, protocol=int, _=int)
cpdef int upper(Slab s, Py_ssize_t o) noexcept nogil
cpdef int payload_length(Slab s, Py_ssize_t o) noexcept nogil
cpdef int traffic_class(Slab s, Py_ssize_t o) noexcept nogil
cpdef int flow_label(Slab s, Py_ssize_t o) noexcept nogil
cpdef int next_header(Slab s, Py_ssize_t o) noexcept nogil
cpdef int hop_limit(Slab s, Py_ssize_t o) noexcept nogil
cpdef uint64_t source_high(Slab s, Py_ssize_t o) noexcept nogil
cpdef uint64_t source_low(Slab s, Py_ssize_t o) noexcept nogil
cpdef uint64_t destination_high(Slab s, Py_ssize_t o) noexcept nogil
cpdef uint64_t destination_low(Slab s, Py_ssize_t o) noexcept nogil
cpdef bytes source16(Slab s, Py_ssize_t o)
cpdef bytes destination16(Slab s, Py_ssize_t o)
cpdef int write(
    Slab s, Py_ssize_t o, int payload_length, int next_header, uint64_t source_high, uint64_t source_low,
    uint64_t destination_high, uint64_t destination_low
) noexcept nogil
