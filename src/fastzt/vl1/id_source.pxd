cimport cython
from libc.stdint cimport uint64_t

from fastzt._core.access cimport be64
from fastzt._core cimport salsa20
from fastzt._core.slab cimport Slab

cdef enum:
    POOL = 4096
    SEED = 40


@cython.final
cdef class IdSource:
    cdef object entropy
    cdef Slab pool
    cdef Py_ssize_t used

    @cython.locals(seed=bytes)
    cpdef uint64_t take(self)
