from libc.stdint cimport int64_t

from fastzt._core.slab cimport Slab


cdef class Egress:
    cdef public Slab slab

    cpdef object resolve(self, bytes ip, int64_t now)
    cpdef Py_ssize_t room(self, object neighbor, int64_t now) except? -2
    cpdef Py_ssize_t reserve(self, object neighbor, Py_ssize_t length, int64_t now) except? -2
    cpdef int64_t commit(self, object neighbor, Py_ssize_t length, int64_t generation, int64_t now) except? -2
