cimport cython
from libc.stdint cimport uint64_t

from fastzt._core.access cimport be40, be64, put_be40, put_be64, put_u8, u8
from fastzt._core.slab cimport Slab

cpdef enum:
    INDICATOR = 13
    NUMBERS = 14
    HOPS = 15
    HEADER = 16
    MAX_PIECES = 7

@cython.locals(total=int, number=int)
cpdef int check(Slab s, Py_ssize_t o, Py_ssize_t n) noexcept nogil
cpdef uint64_t packet_id(Slab s, Py_ssize_t o) noexcept nogil
cpdef uint64_t destination(Slab s, Py_ssize_t o) noexcept nogil
cpdef int total(Slab s, Py_ssize_t o) noexcept nogil
cpdef int number(Slab s, Py_ssize_t o) noexcept nogil
cpdef int hops(Slab s, Py_ssize_t o) noexcept nogil
cpdef void set_hops(Slab s, Py_ssize_t o, int value) noexcept nogil
cpdef void write_header(
    Slab s, Py_ssize_t o, uint64_t packet_id, uint64_t destination, int total, int number
) noexcept nogil
@cython.locals(step=Py_ssize_t, count=Py_ssize_t)
cpdef int pieces(Py_ssize_t n, Py_ssize_t mtu) noexcept nogil
cpdef Py_ssize_t piece_start(Py_ssize_t i, Py_ssize_t mtu) noexcept nogil
@cython.locals(rest=Py_ssize_t, most=Py_ssize_t)
cpdef Py_ssize_t piece_length(Py_ssize_t i, Py_ssize_t n, Py_ssize_t mtu) noexcept nogil
