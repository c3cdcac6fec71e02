cimport cython
from libc.stdint cimport uint64_t

from fastzt._core.access cimport be16, be40, be64, put_be40, put_be64, put_u8, u8
from fastzt._core.slab cimport Slab

cpdef enum:
    PACKET_ID = 0
    DESTINATION = 8
    SOURCE = 13
    FLAGS = 18
    MAC = 19
    VERB = 27
    PAYLOAD = 28

    MAX_PACKET = 10024
    MAX_RELAY_HOPS = 3
    BEACON_LENGTH = 13

    FLAG_ENCRYPTED = 0x80
    FLAG_FRAGMENTED = 0x40
    SUITE_MASK = 0x38
    HOPS_MASK = 0x07
    VERB_COMPRESSED = 0x80
    VERB_MASK = 0x1F
    FRAGMENT_INDICATOR = 0xFF

    SUITE_POLY1305 = 0
    SUITE_SALSA20 = 1
    SUITE_TRUSTED = 2
    SUITE_AES = 3

    NOP = 0x00
    HELLO = 0x01
    ERROR = 0x02
    OK = 0x03
    WHOIS = 0x04
    RENDEZVOUS = 0x05
    FRAME = 0x06
    EXT_FRAME = 0x07
    ECHO = 0x08
    MULTICAST_LIKE = 0x09
    NETWORK_CREDENTIALS = 0x0A
    NETWORK_CONFIG_REQUEST = 0x0B
    NETWORK_CONFIG = 0x0C
    MULTICAST_GATHER = 0x0D
    MULTICAST_FRAME = 0x0E
    PUSH_DIRECT_PATHS = 0x10
    USER_MESSAGE = 0x14

    KIND_JUNK = 0
    KIND_PACKET = 1
    KIND_FRAGMENT = 2
    KIND_BEACON = 3

cpdef int classify(Slab s, Py_ssize_t o, Py_ssize_t n) noexcept nogil
@cython.locals(count=Py_ssize_t, at=Py_ssize_t, left=Py_ssize_t)
cpdef Py_ssize_t run(Slab s, Py_ssize_t o, Py_ssize_t length, Py_ssize_t stride, Py_ssize_t most) noexcept nogil
cpdef uint64_t packet_id(Slab s, Py_ssize_t o) noexcept nogil
cpdef uint64_t destination(Slab s, Py_ssize_t o) noexcept nogil
cpdef uint64_t source(Slab s, Py_ssize_t o) noexcept nogil
cpdef int flags(Slab s, Py_ssize_t o) noexcept nogil
cpdef int hops(Slab s, Py_ssize_t o) noexcept nogil
cpdef int suite(Slab s, Py_ssize_t o) noexcept nogil
cpdef bint fragmented(Slab s, Py_ssize_t o) noexcept nogil
cpdef int verb(Slab s, Py_ssize_t o) noexcept nogil
cpdef bint compressed(Slab s, Py_ssize_t o) noexcept nogil
cpdef uint64_t mac(Slab s, Py_ssize_t o) noexcept nogil
cpdef void set_packet_id(Slab s, Py_ssize_t o, uint64_t value) noexcept nogil
cpdef void set_flags(Slab s, Py_ssize_t o, int value) noexcept nogil
cpdef void set_hops(Slab s, Py_ssize_t o, int value) noexcept nogil
cpdef void set_fragmented(Slab s, Py_ssize_t o, bint on) noexcept nogil
cpdef void write_header(
    Slab s, Py_ssize_t o, uint64_t packet_id, uint64_t destination, uint64_t source, int flags, int verb
) noexcept nogil
