from libc.stdint cimport int64_t

from fastzt._core.datagram_batch cimport DatagramBatch, TransmitBatch


cdef class Verbs:
    cpdef receive(self, DatagramBatch batch, int64_t now)
    cpdef bint transmit(self, TransmitBatch out, int64_t now) except -1
    cpdef int64_t deadline(self) except? -1
    cpdef tick(self, int64_t now)
    cpdef list jobs(self)
    cpdef bint has_news(self) except -1
    cpdef list ready(self)
    cpdef list events(self)
