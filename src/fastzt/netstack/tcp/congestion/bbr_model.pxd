cimport cython
from libc.stdint cimport int64_t

from fastzt.netstack.tcp.congestion.base cimport INITIAL_SEGMENTS, SECOND, Controller
from fastzt.netstack.tcp.congestion.max_filter cimport MaxFilter
from fastzt.netstack.tcp.congestion.sample cimport RateSample

cpdef enum:
    STARTUP = 0
    DRAIN = 1
    DOWN = 2
    CRUISE = 3
    REFILL = 4
    UP = 5
    PROBE_RTT = 6

cdef enum:
    MIN_RTT_WINDOW = 10000000
    PROBE_RTT_INTERVAL = 5000000
    MIN_PIPE_SEGMENTS = 4
    AGGREGATION_ROUNDS = 10
    MAX_QUANTUM = 65536

cdef int64_t INFINITE
cdef double NO_BOUND
cdef double LOSS_THRESHOLD
cdef double BETA
cdef double HEADROOM
cdef double FULL_BW_GROWTH
cdef int FULL_BW_ROUNDS


cdef class BbrModel(Controller):
    cdef readonly int mode
    cdef int64_t next_round_delivered
    cdef readonly int64_t round_count
    cdef int64_t rounds_since_probe
    cdef bint round_start
    cdef double bw_before
    cdef double bw_cycle
    cdef readonly double max_bw
    cdef readonly double bw
    cdef double bw_latest
    cdef int64_t inflight_latest
    cdef readonly double bw_shortterm
    cdef readonly int64_t inflight_shortterm
    cdef readonly int64_t inflight_longterm
    cdef bint loss_in_round
    cdef bint loss_round_start
    cdef int64_t loss_round_delivered
    cdef double full_bw
    cdef int full_bw_count
    cdef bint full_bw_now
    cdef readonly bint full_bw_reached
    cdef readonly int64_t min_rtt
    cdef int64_t probe_rtt_min
    cdef int64_t min_rtt_at
    cdef int64_t probe_rtt_min_at
    cdef bint probe_rtt_expired
    cdef int64_t aggregated
    cdef int64_t aggregated_since
    cdef readonly MaxFilter extra_acked

    cdef void begin_round(self, int64_t delivered) noexcept
    cdef void note_latest(self, RateSample sample) noexcept
    cdef void advance_latest(self, RateSample sample) noexcept
    cdef void note_congestion(self, RateSample sample) noexcept
    cdef bint is_probing(self) noexcept
    cdef bint is_cycling(self) noexcept
    cdef void lower_bounds(self) noexcept
    cdef void forget_short_term(self) noexcept
    cdef void forget_congestion(self) noexcept
    cdef void advance_max_bw(self) noexcept
    @cython.locals(expected=int64_t, extra=int64_t)
    cdef void note_aggregation(self, RateSample sample, int64_t now) noexcept
    cdef void reset_full_bw(self, double rate) noexcept
    cdef void note_full_bw(self, RateSample sample) noexcept
    cdef void note_rtt(self, RateSample sample, int64_t now) noexcept
    cdef int64_t bdp(self, double rate, double gain) noexcept
    cdef int64_t quantum(self) noexcept
    cdef int64_t budget(self, int64_t volume) noexcept
    @cython.locals(headroom=int64_t)
    cdef int64_t with_headroom(self) noexcept
    cdef int64_t target(self) noexcept
    cdef bint is_too_high(self, int64_t in_flight, int64_t lost, bint sack) noexcept
