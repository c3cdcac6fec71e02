"""What BBR does with its model: gains by state, pace, window, and what it keeps for when losses were none.

Names in quotes are those of draft-ietf-ccwg-bbr.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .bbr_model import BbrModel
from .sample import RateSample

if TYPE_CHECKING:
    import cython
else:
    from .... import _cython as cython

if not cython.compiled:
    from .base import INITIAL_SEGMENTS, SECOND
    from .bbr_model import CRUISE, DOWN, DRAIN, INFINITE, MIN_PIPE_SEGMENTS, PROBE_RTT, STARTUP, UP

    NO_STATE = -1

STARTUP_GAIN = 2.77
CWND_GAIN = 2.0
UP_CWND_GAIN = 2.25
PROBE_RTT_CWND_GAIN = 0.5
PACING_MARGIN = 0.99


class BbrControl(BbrModel):
    """`pacing_gain` and `cwnd_gain` follow from the state."""

    if not cython.compiled:
        __slots__ = (
            "cwnd_gain",
            "in_episode",
            "pacing_gain",
            "undo_bw_shortterm",
            "undo_inflight_longterm",
            "undo_inflight_shortterm",
            "undo_mode",
        )

    def __init__(self, mss: int) -> None:
        super().__init__(mss)
        self.in_episode = False  # of loss
        self.undo_bw_shortterm = 0.0
        self.undo_inflight_shortterm = self.undo_inflight_longterm = 0
        self.undo_mode = NO_STATE
        self.enter(STARTUP)

    def enter(self, mode: int) -> None:
        """Change the state, and the gains with it (the table of section 5.6.1)."""
        self.mode = mode
        self.cwnd_gain = CWND_GAIN
        self.pacing_gain = 1.0
        if mode == STARTUP:
            self.pacing_gain = STARTUP_GAIN
        elif mode == DRAIN:
            self.pacing_gain = 0.5
        elif mode == DOWN:
            self.pacing_gain = 0.9
        elif mode == UP:
            self.pacing_gain = 1.25
            self.cwnd_gain = UP_CWND_GAIN
        elif mode == PROBE_RTT:
            self.cwnd_gain = PROBE_RTT_CWND_GAIN

    def probe_rtt_window(self) -> int:
        """Half of what the path holds ("ProbeRTTCwnd")."""
        return max(self.bdp(self.bw, PROBE_RTT_CWND_GAIN), MIN_PIPE_SEGMENTS * self.mss)

    def set_pace(self, smoothed: int, gain: float) -> None:
        """Pace a little below the bandwidth; before the path is full only ever faster ("SetPacingRate")."""
        if self.pacing_rate == 0 and smoothed > 0:
            self.pacing_rate = STARTUP_GAIN * INITIAL_SEGMENTS * self.mss * SECOND / smoothed
        rate = gain * self.bw * PACING_MARGIN
        if rate > 0 and (self.full_bw_reached or rate > self.pacing_rate):
            self.pacing_rate = rate

    def set_window(self, sample: RateSample) -> None:
        """Toward the volume that the model asks for, within its bounds ("SetCwnd")."""
        most = self.budget(self.bdp(self.bw, self.cwnd_gain) + self.extra_acked.best)
        if self.full_bw_reached:
            self.cwnd = min(self.cwnd + sample.acked, most)
        elif self.cwnd < most or sample.delivered < INITIAL_SEGMENTS * self.mss:
            self.cwnd += sample.acked
        self.cwnd = max(self.cwnd, MIN_PIPE_SEGMENTS * self.mss)
        if self.mode == PROBE_RTT:
            self.cwnd = min(self.cwnd, self.probe_rtt_window())
        self.bound_window()

    def bound_window(self) -> None:
        """No more in flight than was found safe ("BoundCwndForModel")."""
        cap = INFINITE
        if self.mode == PROBE_RTT or self.mode == CRUISE:
            cap = self.with_headroom()
        elif self.is_cycling():
            cap = self.inflight_longterm
        cap = max(min(cap, self.inflight_shortterm), MIN_PIPE_SEGMENTS * self.mss)
        self.cwnd = min(self.cwnd, cap)

    def save_window(self) -> None:
        """Remember the window that losses or ProbeRTT have not cut ("SaveCwnd")."""
        if self.in_episode or self.mode == PROBE_RTT:
            self.prior_cwnd = max(self.prior_cwnd, self.cwnd)
        else:
            self.prior_cwnd = self.cwnd

    def save_state(self) -> None:
        """What is restored should the losses turn out to be none ("SaveStateUponLoss")."""
        self.save_window()
        self.undo_mode = NO_STATE
        self.undo_bw_shortterm = self.bw_shortterm
        self.undo_inflight_shortterm = self.inflight_shortterm
        self.undo_inflight_longterm = self.inflight_longterm
