"""NewReno's window (RFC 5681, RFC 6582): one segment a round trip, half on loss."""

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
    from .base import UNLIMITED


class NewReno(Controller):
    """Additive increase by appropriate byte counting (RFC 3465), slow start with HyStart++."""

    if not cython.compiled:
        __slots__ = ("counted", "hystart")

    def __init__(self, mss: int) -> None:
        super().__init__(mss)
        self.counted = 0
        self.hystart = HyStart()

    def grow(self, sample: RateSample, now: int) -> None:
        """Open the window, if it was in use."""
        if sample.limited:
            self.open_window(sample, now)

    def open_window(self, sample: RateSample, now: int) -> None:
        """Slow start below `ssthresh`, then one mss for each window of bytes."""
        acked = sample.acked
        if self.cwnd < self.ssthresh:
            if self.ssthresh == UNLIMITED:
                acked = self.hystart.allowed(sample)
                if self.hystart.is_over:
                    self.ssthresh = self.cwnd
            acked = self.slow_start(acked)
            if self.cwnd < self.ssthresh:
                return
        self.counted += acked
        if self.counted >= self.cwnd:
            self.counted -= self.cwnd
            self.cwnd += self.mss

    def on_loss(self, in_flight: int, now: int) -> None:
        """Half of what is in flight."""
        self.remember()
        self.counted = 0
        self.ssthresh = max(in_flight // 2, 2 * self.mss)
