cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.string cimport memset

from fastzt._core.slab cimport Slab

cdef extern from "armor.h" nogil:
    ctypedef struct ft_session:
        unsigned char salsa[32]
        unsigned char k0[32]
        unsigned char k1[32]
    void ft_armor_setup()
    int ft_armor_choose(int level)
    int ft_armor_level()
    void ft_session_init(ft_session *s, const unsigned char *key, const unsigned char *k0, const unsigned char *k1)
    void ft_session_wipe(ft_session *s)
    bint ft_dearmor(const ft_session *s, unsigned char *p, size_t n)
    void ft_armor_batch(const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t last, int suite)
    size_t ft_dearmor_batch(const ft_session *s, unsigned char *p, size_t stride, size_t count, size_t last,
                            unsigned char *verdicts)
    void ft_mask_tail(const ft_session *s, unsigned char *p, size_t start, size_t n)

cdef enum:
    MIN_PACKET = 28
    MAX_PACKET = 65535


@cython.final
cdef class SessionKey:
    cdef ft_session session


cpdef bint valid_range(Slab slab, Py_ssize_t offset, Py_ssize_t stride, Py_ssize_t count, Py_ssize_t last) noexcept nogil
cdef bint armor_run(Slab slab, Py_ssize_t offset, Py_ssize_t stride, Py_ssize_t count, Py_ssize_t last_length,
                    SessionKey key, int suite) noexcept nogil
cdef Py_ssize_t dearmor_run(Slab slab, Py_ssize_t offset, Py_ssize_t stride, Py_ssize_t count,
                            Py_ssize_t last_length, SessionKey key, unsigned char *verdicts) noexcept nogil
cpdef void armor(Slab slab, Py_ssize_t offset, Py_ssize_t length, SessionKey key, int suite) except *
cpdef bint dearmor(Slab slab, Py_ssize_t offset, Py_ssize_t length, SessionKey key) noexcept
cpdef void armor_batch(Slab slab, Py_ssize_t offset, Py_ssize_t stride, Py_ssize_t count, Py_ssize_t last_length,
                       SessionKey key, int suite) except *
cpdef Py_ssize_t dearmor_batch(Slab slab, Py_ssize_t offset, Py_ssize_t stride, Py_ssize_t count,
                               Py_ssize_t last_length, SessionKey key, bytearray verdicts) except -1
cpdef void mask_hello_tail(Slab slab, Py_ssize_t offset, Py_ssize_t length, Py_ssize_t start, SessionKey key) except *


cdef inline void setup() noexcept:
    ft_armor_setup()

cdef inline int choose_level(int level) noexcept:
    return ft_armor_choose(level)

cdef inline int level_in_use() noexcept:
    return ft_armor_level()

cdef inline void session_init(SessionKey owner, bytes key, bytes k0, bytes k1) noexcept:
    ft_session_init(&owner.session, key, k0, k1)

cdef inline bytes session_part(SessionKey owner, int index):
    if index == 0:
        return PyBytes_FromStringAndSize(<char *> owner.session.salsa, 32)
    if index == 1:
        return PyBytes_FromStringAndSize(<char *> owner.session.k0, 32)
    return PyBytes_FromStringAndSize(<char *> owner.session.k1, 32)

cdef inline void session_wipe(SessionKey owner) noexcept:
    ft_session_wipe(&owner.session)

cdef inline bint open_one(SessionKey key, Slab s, Py_ssize_t o, Py_ssize_t n) noexcept:
    return ft_dearmor(&key.session, s.p + o, <size_t> n)

cdef inline void seal_batch(SessionKey key, Slab s, Py_ssize_t o, Py_ssize_t stride, Py_ssize_t count,
                            Py_ssize_t last, int suite) noexcept nogil:
    ft_armor_batch(&key.session, s.p + o, <size_t> stride, <size_t> count, <size_t> last, suite)

cdef inline Py_ssize_t open_batch(SessionKey key, Slab s, Py_ssize_t o, Py_ssize_t stride, Py_ssize_t count,
                                  Py_ssize_t last, unsigned char *verdicts) noexcept nogil:
    return <Py_ssize_t> ft_dearmor_batch(&key.session, s.p + o, <size_t> stride, <size_t> count, <size_t> last,
                                         verdicts)

cdef inline void refuse(unsigned char *verdicts, Py_ssize_t count) noexcept nogil:
    memset(verdicts, 0, <size_t> count)

cdef inline unsigned char *octets(bytearray buffer) noexcept:
    return <unsigned char *> PyByteArray_AS_STRING(buffer)

cdef inline void mask_tail(SessionKey key, Slab s, Py_ssize_t o, Py_ssize_t start, Py_ssize_t n) noexcept:
    ft_mask_tail(&key.session, s.p + o, <size_t> start, <size_t> n)
