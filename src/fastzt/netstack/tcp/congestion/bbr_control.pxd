cimport cython
from libc.stdint cimport int64_t

from fastzt.netstack.tcp.congestion.base cimport INITIAL_SEGMENTS, SECOND
from fastzt.netstack.tcp.congestion.bbr_model cimport (
    CRUISE, DOWN, DRAIN, INFINITE, MIN_PIPE_SEGMENTS, PROBE_RTT, STARTUP, UP, BbrModel
)
from fastzt.netstack.tcp.congestion.sample cimport RateSample

cdef enum:
    NO_STATE = -1

cdef double STARTUP_GAIN
cdef double CWND_GAIN
cdef double UP_CWND_GAIN
cdef double PROBE_RTT_CWND_GAIN
cdef double PACING_MARGIN


cdef class BbrControl(BbrModel):
    cdef readonly double pacing_gain
    cdef readonly double cwnd_gain
    cdef bint in_episode
    cdef double undo_bw_shortterm
    cdef int64_t undo_inflight_shortterm
    cdef int64_t undo_inflight_longterm
    cdef int undo_mode

    cdef void enter(self, int mode) noexcept
    cdef int64_t probe_rtt_window(self) noexcept
    @cython.locals(rate=double)
    cdef void set_pace(self, int64_t smoothed, double gain) noexcept
    @cython.locals(most=int64_t)
    cdef void set_window(self, RateSample sample) noexcept
    @cython.locals(cap=int64_t)
    cdef void bound_window(self) noexcept
    cdef void save_window(self) noexcept
    cdef void save_state(self) noexcept
