"""Round-trip time estimate and retransmission time-out (RFC 6298), in microseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from ... import _cython as cython

if not cython.compiled:
    GRANULARITY = 1000  # the wheel's tick
    INITIAL_RTO = 1_000_000  # RFC 6298 2.1
    MAX_BACKOFF = 16


class Rtt:
    """`smoothed` and `variance` (0 before the first sample), `minimum`, `latest`; `rto()` with back-off."""

    if not cython.compiled:
        __slots__ = ("backoff", "latest", "max_rto", "min_rto", "minimum", "smoothed", "variance")

    def __init__(self, min_rto: int, max_rto: int) -> None:
        self.min_rto = min_rto
        self.max_rto = max_rto
        self.smoothed = 0
        self.variance = 0
        self.minimum = 0
        self.latest = 0
        self.backoff = 0

    def sample(self, rtt: int) -> None:
        """Take a measurement, one each round trip, never of a retransmission (RFC 6298 section 3)."""
        self.observe(rtt)
        if self.smoothed == 0:
            self.smoothed = max(rtt, 1)
            self.variance = rtt // 2
        else:
            self.variance += (abs(self.smoothed - rtt) - self.variance) >> 2
            self.smoothed = max(self.smoothed + ((rtt - self.smoothed) >> 3), 1)

    def observe(self, rtt: int) -> None:
        """Note a measurement for `latest` and `minimum` alone."""
        self.latest = rtt
        self.backoff = 0
        if self.minimum == 0 or rtt < self.minimum:
            self.minimum = max(rtt, 1)

    def rto(self) -> int:
        """The time-out that a retransmission timer armed now takes."""
        base = INITIAL_RTO
        if self.smoothed != 0:
            base = self.smoothed + max(GRANULARITY, 4 * self.variance)
            base = max(base, self.min_rto)
        return min(base << self.backoff, self.max_rto)

    def back_off(self) -> None:
        """Double the time-out (RFC 6298 5.5)."""
        if self.backoff < MAX_BACKOFF:
            self.backoff += 1

    def recovered(self) -> None:
        """New data was acknowledged: the time-out is the estimate's again."""
        self.backoff = 0
