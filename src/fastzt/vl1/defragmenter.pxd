cimport cython
from libc.stdint cimport int64_t, uint64_t

from fastzt._core.access cimport move
from fastzt._core.slab cimport Slab
from fastzt.vl1.path cimport Path

cdef enum:
    ENTRIES = 32
    MAX_PIECES = 7
    MAX_PACKET = 10024


@cython.final
cdef class Assembly:
    cdef Slab slab
    cdef uint64_t packet_id
    cdef int64_t since
    cdef int total
    cdef int have
    cdef bint has_head
    cdef Py_ssize_t used
    cdef Py_ssize_t[7] offset
    cdef Py_ssize_t[7] length
    cdef Path path

    @cython.locals(i=int)
    cdef void open(self, uint64_t packet_id, int64_t now)
    cdef bint put(self, int number, Slab slab, Py_ssize_t offset, Py_ssize_t n)


@cython.final
cdef class Defragmenter:
    cdef list entries
    cdef int turn
    cdef readonly Slab slab
    cdef readonly Path path
    cdef readonly int overwritten

    @cython.locals(entry=Assembly)
    cdef Assembly find(self, uint64_t packet_id, int64_t now)
    @cython.locals(entry=Assembly)
    cpdef Py_ssize_t add_head(self, uint64_t packet_id, Slab slab, Py_ssize_t offset, Py_ssize_t n, Path path,
                              int64_t now)
    @cython.locals(entry=Assembly)
    cpdef Py_ssize_t add_piece(self, uint64_t packet_id, int total, int number, Slab slab, Py_ssize_t offset,
                               Py_ssize_t n, int64_t now)
    @cython.locals(i=int, used=Py_ssize_t)
    cdef Py_ssize_t complete(self, Assembly entry)
