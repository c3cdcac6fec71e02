cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

from fastzt._core.slab cimport Slab

cdef extern from "salsa20.h" nogil:
    void ft_salsa20_setup()
    void ft_salsa20_xor(const unsigned char *key, const unsigned char *iv, uint64_t counter, int rounds,
                        unsigned char *p, size_t n)


@cython.final
cdef class Salsa20:
    cdef bytes _key
    cdef bytes _iv
    cdef int _rounds
    cdef uint64_t _counter

    cpdef bytes crypt(self, bytes data)


cpdef void xor(Slab slab, Py_ssize_t offset, Py_ssize_t length, bytes key, bytes iv, uint64_t counter,
               int rounds) except *


cdef inline void setup() noexcept:
    ft_salsa20_setup()

cdef inline bytes xor_data(bytes key, bytes iv, uint64_t counter, int rounds, bytes data):
    cdef bytes out = PyBytes_FromStringAndSize(NULL, len(data))
    memcpy(PyBytes_AS_STRING(out), PyBytes_AS_STRING(data), <size_t> len(data))
    ft_salsa20_xor(key, iv, counter, rounds, <unsigned char *> PyBytes_AS_STRING(out), <size_t> len(data))
    return out

cdef inline void xor_range(Slab s, Py_ssize_t o, Py_ssize_t n, bytes key, bytes iv, uint64_t counter,
                           int rounds) noexcept:
    ft_salsa20_xor(key, iv, counter, rounds, s.p + o, <size_t> n)
