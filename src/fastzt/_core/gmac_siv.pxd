from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.string cimport memcpy

cdef extern from "aes256.h" nogil:
    void ft_siv_setup()
    void ft_aes256_block(const unsigned char *key, unsigned char *block)
    void ft_aes256_unblock(const unsigned char *key, unsigned char *block)
    void ft_aes256_ctr(const unsigned char *key, const unsigned char *counter, unsigned char *p, size_t n)
    void ft_aes256_gmac(const unsigned char *key, const unsigned char *iv, const unsigned char *data, size_t n,
                        unsigned char *tag)


cdef inline void setup() noexcept:
    ft_siv_setup()

cdef inline bytes aes256_block(bytes key, bytes block):
    cdef bytes out = PyBytes_FromStringAndSize(<char *> block, 16)
    ft_aes256_block(key, <unsigned char *> PyBytes_AS_STRING(out))
    return out

cdef inline bytes aes256_unblock(bytes key, bytes block):
    cdef bytes out = PyBytes_FromStringAndSize(<char *> block, 16)
    ft_aes256_unblock(key, <unsigned char *> PyBytes_AS_STRING(out))
    return out

cdef inline bytes aes256_ctr(bytes key, bytes counter, bytes data):
    cdef bytes out = PyBytes_FromStringAndSize(NULL, len(data))
    memcpy(PyBytes_AS_STRING(out), PyBytes_AS_STRING(data), <size_t> len(data))
    ft_aes256_ctr(key, counter, <unsigned char *> PyBytes_AS_STRING(out), <size_t> len(data))
    return out

cdef inline bytes aes256_gmac(bytes key, bytes iv, bytes data):
    cdef bytes out = PyBytes_FromStringAndSize(NULL, 16)
    ft_aes256_gmac(key, iv, data, <size_t> len(data), <unsigned char *> PyBytes_AS_STRING(out))
    return out
