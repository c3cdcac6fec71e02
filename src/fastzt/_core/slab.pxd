cimport cython


@cython.final
cdef class Slab:
    cdef unsigned char *p
    cdef readonly bytearray buffer
    cdef readonly object view
    cdef readonly Py_ssize_t size
