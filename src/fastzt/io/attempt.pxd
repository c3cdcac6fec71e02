cimport cython
from libc.stdint cimport int64_t


cdef class Attempt:
    cdef bint quiet
    cdef bint more

    cpdef object make(self, int64_t now)


@cython.final
cdef class Call(Attempt):
    cdef object action
