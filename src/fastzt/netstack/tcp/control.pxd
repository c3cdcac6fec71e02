cimport cython
from libc.stdint cimport int64_t, uint32_t

from fastzt._core.ring_buffer cimport RingBuffer
from fastzt._core.tcp_header cimport TcpOptions
from fastzt._core.timer_wheel cimport NEVER
from fastzt.netstack.flow_table cimport Flow
from fastzt.netstack.host cimport Host
from fastzt.netstack.socket_table cimport CLOSED as BIT_CLOSED, CONNECTED as BIT_CONNECTED, FAILED as BIT_FAILED
from fastzt.netstack.socket_table cimport READABLE, WRITABLE, Handle
from fastzt.netstack.tcp.receiver cimport Receiver
from fastzt.netstack.tcp.picker cimport Picker
from fastzt.netstack.tcp.state cimport (
    ACTIVE_OPEN, CLOSE, CLOSED, ESTABLISHED, FAIL, FIN_ACKED, FIN_WAIT_2, SYN_SENT, TIME_WAIT, step
)
from fastzt.netstack.tcp.time_wait cimport TimeWait
from fastzt.netstack.tcp.timers cimport GIVE_UP, KEEPALIVE, LOSS, PERSIST, REST, RETRANSMIT, Timers

cdef enum:
    KEPT = 4096
    REST_AFTER = 5_000_000


cdef class ControlBlock(Flow):
    cdef Host host
    cdef object config
    cdef readonly Handle handle
    cdef readonly Picker tx
    cdef readonly Receiver rx
    cdef Timers timers
    cdef readonly int state
    cdef readonly int error
    cdef readonly bint orphan
    cdef bint sack
    cdef bint timestamps
    cdef uint32_t ts_offset
    cdef bint ack_due
    cdef readonly bint held
    cdef bint syn_due
    cdef bint reset_due
    cdef bint wants_room
    cdef int64_t syn_sent_at
    cdef int64_t heard
    cdef int64_t progress
    cdef int probes
    cdef bint keepalive
    cdef int64_t keepalive_idle
    cdef int64_t keepalive_interval
    cdef int keepalive_probes
    cdef int64_t user_timeout

    cdef int default_mss(self) noexcept
    cdef uint32_t timestamp(self, int64_t now) noexcept
    cpdef void open(self, uint32_t iss, uint32_t ts_offset, int64_t now) except *
    cpdef void resolved(self, object peer, int64_t now) except *
    cdef void negotiate(self, TcpOptions options, int window, int64_t now) except *
    cdef void established(self, int event, int64_t now) except *
    @cython.locals(overhead=int)
    cdef void refit(self, int64_t now) except *
    cdef void keep_alive(self, int64_t now) except *
    cdef void emptied(self, RingBuffer ring, int64_t now) except *
    cdef void rest(self) except *
    cdef void fin_acked(self, int64_t now) except *
    @cython.locals(record=TimeWait)
    cdef void linger(self, int64_t now) except *
    cdef void finish(self) except *
    cpdef void fail(self, int error, int64_t now) except *
    cpdef void unreachable(self, int error, int64_t now) except *
    cpdef void abort(self, int64_t now) except *
    @cython.locals(tx=Picker, timers=Timers, deadline=int64_t)
    cdef void arm(self, int64_t now) except *
