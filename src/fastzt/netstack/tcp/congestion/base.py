"""What a congestion controller is: windows in bytes and a pacing rate, moved by what the sender reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .sample import RateSample

if TYPE_CHECKING:
    import cython
else:
    from .... import _cython as cython

INITIAL_SEGMENTS = 10  # RFC 6928
UNLIMITED = 1 << 60
SECOND = 1e6
# Pacing of window-based controllers: fast enough that the window, not the pace, bounds the sender.
PACING_SLOW_START = 2.0
PACING_AVOIDANCE = 1.2


class Controller:
    """`cwnd`, `ssthresh` and `mss` in bytes; `pacing_rate` in bytes a second, 0 for none.

    The base keeps a window that only slow start moves. While a loss is repaired the sender moves `cwnd`
    itself toward `ssthresh` (RFC 6937), unless `own_recovery`. `understates`: what is delivered now tells too
    little of the path, by the controller's own doing.
    """

    if not cython.compiled:
        __slots__ = (
            "cwnd",
            "mss",
            "own_recovery",
            "pacing_rate",
            "prior_cwnd",
            "prior_ssthresh",
            "ssthresh",
            "understates",
        )

    def __init__(self, mss: int) -> None:
        self.mss = mss
        self.cwnd = INITIAL_SEGMENTS * mss
        self.ssthresh = UNLIMITED
        self.pacing_rate = 0.0
        self.own_recovery = False
        self.understates = False
        self.prior_cwnd = 0  # before the last reduction
        self.prior_ssthresh = UNLIMITED

    def take_over(self, other: Controller) -> None:
        """Continue from where another controller of the same connection is."""
        self.mss = other.mss
        self.cwnd = other.cwnd
        self.pacing_rate = other.pacing_rate
        if other.ssthresh != UNLIMITED:
            self.ssthresh = other.ssthresh

    def set_mss(self, mss: int) -> None:
        """The segment size changed; a window not used yet is made anew (RFC 5681 3.1)."""
        if self.ssthresh == UNLIMITED and self.cwnd == INITIAL_SEGMENTS * self.mss:
            self.cwnd = INITIAL_SEGMENTS * mss
        self.mss = mss
        self.cwnd = max(self.cwnd, mss)

    def on_ack(self, sample: RateSample, now: int) -> None:
        """Something was delivered: grow outside of fast recovery, and pace by the window."""
        if not sample.repairing:
            self.grow(sample, now)
        self.pace(sample)

    def grow(self, sample: RateSample, now: int) -> None:
        """Open the window."""
        if sample.limited and self.cwnd < self.ssthresh:
            self.slow_start(sample.acked)

    def slow_start(self, acked: int) -> int:
        """Grow by the bytes delivered, up to `ssthresh` (RFC 5681 3.1); returns those left over."""
        grown = min(acked, self.ssthresh - self.cwnd)
        self.cwnd += grown
        return acked - grown

    def pace(self, sample: RateSample) -> None:
        """Spread a window over a round trip, with room to grow."""
        if sample.smoothed > 0:
            gain = PACING_SLOW_START if self.cwnd < self.ssthresh >> 1 else PACING_AVOIDANCE
            self.pacing_rate = gain * max(self.cwnd, sample.in_flight) * SECOND / sample.smoothed

    def on_lost(self, start: int, end: int, in_flight: int, lost: int, app_limited: bool, now: int) -> None:
        """A range was declared lost: `in_flight` when it was sent, `lost` since, with it."""

    def on_loss(self, in_flight: int, now: int) -> None:
        """A loss episode begins: lower `ssthresh`."""
        self.remember()
        self.ssthresh = max(in_flight // 2, 2 * self.mss)

    def remember(self) -> None:
        """Keep what `on_undo` restores."""
        self.prior_cwnd = self.cwnd
        self.prior_ssthresh = self.ssthresh

    def on_recovered(self, after_timeout: bool, now: int) -> None:
        """The episode is over."""
        if not after_timeout:
            self.cwnd = max(self.ssthresh, self.mss)

    def on_timeout(self, in_flight: int, now: int) -> None:
        """The retransmission timer expired: one segment (RFC 5681 3.1)."""
        self.on_loss(in_flight, now)
        self.cwnd = self.mss

    def on_undo(self, now: int) -> None:
        """The last episode was spurious: nothing had been lost (RFC 4015)."""
        self.cwnd = max(self.cwnd, self.prior_cwnd)
        self.ssthresh = max(self.ssthresh, self.prior_ssthresh)

    def on_idle(self, now: int) -> None:
        """Nothing was sent for an RTO: the restart window (RFC 5681 4.1)."""
        self.cwnd = min(self.cwnd, INITIAL_SEGMENTS * self.mss)

    def on_restart(self, app_limited: bool, now: int) -> None:
        """Sending begins again with nothing in flight."""
