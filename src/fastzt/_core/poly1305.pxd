from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize

from fastzt._core.slab cimport Slab

cdef extern from "poly1305.h" nogil:
    void ft_poly1305_setup()
    void ft_poly1305(unsigned char *tag, const unsigned char *m, size_t n, const unsigned char *key)


cpdef bytes tag(bytes key, bytes message)
cpdef bytes tag_of(Slab slab, Py_ssize_t offset, Py_ssize_t length, bytes key)


cdef inline void setup() noexcept:
    ft_poly1305_setup()

cdef inline bytes tag_data(bytes key, bytes message):
    cdef bytes out = PyBytes_FromStringAndSize(NULL, 16)
    ft_poly1305(<unsigned char *> PyBytes_AS_STRING(out), message, <size_t> len(message), key)
    return out

cdef inline bytes tag_range(Slab s, Py_ssize_t o, Py_ssize_t n, bytes key):
    cdef bytes out = PyBytes_FromStringAndSize(NULL, 16)
    ft_poly1305(<unsigned char *> PyBytes_AS_STRING(out), s.p + o, <size_t> n, key)
    return out
