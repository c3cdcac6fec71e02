from libc.stdint cimport uint32_t, uint64_t

from fastzt._core.slab cimport Slab

cdef extern from "checksum.h" nogil:
    void ft_checksum_setup()
    uint32_t ft_sum16(const unsigned char *p, size_t n, uint64_t initial)
    uint32_t ft_copy_sum16(unsigned char *to, const unsigned char *p, size_t n, uint64_t initial)


cpdef uint32_t sum16(Slab slab, Py_ssize_t offset, Py_ssize_t length, uint32_t initial=*) noexcept
cpdef uint32_t checksum(Slab slab, Py_ssize_t offset, Py_ssize_t length, uint32_t initial=*) noexcept
cpdef uint32_t copy_sum(Slab target, Py_ssize_t to, Slab source, Py_ssize_t offset, Py_ssize_t length,
                        uint32_t initial=*) noexcept
cpdef bint verify(Slab slab, Py_ssize_t offset, Py_ssize_t length, uint32_t initial=*) noexcept
cpdef uint32_t pseudo_header(bytes source, bytes destination, uint32_t protocol, uint32_t length) except? 0
cpdef uint32_t pseudo_sum(Slab slab, Py_ssize_t offset, Py_ssize_t length, uint32_t protocol,
                          uint32_t upper_length) noexcept


cdef inline void setup() noexcept:
    ft_checksum_setup()

cdef inline uint32_t sum_range(Slab s, Py_ssize_t o, Py_ssize_t n, uint64_t initial) noexcept:
    return ft_sum16(s.p + o, <size_t> n, initial)

cdef inline uint32_t copy_range(Slab t, Py_ssize_t to, Slab s, Py_ssize_t o, Py_ssize_t n, uint64_t initial) noexcept:
    return ft_copy_sum16(t.p + to, s.p + o, <size_t> n, initial)

cdef inline uint32_t sum_data(bytes data, uint64_t initial):
    return ft_sum16(data, <size_t> len(data), initial)
