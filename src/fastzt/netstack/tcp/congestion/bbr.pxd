cimport cython
from libc.stdint cimport int64_t

from fastzt.netstack.tcp.congestion.base cimport Controller
from fastzt.netstack.tcp.congestion.bbr_control cimport NO_STATE, BbrControl
from fastzt.netstack.tcp.congestion.bbr_model cimport (
    BETA, CRUISE, DOWN, DRAIN, INFINITE, LOSS_THRESHOLD, MIN_PIPE_SEGMENTS, PROBE_RTT, REFILL, STARTUP, UP
)
from fastzt.netstack.tcp.congestion.sample cimport RateSample

cdef enum:
    ACKS_INIT = 0
    ACKS_REFILLING = 1
    ACKS_PROBE_STARTING = 2
    ACKS_PROBE_FEEDBACK = 3
    ACKS_PROBE_STOPPING = 4
    DRAIN_ROUNDS = 3
    PROBE_WAIT = 2000000
    MAX_PROBE_ROUNDS = 63
    MAX_GROWTH_ROUNDS = 30
    PROBE_RTT_DURATION = 200000
    STARTUP_LOSSES = 6


@cython.final
cdef class Bbr(BbrControl):
    cdef int64_t delivered
    cdef bint sack
    cdef int ack_phase
    cdef bint bw_probe_sample
    cdef int64_t cycle_at
    cdef int64_t probe_wait
    cdef int64_t drain_start_round
    cdef bint idle_restart
    cdef int loss_events
    cdef int64_t lost_up_to
    cdef bint prev_probe_too_high
    cdef bint prev_probe_precautionary
    cdef int64_t probe_acked
    cdef int64_t probe_acked_per_segment
    cdef int probe_rounds
    cdef int64_t probe_rtt_done_at
    cdef bint probe_rtt_round_done
    cdef int64_t random

    @cython.locals(many=bint)
    cdef void check_startup(self, RateSample sample) noexcept
    cdef void cycle(self, RateSample sample, int64_t now) noexcept
    cdef bint is_reno_time(self) noexcept
    cdef bint may_cruise(self, int64_t in_flight) noexcept
    cdef bint must_go_down(self, RateSample sample) noexcept
    cdef void start_down(self, int64_t now) noexcept
    cdef void start_refill(self) noexcept
    cdef void start_up(self, RateSample sample) noexcept
    cdef bint adapt_long_term(self, RateSample sample) noexcept
    @cython.locals(steps=int64_t)
    cdef void raise_long_term(self, RateSample sample) noexcept
    cdef void steepen(self) noexcept
    cdef void check_probe_rtt(self, RateSample sample, int64_t now) noexcept
    cdef void probe_rtt(self, int64_t in_flight, int64_t now) noexcept
    cdef void check_probe_rtt_done(self, int64_t now) noexcept
    cdef void take_loss(self, int64_t size, int64_t in_flight, int64_t lost, bint app_limited, int64_t now) noexcept
    @cython.locals(before=int64_t, tolerated=double)
    cdef int64_t inflight_at_loss(self, int64_t size, int64_t in_flight, int64_t lost) noexcept
