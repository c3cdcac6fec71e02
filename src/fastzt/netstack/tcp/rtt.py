"""Round-trip time estimate and retransmission time-out (RFC 6298), in microseconds.

Every acknowledgment is a measurement, so that the estimate follows a queue that fills within a round trip;
the variance is the largest deviation of a round trip, so that many like measurements do not talk it away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from ... import _cython as cython

if not cython.compiled:
    INITIAL_RTO = 1_000_000  # RFC 6298 2.1
    MAX_BACKOFF = 16
    MIN_WINDOW = 10_000_000  # paths change: `minimum` is of the last 10 to 20 seconds


class Rtt:
    """`smoothed` and `variance` (0 before the first sample), the recent `minimum`, `latest`, `rto()`."""

    if not cython.compiled:
        __slots__ = (
            "backoff",
            "deviation",
            "latest",
            "lowest",
            "max_rto",
            "min_rto",
            "minimum",
            "smoothed",
            "variance",
            "window_at",
            "worst",
        )

    def __init__(self, min_rto: int, max_rto: int) -> None:
        self.min_rto = min_rto
        self.max_rto = max_rto
        self.smoothed = 0
        self.deviation = 0  # the mean one
        self.worst = 0  # the largest `deviation` of this round trip
        self.variance = 0
        self.minimum = 0
        self.lowest = 0  # of this window; `minimum` covers the one before, too
        self.window_at = 0
        self.latest = 0
        self.backoff = 0

    def sample(self, rtt: int, now: int) -> None:
        """Take a measurement, never of a retransmission (RFC 6298 section 3)."""
        rtt = max(rtt, 1)
        self.latest = rtt
        self.estimate(rtt)
        if now - self.window_at > MIN_WINDOW:
            self.window_at = now
            self.minimum = self.lowest
            self.lowest = rtt
        if rtt < self.lowest:
            self.lowest = rtt
        if rtt < self.minimum or self.minimum == 0:
            self.minimum = rtt

    def estimate(self, rtt: int) -> None:
        """Move the estimate; a measurement too coarse for `minimum` is good enough for this."""
        self.backoff = 0
        if self.smoothed == 0:
            self.smoothed = rtt
            self.deviation = self.worst = self.variance = rtt // 2
            return
        error = rtt - self.smoothed
        self.smoothed = max(self.smoothed + (error >> 3), 1)
        # A round trip that gets shorter is no reason to wait longer: it counts an eighth.
        change = (error if error >= 0 else -error) - self.deviation
        if error < 0 and change > 0:
            change >>= 3
        self.deviation += change >> 2
        self.worst = max(self.worst, self.deviation)
        self.variance = max(self.variance, self.worst)

    def round_over(self) -> None:
        """A round trip has ended: the variance comes down by a quarter of the way."""
        self.variance -= (self.variance - self.worst) >> 2
        self.worst = 0

    def rto(self) -> int:
        """The time-out that a retransmission timer armed now takes."""
        base = INITIAL_RTO
        if self.smoothed != 0:
            # The floor is on what is added to the round trip: a queue that doubles the round trip of a long
            # path must not look like the loss of everything.
            base = self.smoothed + max(self.min_rto, 4 * self.variance)
        return min(base << self.backoff, self.max_rto)

    def back_off(self) -> None:
        """Double the time-out (RFC 6298 5.5)."""
        if self.backoff < MAX_BACKOFF:
            self.backoff += 1

    def recovered(self) -> None:
        """New data was acknowledged: the time-out is the estimate's again."""
        self.backoff = 0
