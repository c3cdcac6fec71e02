"""HyStart++ (RFC 9406): leave the first slow start when round trips grow, before losses tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .sample import RateSample

if TYPE_CHECKING:
    import cython
else:
    from .... import _cython as cython

if not cython.compiled:
    MIN_THRESHOLD = 4_000  # microseconds; RFC 9406 4.3
    MAX_THRESHOLD = 16_000
    DIVISOR = 8  # MIN_RTT_DIVISOR
    SAMPLES = 8  # N_RTT_SAMPLE
    GROWTH_DIVISOR = 4  # CSS_GROWTH_DIVISOR
    CSS_ROUNDS = 5

NONE = 1 << 60


class HyStart:
    """Standard slow start, or the conservative one (`cautious`); `is_over` after CSS_ROUNDS of that.

    The sender is paced, so growth is not limited to L segments an ACK.
    """

    if not cython.compiled:
        __slots__ = ("baseline", "cautious", "current", "is_over", "last", "round_end", "rounds", "samples")

    def __init__(self) -> None:
        self.round_end = 0  # the delivered bytes with which the round trip ends
        self.last = NONE  # the least round trip of the last round
        self.current = NONE  # and of this one
        self.samples = 0
        self.baseline = NONE
        self.cautious = False
        self.rounds = 0  # of the conservative slow start
        self.is_over = False

    def allowed(self, sample: RateSample) -> int:
        """By how many bytes the window may grow for this ACK."""
        if sample.delivered - sample.since >= self.round_end:
            self.begin_round(sample.delivered)
        if sample.rtt >= 0:
            self.current = min(self.current, sample.rtt)
            self.samples += 1
            self.judge()
        return sample.acked // GROWTH_DIVISOR if self.cautious else sample.acked

    def begin_round(self, delivered: int) -> None:
        """Data sent after the last round began is acknowledged."""
        self.round_end = delivered
        self.last = self.current
        self.current = NONE
        self.samples = 0
        if self.cautious:
            self.rounds += 1
            if self.rounds >= CSS_ROUNDS:
                self.is_over = True

    def judge(self) -> None:
        """Enter the conservative phase when the round trip has grown, leave it when it is back."""
        if self.samples < SAMPLES or self.current == NONE:
            return
        if self.cautious:
            if self.current < self.baseline:
                self.cautious = False
                self.baseline = NONE
        elif self.last != NONE:
            threshold = max(MIN_THRESHOLD, min(self.last // DIVISOR, MAX_THRESHOLD))
            if self.current >= self.last + threshold:
                self.baseline = self.current
                self.cautious = True
                self.rounds = 0
