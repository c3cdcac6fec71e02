cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memcmp, memcpy

from fastzt._core.datagram_batch cimport DatagramBatch, TransmitBatch
from fastzt._core.endpoint cimport Endpoint
from fastzt._core.slab cimport Slab
from fastzt._core.stats cimport Stats

cdef extern from "udp_linux.h" nogil:
    enum: FT_UDP
    enum: FT_NAME
    ctypedef struct ft_udp_message:
        uint32_t length
        unsigned char[18] name
        int stride
        int truncated
        int counted
        uint32_t dropped
    int ft_udp_receive(int fd, unsigned char *p, size_t room, size_t slot, int most, size_t control_space,
                       ft_udp_message *messages)
    int ft_udp_send(int fd, const unsigned char *p, size_t n, size_t segment, const unsigned char *ip, int is_v4,
                    unsigned int port)
    unsigned int ft_udp_slot(const unsigned char *name)

cdef enum:
    MAX_MESSAGE = 65535
    MAX_DATAGRAM = 10240
    CONTROL_SPACE = 96
    MAX_MESSAGES = 64
    SENDERS = 256
    VECTOR = 16
    SLOT_GAP = 193


# Not final: tests derive sockets whose sends fail as they tell them.
cdef class UdpSocket:
    cdef readonly int number
    cdef readonly object sock
    cdef readonly int fd
    cdef readonly Endpoint endpoint
    cdef readonly Stats stats
    cdef public bint segment
    cdef readonly bint coalesce
    cdef readonly bint native
    cdef public Py_ssize_t control_space
    cdef readonly object cache
    cdef uint32_t overflow
    cdef int recent
    # The messages received last; by the standard library: one at a time.
    cdef ft_udp_message[16] messages
    cdef public object received
    cdef Endpoint sender
    # Senders by a hash of their address, which is compared bytewise; a new one takes the place of an old one.
    cdef unsigned char[4608] names
    cdef list known
    cdef unsigned int last

    @cython.locals(slab=Slab, room=Py_ssize_t, slot=Py_ssize_t, asked=int, count=int)
    cpdef Py_ssize_t drain(self, DatagramBatch batch, int most, Py_ssize_t offset) except -1
    @cython.locals(asked=Py_ssize_t)
    cdef int ask(self, Py_ssize_t most, Py_ssize_t space, Py_ssize_t slot) noexcept
    @cython.locals(i=int, n=Py_ssize_t)
    cdef Py_ssize_t take(self, DatagramBatch batch, int count, Py_ssize_t offset, Py_ssize_t slot) except -1
    @cython.locals(dropped=int64_t)
    cdef bint usable(self, int i) except -1
    cdef bint failed(self, int error) except -1
    cpdef int send(self, TransmitBatch out, int i, Py_ssize_t start, Py_ssize_t length) except? -1


cdef inline bint has_native() noexcept:
    return FT_UDP


cdef inline int receive(UdpSocket s, Slab slab, Py_ssize_t offset, Py_ssize_t room, Py_ssize_t slot,
                        int most) noexcept:
    return ft_udp_receive(s.fd, slab.p + offset, <size_t> room, <size_t> slot, most, <size_t> s.control_space,
                          s.messages)


cdef inline Py_ssize_t length_of(UdpSocket s, int i) except -1:
    return s.messages[i].length if s.native else s.received.length


cdef inline Py_ssize_t stride_of(UdpSocket s, int i) except -1:
    return s.messages[i].stride if s.native else s.received.stride


cdef inline bint truncated(UdpSocket s, int i) except -1:
    return s.messages[i].truncated if s.native else s.received.truncated


cdef inline int64_t dropped_of(UdpSocket s, int i) except? -1:
    if not s.native:
        return s.received.dropped
    return <int64_t> s.messages[i].dropped if s.messages[i].counted else -1


cdef inline Endpoint sender_of(UdpSocket s, int i):
    if not s.native:
        return <Endpoint> s.received.sender
    recall(s, s.messages[i].name)
    return s.sender


# The endpoint of a sender: the last one's, one remembered, or a new one.
cdef inline int recall(UdpSocket s, const unsigned char *name) except -1:
    cdef unsigned int slot
    cdef object found
    if memcmp(s.names + FT_NAME * s.last, name, FT_NAME) == 0:
        return 0
    slot = ft_udp_slot(name)
    s.last = slot
    found = s.known[slot]
    if found is None or memcmp(s.names + FT_NAME * slot, name, FT_NAME) != 0:
        found = Endpoint(PyBytes_FromStringAndSize(<const char *> name, 16), name[16] << 8 | name[17])
        memcpy(s.names + FT_NAME * slot, name, FT_NAME)
        s.known[slot] = found
    s.sender = <Endpoint> found
    return 0


cdef inline int send(UdpSocket s, TransmitBatch out, int i, Py_ssize_t start, Py_ssize_t length) except? -1:
    cdef Endpoint to = <Endpoint> out.endpoint[i]
    cdef Py_ssize_t segment = out.segment[i]
    return ft_udp_send(s.fd, out.slab.p + out.offset[i] + start, <size_t> length,
                       <size_t> segment if length > segment else 0,
                       <const unsigned char *> PyBytes_AS_STRING(to.ip), to.is_v4, to.port)
