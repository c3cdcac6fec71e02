cimport cython
from libc.stdint cimport int64_t, uint32_t

from fastzt._core.seqnum cimport diff
from fastzt._core.tcp_header cimport ACK, FIN, RST, SYN, TcpOptions
from fastzt.netstack.flow_table cimport Flow
from fastzt.netstack.host cimport Host
from fastzt.netstack.tcp.segment cimport Segment


@cython.final
cdef class TimeWait(Flow):
    cdef Host host
    cdef uint32_t send
    cdef uint32_t receive
    cdef uint32_t ts_recent
    cdef uint32_t ts_offset
    cdef int window
    cdef bint timestamps
    cdef readonly int64_t deadline

    cpdef void keep_timestamps(self, uint32_t ts_offset, uint32_t ts_recent)
    @cython.locals(newer=int64_t)
    cpdef bint may_reopen(self, Segment segment) noexcept
