# Fields of a slab by offset. Nothing here checks bounds: a codec checks a length once, then reads.
# Interpreted modules import the same names from access.py.
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memmove, memset
from cpython.bytes cimport PyBytes_FromStringAndSize

from fastzt._core.slab cimport Slab

cdef extern from "bytes.h" nogil:
    uint16_t ft_be16(const unsigned char *p)
    uint32_t ft_be32(const unsigned char *p)
    uint64_t ft_be40(const unsigned char *p)
    uint64_t ft_be48(const unsigned char *p)
    uint64_t ft_be64(const unsigned char *p)
    void ft_put_be16(unsigned char *p, uint16_t v)
    void ft_put_be32(unsigned char *p, uint32_t v)
    void ft_put_be40(unsigned char *p, uint64_t v)
    void ft_put_be48(unsigned char *p, uint64_t v)
    void ft_put_be64(unsigned char *p, uint64_t v)


cdef inline uint8_t u8(Slab s, Py_ssize_t o) noexcept nogil:
    return s.p[o]

cdef inline uint16_t be16(Slab s, Py_ssize_t o) noexcept nogil:
    return ft_be16(s.p + o)

cdef inline uint32_t be32(Slab s, Py_ssize_t o) noexcept nogil:
    return ft_be32(s.p + o)

cdef inline uint64_t be40(Slab s, Py_ssize_t o) noexcept nogil:
    return ft_be40(s.p + o)

cdef inline uint64_t be48(Slab s, Py_ssize_t o) noexcept nogil:
    return ft_be48(s.p + o)

cdef inline uint64_t be64(Slab s, Py_ssize_t o) noexcept nogil:
    return ft_be64(s.p + o)

cdef inline void put_u8(Slab s, Py_ssize_t o, uint8_t v) noexcept nogil:
    s.p[o] = v

cdef inline void put_be16(Slab s, Py_ssize_t o, uint16_t v) noexcept nogil:
    ft_put_be16(s.p + o, v)

cdef inline void put_be32(Slab s, Py_ssize_t o, uint32_t v) noexcept nogil:
    ft_put_be32(s.p + o, v)

cdef inline void put_be40(Slab s, Py_ssize_t o, uint64_t v) noexcept nogil:
    ft_put_be40(s.p + o, v)

cdef inline void put_be48(Slab s, Py_ssize_t o, uint64_t v) noexcept nogil:
    ft_put_be48(s.p + o, v)

cdef inline void put_be64(Slab s, Py_ssize_t o, uint64_t v) noexcept nogil:
    ft_put_be64(s.p + o, v)

cdef inline bytes take(Slab s, Py_ssize_t o, Py_ssize_t n):
    return PyBytes_FromStringAndSize(<char *> (s.p + o), n)

cdef inline void put_bytes(Slab s, Py_ssize_t o, bytes data) noexcept:
    memcpy(s.p + o, <const unsigned char *> data, <size_t> len(data))

cdef inline void move(Slab to, Py_ssize_t to_offset, Slab source, Py_ssize_t offset, Py_ssize_t n) noexcept nogil:
    memmove(to.p + to_offset, source.p + offset, <size_t> n)

cdef inline void fill(Slab s, Py_ssize_t o, Py_ssize_t n, uint8_t value) noexcept nogil:
    memset(s.p + o, value, <size_t> n)

cdef inline bint same(Slab a, Py_ssize_t ao, Slab b, Py_ssize_t bo, Py_ssize_t n) noexcept nogil:
    return memcmp(a.p + ao, b.p + bo, <size_t> n) == 0
