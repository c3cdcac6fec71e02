cimport cython
from libc.stdint cimport uint64_t

from fastzt._core.access cimport be64
from fastzt._core.slab cimport Slab

cdef enum:
    POOL = 4096


@cython.final
cdef class IdSource:
    cdef object entropy
    cdef Slab pool
    cdef Py_ssize_t used

    cpdef uint64_t take(self)
    cdef int refill(self) except -1
