"""Pacer: spreads what leaves at the controller's pacing rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from ... import _cython as cython

if not cython.compiled:
    BURST = 1000  # microseconds at the pacing rate that leave at once
    RESUME = 500  # and how much of that is free again when the sender goes on
    CREDIT = 1000  # how late a timer may come without lowering the rate


class Pacer:
    """Nothing may leave before `resume_at` (microseconds).

    A sender that its window or the application holds below the rate is never stopped, and costs no timer.
    """

    if not cython.compiled:
        __slots__ = ("resume_at", "spent_at")

    def __init__(self) -> None:
        self.spent_at = 0.0  # when all that has left would have, at the pacing rate
        self.resume_at = 0

    def sent(self, n: int, rate: float, now: int) -> None:
        """`n` bytes have left; `rate` is in bytes a second, 0 for no pacing."""
        if rate <= 0:
            return
        self.spent_at = max(self.spent_at, float(now - CREDIT)) + n * 1e6 / rate
        if self.spent_at > now + BURST:
            self.resume_at = int(self.spent_at) - RESUME

    def allowance(self, rate: float, now: int) -> int:
        """How many bytes may leave at once without a stop, at `rate` bytes a second."""
        left = now + BURST - max(self.spent_at, float(now - CREDIT))
        return int(left * rate / 1e6) if left > 0 else 0
