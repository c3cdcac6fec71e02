"""CUBIC (RFC 9438): a window that is a cubic function of the time since the last loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import Controller
from .hystart import HyStart
from .sample import RateSample

if TYPE_CHECKING:
    import cython
else:
    from .... import _cython as cython

if not cython.compiled:
    from .base import SECOND, UNLIMITED

C = 0.4  # section 5.1, segments per cubic second
BETA = 0.7  # section 4.6
ALPHA = 3 * (1 - BETA) / (1 + BETA)  # section 4.3: as fair as Reno


class Cubic(Controller):
    """Windows in segments inside (float), bytes outside; slow start with HyStart++."""

    if not cython.compiled:
        __slots__ = (
            "epoch",
            "hystart",
            "k",
            "origin",
            "prior_epoch",
            "prior_k",
            "prior_origin",
            "prior_w_max",
            "reduced_from",
            "reno",
            "seen",
            "w_max",
            "window",
        )

    def __init__(self, mss: int) -> None:
        super().__init__(mss)
        self.hystart = HyStart()
        self.epoch = 0  # when congestion avoidance began; 0: not begun since the last loss
        self.seen = 0  # when the last acknowledgment came
        self.k = 0.0  # seconds from the epoch until the window is `origin` again
        self.origin = 0.0
        self.w_max = 0.0  # window before the last reduction
        self.reduced_from = 0.0  # window at the last reduction
        self.reno = 0.0  # W_est of section 4.3
        self.window = 0.0  # cwnd with its fraction
        self.prior_epoch = 0  # of these four, before the last reduction
        self.prior_k = self.prior_origin = self.prior_w_max = 0.0

    def grow(self, sample: RateSample, now: int) -> None:
        """Open the window, if it was in use; time in which it was not does not count (section 5.8)."""
        if sample.limited:
            self.open_window(sample, now)
        elif self.epoch != 0:
            self.epoch += now - self.seen
        self.seen = now

    def open_window(self, sample: RateSample, now: int) -> None:
        """Slow start below `ssthresh`, then the larger of the cubic and the Reno window."""
        acked = sample.acked
        if self.cwnd < self.ssthresh:
            if self.ssthresh == UNLIMITED:
                acked = self.hystart.allowed(sample)
                if self.hystart.is_over:
                    self.ssthresh = self.cwnd
            acked = self.slow_start(acked)
            if self.cwnd < self.ssthresh:
                return
        if self.epoch == 0:
            self.begin(now)
        self.avoid(float(acked) / self.mss, float(now - self.epoch) / SECOND, float(sample.smoothed) / SECOND)

    def begin(self, now: int) -> None:
        """Start an epoch of congestion avoidance (section 4.2)."""
        self.epoch = now
        self.window = float(self.cwnd) / self.mss
        self.reno = self.window
        if self.window < self.w_max:
            self.origin = self.w_max
            self.k = ((self.w_max - self.window) / C) ** (1.0 / 3.0)
        else:
            self.origin = self.window
            self.k = 0.0

    def avoid(self, segments: float, elapsed: float, rtt: float) -> None:
        """Grow for `segments` delivered (sections 4.2 to 4.5); times in seconds."""
        alpha = ALPHA if self.reno < self.reduced_from else 1.0
        self.reno += alpha * segments / self.window
        if self.cubic(elapsed) < self.reno:
            self.window = max(self.window, self.reno)
        else:
            target = min(max(self.cubic(elapsed + rtt), self.window), 1.5 * self.window)
            self.window += (target - self.window) / self.window * segments
        self.cwnd = int(self.window * self.mss)

    def cubic(self, t: float) -> float:
        """W_cubic(t) in segments (Figure 1)."""
        x = t - self.k
        return C * x * x * x + self.origin

    def on_loss(self, in_flight: int, now: int) -> None:
        """A loss episode begins."""
        self.remember()
        self.reduce(in_flight)

    def reduce(self, in_flight: int) -> None:
        """Multiplicative decrease with fast convergence (sections 4.6, 4.7)."""
        self.prior_epoch = self.epoch
        self.prior_k = self.k
        self.prior_origin = self.origin
        self.prior_w_max = self.w_max
        window = float(min(self.cwnd, in_flight)) / self.mss
        self.reduced_from = window
        if window < self.w_max:
            self.w_max = window * (1.0 + BETA) / 2.0
        else:
            self.w_max = window
        self.epoch = 0
        self.ssthresh = max(int(window * self.mss * BETA), 2 * self.mss)

    def on_timeout(self, in_flight: int, now: int) -> None:
        """One segment, then slow start; the cubic begins anew at its end (section 4.8)."""
        self.on_loss(in_flight, now)
        self.cwnd = self.mss

    def on_undo(self, now: int) -> None:
        """Nothing had been lost: the curve goes on where it was (section 4.9)."""
        self.cwnd = max(self.cwnd, self.prior_cwnd)
        self.ssthresh = max(self.ssthresh, self.prior_ssthresh)
        self.epoch = self.prior_epoch
        self.k = self.prior_k
        self.origin = self.prior_origin
        self.w_max = self.prior_w_max
        self.window = self.reno = float(self.cwnd) / self.mss
