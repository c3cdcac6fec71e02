from libc.stdint cimport int64_t

from fastzt._core.slab cimport Slab


cdef class Egress:
    cdef public Slab slab
    cdef public Py_ssize_t repeat_at
    cdef public Py_ssize_t repeat_stride

    cpdef object resolve(self, bytes ip, int64_t now)
    cpdef Py_ssize_t room(self, object neighbor, int64_t now) except? -2
    cpdef Py_ssize_t reserve(self, object neighbor, Py_ssize_t length, int64_t now) except? -2
    cpdef int64_t commit(self, object neighbor, Py_ssize_t length, int64_t generation, int64_t now) except? -2
    cpdef Py_ssize_t repeat(self, object neighbor, Py_ssize_t length, Py_ssize_t same, Py_ssize_t most,
                            int64_t generation, int64_t now) except -1
