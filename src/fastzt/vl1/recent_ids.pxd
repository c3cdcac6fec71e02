cimport cython
from libc.stdint cimport uint64_t

cdef enum:
    WAYS = 4
    SETS = 512


@cython.final
cdef class RecentIds:
    cdef uint64_t[2048] slot
    cdef unsigned char[512] turn

    @cython.locals(row=Py_ssize_t, base=Py_ssize_t, i=Py_ssize_t, turn=Py_ssize_t)
    cpdef bint add(self, uint64_t packet_id)
