cimport cython
from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer


@cython.final
cdef class Slab:
    cdef unsigned char *p
    cdef readonly object buffer
    cdef readonly object view
    cdef readonly Py_ssize_t size


cdef inline unsigned char *address_of(object view) except? NULL:
    cdef Py_buffer found
    PyObject_GetBuffer(view, &found, PyBUF_WRITABLE)
    cdef unsigned char *address = <unsigned char *> found.buf
    PyBuffer_Release(&found)
    return address
