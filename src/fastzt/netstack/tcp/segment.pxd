cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint32_t, uint64_t

from fastzt._core cimport checksum, ipv4, ipv6, tcp_header
from fastzt._core.access cimport be16, be32, be64, same, u8
from fastzt._core.seqnum cimport diff
from fastzt._core.slab cimport Slab
from fastzt._core.tcp_header cimport TcpOptions

cdef extern from "bytes.h" nogil:
    void ft_put_be64(unsigned char *p, uint64_t v)

cdef enum:
    MALFORMED = -1
    FRAGMENT = -2
    PLAIN_HEADER = 32
    PLAIN_IPV4 = 0x4500


@cython.final
cdef class Segment:
    cdef readonly Slab slab
    cdef readonly TcpOptions options
    cdef Py_ssize_t packet
    cdef Py_ssize_t header
    cdef Py_ssize_t payload
    cdef readonly int total
    cdef readonly int length
    cdef readonly bint is_v4
    cdef uint64_t source_hi
    cdef uint64_t source_lo
    cdef uint64_t destination_hi
    cdef uint64_t destination_lo
    cdef readonly unsigned int source_port
    cdef readonly unsigned int destination_port
    cdef readonly uint32_t sequence
    cdef readonly uint32_t acknowledgment
    cdef readonly int flags
    cdef readonly int window
    cdef uint32_t partial

    @cython.locals(size=int)
    cpdef int parse_ip(self, Slab slab, Py_ssize_t offset, Py_ssize_t length) noexcept
    @cython.locals(size=int)
    cdef int parse_ipv6(self, Slab slab, Py_ssize_t offset, Py_ssize_t length) noexcept
    @cython.locals(slab=Slab, o=Py_ssize_t, size=int)
    cpdef bint parse_tcp(self) noexcept
    @cython.locals(slab=Slab, a=Py_ssize_t, p=Py_ssize_t, lead=Py_ssize_t, o=Py_ssize_t, size=Py_ssize_t)
    cdef bint continues(self, Py_ssize_t offset, Py_ssize_t n) noexcept
    cdef bint checksum_holds(self) noexcept
    cdef uint32_t pseudo(self) noexcept
    cpdef bytes source(self)
    cpdef bytes destination(self)


cdef bint is_next_v4(Slab slab, Py_ssize_t a, Py_ssize_t o, Py_ssize_t n) noexcept
cdef bint is_next_v6(Slab slab, Py_ssize_t a, Py_ssize_t o, Py_ssize_t n) noexcept


cdef inline bytes address(uint64_t hi, uint64_t lo):
    cdef unsigned char[16] b
    ft_put_be64(b, hi)
    ft_put_be64(b + 8, lo)
    return PyBytes_FromStringAndSize(<char *> b, 16)
