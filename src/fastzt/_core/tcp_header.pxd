cimport cython
from libc.stdint cimport uint32_t

from fastzt._core.access cimport be16, be32, put_be16, put_be32, put_u8, u8
from fastzt._core.slab cimport Slab

cpdef enum:
    HEADER = 20
    MAX_HEADER = 60
    MAX_OPTIONS = 40
    CHECKSUM = 16

    FIN = 0x01
    SYN = 0x02
    RST = 0x04
    PSH = 0x08
    ACK = 0x10
    URG = 0x20
    ECE = 0x40
    CWR = 0x80

    OPTION_END = 0
    OPTION_NOP = 1
    OPTION_MSS = 2
    OPTION_WINDOW_SCALE = 3
    OPTION_SACK_PERMITTED = 4
    OPTION_SACK = 5
    OPTION_TIMESTAMPS = 8
    MAX_WINDOW_SCALE = 14
    MAX_SACK_BLOCKS = 4
    TIMESTAMPS_ALONE = 0x0101080A

@cython.locals(length=int)
cpdef int check(Slab s, Py_ssize_t o, Py_ssize_t n) noexcept nogil
cpdef int source_port(Slab s, Py_ssize_t o) noexcept nogil
cpdef int destination_port(Slab s, Py_ssize_t o) noexcept nogil
cpdef uint32_t sequence(Slab s, Py_ssize_t o) noexcept nogil
cpdef uint32_t acknowledgment(Slab s, Py_ssize_t o) noexcept nogil
cpdef int header_length(Slab s, Py_ssize_t o) noexcept nogil
cpdef int flags(Slab s, Py_ssize_t o) noexcept nogil
cpdef int window(Slab s, Py_ssize_t o) noexcept nogil
cpdef int checksum(Slab s, Py_ssize_t o) noexcept nogil
cpdef void set_sequence(Slab s, Py_ssize_t o, uint32_t value) noexcept nogil
cpdef void set_checksum(Slab s, Py_ssize_t o, int value) noexcept nogil
cpdef void write(
    Slab s, Py_ssize_t o, int source_port, int destination_port, uint32_t sequence, uint32_t acknowledgment,
    int header_length, int flags, int window
) noexcept nogil


@cython.final
cdef class TcpOptions:
    cdef public int mss
    cdef public int window_scale
    cdef public bint sack_permitted
    cdef public bint has_timestamps
    cdef public uint32_t ts_value
    cdef public uint32_t ts_echo
    cdef readonly int sack_count
    cdef uint32_t[4] sack_left
    cdef uint32_t[4] sack_right

    cpdef void clear(self) noexcept
    @cython.locals(at=Py_ssize_t, end=Py_ssize_t, kind=int, length=int)
    cpdef bint parse(self, Slab s, Py_ssize_t o, int header_length) noexcept
    @cython.locals(scale=int)
    cdef bint take_option(self, Slab s, Py_ssize_t at, int kind, int length) noexcept
    @cython.locals(count=int, i=int)
    cdef bint take_sack(self, Slab s, Py_ssize_t at, int length) noexcept
    cpdef bint add_sack(self, uint32_t left, uint32_t right) noexcept
    cpdef int sack_room(self) noexcept
    @cython.locals(n=int)
    cdef int fixed_length(self) noexcept
    @cython.locals(blocks=int)
    cpdef int length(self) noexcept
    @cython.locals(at=Py_ssize_t, lead=int)
    cpdef int write(self, Slab s, Py_ssize_t o) noexcept
    @cython.locals(blocks=int, i=int)
    cdef Py_ssize_t write_sack(self, Slab s, Py_ssize_t at) noexcept
