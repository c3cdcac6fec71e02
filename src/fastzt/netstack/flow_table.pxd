cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t

from fastzt._core.checksum cimport pseudo_header
from fastzt.netstack.tcp.segment cimport Segment

cdef extern from "bytes.h" nogil:
    uint64_t ft_be64(const unsigned char *p)

cdef enum:
    INITIAL_BITS = 6
    KEY_WORDS = 5
    TCP = 6


cdef class Flow:
    cdef readonly bytes local
    cdef readonly bytes remote
    cdef readonly unsigned int local_port
    cdef readonly unsigned int remote_port
    cdef uint64_t local_hi
    cdef uint64_t local_lo
    cdef uint64_t remote_hi
    cdef uint64_t remote_lo
    cdef readonly bint is_v4
    cdef uint32_t pseudo
    cdef bint queued
    cdef bint touched
    cdef readonly object peer
    cdef readonly int64_t verdict_in
    cdef readonly int64_t verdict_out
    cdef Py_ssize_t bucket
    cdef Flow chained

    cpdef void arrives(self, Segment segment, int64_t now) except *
    cpdef bint follows(self, Segment segment, int64_t now) except -1
    cpdef void settle(self, int64_t now) except *
    cpdef bint output(self, int64_t now) except -1
    cpdef void fail(self, int error, int64_t now) except *


@cython.final
cdef class FlowTable:
    cdef readonly int bits
    cdef readonly Py_ssize_t count
    cdef list buckets
    cdef Flow last
    cdef uint64_t[5] multiplier

    @cython.locals(h=uint64_t)
    cdef Py_ssize_t bucket_of(
        self, uint64_t local_hi, uint64_t local_lo, uint64_t remote_hi, uint64_t remote_lo, uint64_t ports
    ) noexcept
    @cython.locals(flow=Flow, ports=uint64_t, bucket=Py_ssize_t)
    cpdef Flow find(self, Segment segment)
    cdef bint matches(self, Flow flow, Segment segment) noexcept
    @cython.locals(ports=uint64_t, bucket=Py_ssize_t, flow=Flow)
    cpdef Flow get(self, bytes local, unsigned int local_port, bytes remote, unsigned int remote_port)
    @cython.locals(ports=uint64_t)
    cdef Py_ssize_t bucket_of_flow(self, Flow flow) noexcept
    cpdef void add(self, Flow flow) except *
    @cython.locals(bucket=Py_ssize_t)
    cdef void insert(self, Flow flow)
    @cython.locals(flow=Flow)
    cdef void grow(self)
    @cython.locals(other=Flow)
    cpdef bint remove(self, Flow flow) except -1
    @cython.locals(flow=Flow, i=Py_ssize_t)
    cpdef list flows(self)


cdef inline uint64_t word(bytes address, Py_ssize_t o) noexcept:
    return ft_be64(<const unsigned char *> address + o)
