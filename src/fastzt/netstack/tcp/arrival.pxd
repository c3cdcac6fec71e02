cimport cython
from libc.stdint cimport int64_t

from fastzt._core.seqnum cimport unwrap
from fastzt._core.tcp_header cimport ACK, FIN, RST, SYN
from fastzt.netstack.socket_table cimport READABLE, WRITABLE
from fastzt.netstack.tcp cimport state as states
from fastzt.netstack.tcp.control cimport ControlBlock
from fastzt.netstack.tcp.receiver cimport Receiver
from fastzt.netstack.tcp.segment cimport Segment
from fastzt.netstack.tcp.picker cimport Picker
from fastzt.netstack.tcp.state cimport (
    CLOSED, ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, SYN_ACKED, SYN_RECEIVED, SYN_SENT, TIME_WAIT, step
)
from fastzt.netstack.tcp.timers cimport RETRANSMIT


cdef class Arrival(ControlBlock):
    @cython.locals(position=int64_t)
    cpdef void arrives(self, Segment segment, int64_t now) except *
    @cython.locals(rx=Receiver)
    cpdef bint follows(self, Segment segment, int64_t now) except -1
    @cython.locals(rx=Receiver, length=int)
    cdef bint is_acceptable(self, Segment segment, int64_t position, int64_t now) except -1
    cdef void refuse_old(self, Segment segment, int64_t position) except *
    cdef void must_ack(self) except *
    cdef void reset_or_syn(self, Segment segment, int64_t position, int64_t now) except *
    cdef void challenge(self, int64_t now) except *
    @cython.locals(tx=Picker, acked_to=int64_t, gained=int64_t)
    cdef bint take_ack(self, Segment segment, int64_t position, int64_t now) except -1
    cdef void our_fin_acked(self, int64_t now) except *
    @cython.locals(tx=Picker)
    cdef bint take_syn_ack(self, Segment segment, int64_t acked_to, int64_t now) except -1
    @cython.locals(rx=Receiver, gained=int64_t)
    cdef void take_text(self, Segment segment, int64_t position, int64_t now) except *
    cdef void take_fin(self, int64_t now) except *
    @cython.locals(tx=Picker, acknowledges=bint)
    cdef void arrives_syn_sent(self, Segment segment, int64_t now) except *
