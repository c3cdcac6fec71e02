cimport cython
from libc.stdint cimport int64_t

from fastzt._core.segment_queue cimport EVER_RETRANSMITTED, SACKED, SegmentQueue
from fastzt._core.timer_wheel cimport NEVER
from fastzt.netstack.tcp.congestion.base cimport Controller
from fastzt.netstack.tcp.rtt cimport Rtt

cpdef enum:
    OPEN = 0
    REPAIR = 1
    LOSS = 2
    DUPLICATES = 3
    WORST_DELAYED_ACK = 200000


@cython.final
cdef class Recovery:
    cdef SegmentQueue queue
    cdef Controller controller
    cdef Rtt rtt
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
    cdef int64_t probe_end
    cdef int64_t probe_from
    cdef bint probe_repeats

    cdef void note_order(self, int64_t end, int64_t fresh, int64_t rtt_before) noexcept
    cdef void on_ack(
        self, int64_t una, int64_t following, int64_t gained, int64_t fresh, bint limited, int64_t now
    ) except *
    @cython.locals(queue=SegmentQueue, rtt=int64_t)
    cdef void update_rack(self, int64_t now) noexcept
    cdef int64_t reorder_window(self) noexcept
    @cython.locals(queue=SegmentQueue, before=int64_t, flight=int64_t, wait=int64_t, timeout=int64_t)
    cdef void detect(self, int64_t following, int64_t now) except *
    cdef void begin(self, int64_t following, int64_t flight, int64_t now) except *
    @cython.locals(controller=Controller, pipe=int64_t, due=int64_t)
    cdef void pace(self, int64_t fresh) noexcept
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
    @cython.locals(flight=int64_t)
    cdef void note_probe(self, int64_t una, int64_t following, int64_t gained, int64_t now) except *
