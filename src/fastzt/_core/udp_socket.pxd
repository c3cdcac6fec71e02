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
        unsigned char *name
        int stride
        int truncated
        int counted
        uint32_t dropped
    Py_ssize_t ft_udp_receive(int fd, unsigned char *p, size_t room, size_t control_space, ft_udp_message *message)
    int ft_udp_send(int fd, const unsigned char *p, size_t n, size_t segment, const unsigned char *ip, int is_v4,
                    unsigned int port)
    unsigned int ft_udp_slot(const unsigned char *name)

cdef enum:
    MAX_MESSAGE = 65535
    MAX_DATAGRAM = 10240
    CONTROL_SPACE = 96
    SENDERS = 256


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
    # The message received last.
    cdef public Endpoint sender
    cdef public Py_ssize_t stride
    cdef public bint truncated
    cdef public int64_t dropped
    # Senders by a hash of their address, which is compared bytewise; a new one takes the place of an old one.
    cdef unsigned char[4608] names
    cdef list known
    cdef unsigned int last

    @cython.locals(slab=Slab, room=Py_ssize_t, n=Py_ssize_t, _=int)
    cpdef Py_ssize_t drain(self, DatagramBatch batch, int most, Py_ssize_t offset) except -1
    @cython.locals(n=Py_ssize_t)
    cdef Py_ssize_t receive(self, Slab slab, Py_ssize_t offset, Py_ssize_t room) except? -2
    cdef Py_ssize_t failed(self, int error) except? -2
    cpdef int send(self, TransmitBatch out, int i, Py_ssize_t start, Py_ssize_t length) except? -1


cdef inline bint has_native() noexcept:
    return FT_UDP


cdef inline Py_ssize_t receive(UdpSocket s, Slab slab, Py_ssize_t offset, Py_ssize_t room) except? -1:
    cdef ft_udp_message message
    cdef Py_ssize_t n = ft_udp_receive(s.fd, slab.p + offset, <size_t> room, <size_t> s.control_space, &message)
    if n < 0:
        return n
    s.stride = message.stride
    s.truncated = message.truncated
    s.dropped = <int64_t> message.dropped if message.counted else -1
    recall(s, message.name)
    return n


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
