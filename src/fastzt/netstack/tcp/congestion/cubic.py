"""CUBIC (RFC 9438): a window that is a cubic function of the time since the last loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import Controller

if TYPE_CHECKING:
    import cython
else:
    from .... import _cython as cython

C = 0.4  # section 5.1, segments per cubic second
BETA = 0.7  # section 4.6
ALPHA = 3 * (1 - BETA) / (1 + BETA)  # section 4.3: as fair as Reno
SECOND = 1e6


class Cubic(Controller):
    """Windows in segments inside (float), bytes outside."""

    if not cython.compiled:
        __slots__ = ("epoch", "k", "origin", "prior", "reno", "w_max", "window")

    def __init__(self, mss: int) -> None:
        super().__init__(mss)
        self.epoch = 0  # when congestion avoidance began; 0: not begun since the last loss
        self.k = 0.0  # seconds from the epoch until the window is `origin` again
        self.origin = 0.0
        self.w_max = 0.0  # window before the last reduction
        self.prior = 0.0  # window at the last reduction
        self.reno = 0.0  # W_est of section 4.3
        self.window = 0.0  # cwnd with its fraction

    def on_ack(self, acked: int, limited: bool, now: int, rtt: int) -> None:
        """Slow start below `ssthresh`, then the larger of the cubic and the Reno window."""
        if not limited:
            # Time in which the window was not used must not count (section 5.8).
            self.epoch = 0
            return
        if self.cwnd < self.ssthresh:
            acked = self.slow_start(acked)
            if self.cwnd < self.ssthresh:
                return
        if self.epoch == 0:
            self.begin(now)
        self.avoid(float(acked) / self.mss, float(now - self.epoch) / SECOND, float(rtt) / SECOND)

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
        alpha = ALPHA if self.reno < self.prior else 1.0
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
        """Multiplicative decrease with fast convergence (sections 4.6, 4.7)."""
        window = float(self.cwnd) / self.mss
        self.prior = window
        if window < self.w_max:
            self.w_max = window * (1.0 + BETA) / 2.0
        else:
            self.w_max = window
        self.epoch = 0
        self.ssthresh = max(int(in_flight * BETA), 2 * self.mss)
