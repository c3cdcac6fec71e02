"""What a congestion controller is: windows in bytes, moved by what the sender reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from .... import _cython as cython

INITIAL_SEGMENTS = 10  # RFC 6928
UNLIMITED = 1 << 60


class Controller:
    """`cwnd`, `ssthresh` and `mss` in bytes. The base keeps a window that only slow start moves.

    While a loss is repaired the sender moves `cwnd` itself toward `ssthresh` (RFC 6937).
    """

    if not cython.compiled:
        __slots__ = ("cwnd", "mss", "ssthresh")

    def __init__(self, mss: int) -> None:
        self.mss = mss
        self.cwnd = INITIAL_SEGMENTS * mss
        self.ssthresh = UNLIMITED

    def set_mss(self, mss: int) -> None:
        """The segment size changed; a window not used yet is made anew (RFC 5681 3.1)."""
        if self.ssthresh == UNLIMITED and self.cwnd == INITIAL_SEGMENTS * self.mss:
            self.cwnd = INITIAL_SEGMENTS * mss
        self.mss = mss
        self.cwnd = max(self.cwnd, mss)

    def on_ack(self, acked: int, limited: bool, now: int, rtt: int) -> None:
        """`acked` bytes were delivered outside loss recovery; `limited`: the window held the sender back."""
        if limited and self.cwnd < self.ssthresh:
            self.slow_start(acked)

    def slow_start(self, acked: int) -> int:
        """Grow by the bytes delivered, up to `ssthresh` (RFC 5681 3.1); returns those left over."""
        grown = min(acked, self.ssthresh - self.cwnd)
        self.cwnd += grown
        return acked - grown

    def on_loss(self, in_flight: int, now: int) -> None:
        """A loss episode begins: lower `ssthresh`."""
        self.ssthresh = max(in_flight // 2, 2 * self.mss)

    def on_recovered(self, now: int) -> None:
        """The episode is over."""
        self.cwnd = max(self.ssthresh, self.mss)

    def on_timeout(self, in_flight: int, now: int) -> None:
        """The retransmission timer expired: one segment (RFC 5681 3.1)."""
        self.on_loss(in_flight, now)
        self.cwnd = self.mss

    def on_idle(self, now: int) -> None:
        """Nothing was sent for an RTO: the restart window (RFC 5681 4.1)."""
        self.cwnd = min(self.cwnd, INITIAL_SEGMENTS * self.mss)
