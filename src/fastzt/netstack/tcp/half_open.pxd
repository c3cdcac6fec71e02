cimport cython
from libc.stdint cimport int64_t, uint32_t

from fastzt._core.seqnum cimport diff
from fastzt._core.tcp_header cimport ACK, FIN, RST, SYN, TcpOptions
from fastzt.netstack.flow_table cimport Flow
from fastzt.netstack.host cimport Host
from fastzt.netstack.tcp.segment cimport Segment


@cython.final
cdef class HalfOpen(Flow):
    cdef Host host
    cdef readonly object listener
    cdef uint32_t irs
    cdef uint32_t iss
    cdef uint32_t ts_recent
    cdef uint32_t ts_offset
    cdef int window
    cdef int mss
    cdef int scale
    cdef bint sack
    cdef bint timestamps
    cdef readonly int retries
    cdef int64_t sent_at
    cdef int slot

    cpdef void start(self, uint32_t iss, uint32_t ts_offset) except *
    cdef int receive_window(self) except -1
    cpdef void expired(self, int64_t now) except *
    cpdef void close(self) except *
