cimport cython


@cython.final
cdef class Endpoint:
    cdef readonly bytes ip
    cdef readonly unsigned int port
    cdef readonly bint is_v4
    cdef Py_hash_t _hash
