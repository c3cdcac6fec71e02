cimport cython
from libc.stdint cimport int64_t

from fastzt._core.segment_queue cimport APP_LIMITED, EVER_RETRANSMITTED, SACKED, SegmentQueue
from fastzt._core.seqnum cimport unwrap
from fastzt._core.timer_wheel cimport NEVER
from fastzt.netstack.tcp.congestion.base cimport Controller
from fastzt.netstack.tcp.rtt cimport Rtt
from fastzt.netstack.tcp.sampler cimport LOSS, OPEN, REPAIR, Sampler
from fastzt.netstack.tcp.segment cimport Segment
from fastzt.netstack.tcp.spurious cimport Spurious

cdef enum:
    DUPLICATES = 3
    WORST_DELAYED_ACK = 200000
    MAX_WINDOWS = 16
    WINDOW_EPISODES = 16


@cython.final
cdef class Recovery:
    cdef SegmentQueue queue
    cdef readonly Controller controller
    cdef Rtt rtt
    cdef readonly Sampler sampler
    cdef readonly Spurious spurious
    cdef readonly int mode
    cdef readonly int64_t point
    cdef int duplicates
    cdef int64_t flight
    cdef int64_t prr_delivered
    cdef int64_t prr_out
    cdef int64_t rack_sent_at
    cdef int64_t rack_end
    cdef int64_t rack_rtt
    cdef int64_t forward
    cdef readonly bint reordered
    cdef int64_t reorder_deadline
    cdef int64_t dsack_round
    cdef readonly int windows
    cdef int windows_left
    cdef int64_t probe_end
    cdef int64_t probe_from
    cdef bint probe_repeats

    cpdef void switch(self, Controller controller, int64_t now) except *
    cdef void note_order(self, int64_t end, int64_t fresh, int64_t rtt_before) noexcept
    cdef void on_ack(
        self,
        int64_t una,
        int64_t following,
        int64_t gained,
        int64_t fresh,
        int64_t in_flight,
        int64_t rtt,
        bint repaired,
        int64_t echoed_at,
        int64_t now,
    ) except *
    @cython.locals(clear=bint)
    cdef bint was_false(self, int64_t una, bint repaired, int64_t echoed_at) noexcept
    @cython.locals(queue=SegmentQueue, rtt=int64_t)
    cdef void update_rack(self, int64_t now) noexcept
    cdef int64_t reorder_window(self) noexcept
    @cython.locals(queue=SegmentQueue, flight=int64_t, wait=int64_t, timeout=int64_t)
    cdef void detect(self, int64_t following, int64_t now) except *
    @cython.locals(queue=SegmentQueue, before=int64_t, i=Py_ssize_t, k=Py_ssize_t)
    cdef void report(self, int64_t now) noexcept
    cdef void begin(self, int64_t following, int64_t flight, int64_t now) noexcept
    cdef void leave(self, int64_t now) noexcept
    @cython.locals(controller=Controller, pipe=int64_t, due=int64_t)
    cdef void reduce(self, int64_t fresh) noexcept
    cdef bint is_dsack(self, Segment segment, int64_t left, int64_t right, int64_t ack) noexcept
    cdef void on_dsack(self, int64_t left, int64_t right, int64_t following, int64_t now) noexcept
    cdef void undo(self, int64_t now) noexcept
    cdef void on_duplicate(self, int64_t una, int64_t following, int64_t now) except *
    cdef void on_partial(self, int64_t una, int64_t following, int64_t now) except *
    @cython.locals(queue=SegmentQueue, flight=int64_t)
    cdef void lose_first(self, int64_t una, int64_t following, int64_t now) except *
    @cython.locals(queue=SegmentQueue, flight=int64_t)
    cdef void on_timeout(self, int64_t following, int64_t now) except *
    cdef void on_sent(self, int64_t length, bint is_new, int64_t now) noexcept
    cdef bint may_probe(self) noexcept
    @cython.locals(wait=int64_t)
    cdef int64_t deadline(self) noexcept
    cdef void probe_sent(self, int64_t following, bint repeats) noexcept
    cdef void note_probe(self, int64_t una, int64_t following, int64_t gained, int64_t now) except *
