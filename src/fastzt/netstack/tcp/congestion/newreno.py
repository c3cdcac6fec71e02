"""NewReno's window (RFC 5681, RFC 6582): one segment a round trip, half on loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import Controller

if TYPE_CHECKING:
    import cython
else:
    from .... import _cython as cython


class NewReno(Controller):
    """Additive increase by appropriate byte counting (RFC 3465)."""

    if not cython.compiled:
        __slots__ = ("counted",)

    def __init__(self, mss: int) -> None:
        super().__init__(mss)
        self.counted = 0

    def on_ack(self, acked: int, limited: bool, now: int, rtt: int) -> None:
        """Slow start below `ssthresh`, then one mss for each window of bytes."""
        if not limited:
            return
        if self.cwnd < self.ssthresh:
            acked = self.slow_start(acked)
            if self.cwnd < self.ssthresh:
                return
        self.counted += acked
        if self.counted >= self.cwnd:
            self.counted -= self.cwnd
            self.cwnd += self.mss

    def on_loss(self, in_flight: int, now: int) -> None:
        """Half of what is in flight."""
        self.counted = 0
        self.ssthresh = max(in_flight // 2, 2 * self.mss)
