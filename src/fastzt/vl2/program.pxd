from libc.stdint cimport uint64_t

from fastzt._core.access cimport put_be16, put_be64, put_u8
from fastzt._core.slab cimport Slab

cdef enum:
    RECORD = 40
    KIND = 0
    FLAGS = 1
    SMALL = 2
    FIRST = 8
    SECOND = 16
    THIRD = 24
    FOURTH = 32
    NEGATED = 1
    ALTERNATIVE = 2
    PER_PACKET = 4


cimport cython


@cython.final
cdef class Program:
    cdef readonly Slab slab
    cdef readonly int count
