cimport cython
from libc.stdint cimport int64_t, uint32_t

from fastzt._core.ring_buffer cimport RingBuffer
from fastzt._core.segment_queue cimport SegmentQueue
from fastzt._core.seqnum cimport diff, unwrap
from fastzt._core.timer_wheel cimport NEVER
from fastzt.netstack.tcp.congestion.base cimport Controller
from fastzt.netstack.tcp.pacer cimport Pacer
from fastzt.netstack.tcp.recovery cimport Recovery
from fastzt.netstack.tcp.rtt cimport Rtt
from fastzt.netstack.tcp.sampler cimport OPEN, REPAIR
from fastzt.netstack.tcp.segment cimport Segment

cdef enum:
    MIN_MSS = 48
    MAX_RTT_SAMPLE = 300000000
    MIN_BUFFER = 4096
    GAIN = 4


cdef class Sender:
    cdef RingBuffer ring
    cdef readonly SegmentQueue queue
    cdef readonly object congestion
    cdef readonly Controller controller
    cdef readonly Recovery recovery
    cdef readonly Rtt rtt
    cdef readonly int64_t una
    cdef readonly int64_t next
    cdef readonly int64_t window
    cdef readonly int64_t max_window
    cdef readonly int64_t fin
    cdef readonly int64_t retransmitted
    cdef int64_t wl_seq
    cdef int64_t wl_ack
    cdef readonly int64_t limit
    cdef int64_t most
    cdef bint tuned
    cdef int64_t last_sent
    cdef int64_t round_end
    cdef readonly Pacer pacer
    cdef int64_t pick_start
    cdef Py_ssize_t pick_index
    cdef int pick_length
    cdef readonly int mss
    cdef readonly int peer_mss
    cdef readonly int scale
    cdef readonly int attempts
    cdef int persists
    cdef bint scaled
    cdef bint sack
    cdef bint nodelay
    cdef bint probe_due
    cdef bint tail_due
    cdef bint force
    cdef bint head_sent

    cdef void start(self, int64_t iss) except *
    cdef void syn_acked(self) except *
    @cython.locals(mss=int)
    cdef void fit(self, int size, int overhead) except *
    cdef Py_ssize_t write(self, object data, Py_ssize_t start, Py_ssize_t most) except -1
    cdef void set_limit(self, int64_t limit) noexcept
    @cython.locals(product=int64_t, wanted=int64_t)
    cdef void tune(self) noexcept
    cdef Py_ssize_t free(self) noexcept
    cdef void close(self) noexcept
    cdef bint is_idle(self) noexcept
    cdef bint has_unsent(self) noexcept
    cdef bint has_work(self) noexcept
    cdef bint is_blocked(self) noexcept
    cdef void set_window(self, int64_t window, int64_t sequence, int64_t acknowledgment) noexcept
    @cython.locals(
        queue=SegmentQueue, in_flight=int64_t, window=int64_t, changed=bint, gained=int64_t, fresh=int64_t,
        rtt=int64_t, echoed_at=int64_t, copies=int64_t, repaired=bint
    )
    cdef int64_t acknowledge(
        self, Segment segment, int64_t ack, int64_t sequence, uint32_t clock, int64_t now
    ) except? -1
    @cython.locals(fresh=int64_t, i=int, left=int64_t, right=int64_t, before=int64_t, n=int64_t)
    cdef int64_t take_sack(self, Segment segment, int64_t ack, int64_t now) except -1
    @cython.locals(rtt=int64_t, coarse=int64_t)
    cdef int64_t measure(self, Segment segment, int64_t gained, uint32_t clock, int64_t now) noexcept
    cdef void set_congestion(self, object name, int64_t now) except *
    cdef void on_timeout(self, int64_t now) except *
    @cython.locals(deadline=int64_t)
    cdef void on_loss_timer(self, int64_t now) except *
    cdef void on_persist(self) noexcept
    cdef int64_t persist_wait(self) noexcept
