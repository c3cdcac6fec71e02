cimport cython

from fastzt._core.access cimport be16, put_be16
from fastzt._core.slab cimport Slab

cpdef enum:
    HEADER = 8
    CHECKSUM = 6

@cython.locals(length=int)
cpdef int check(Slab s, Py_ssize_t o, Py_ssize_t n) noexcept nogil
cpdef int source_port(Slab s, Py_ssize_t o) noexcept nogil
cpdef int destination_port(Slab s, Py_ssize_t o) noexcept nogil
cpdef int length(Slab s, Py_ssize_t o) noexcept nogil
cpdef int checksum(Slab s, Py_ssize_t o) noexcept nogil
cpdef void set_checksum(Slab s, Py_ssize_t o, int value) noexcept nogil
cpdef int write(Slab s, Py_ssize_t o, int source_port, int destination_port, int length) noexcept nogil
