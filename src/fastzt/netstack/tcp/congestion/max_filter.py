"""MaxFilter: the largest value seen in a moving window of rounds, in three samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from .... import _cython as cython


class MaxFilter:
    """`best`: the maximum of the window. Keeps the best, and the best behind it, and behind that.

    After Kathleen Nichols (the draft's KN_FILTER): exact while values fall, and never more than a quarter of
    the window late in forgetting.
    """

    if not cython.compiled:
        __slots__ = ("best", "best_at", "second", "second_at", "third", "third_at")

    def __init__(self) -> None:
        self.restart(0, 0)

    def restart(self, value: int, at: int) -> None:
        """Forget all but this value."""
        self.best = self.second = self.third = value
        self.best_at = self.second_at = self.third_at = at

    def add(self, value: int, at: int, window: int) -> int:
        """Take a value of round `at`; the maximum of the last `window` rounds."""
        if value >= self.best or at - self.third_at > window:
            self.restart(value, at)
            return self.best
        if value >= self.second:
            self.second = self.third = value
            self.second_at = self.third_at = at
        elif value >= self.third:
            self.third = value
            self.third_at = at
        self.age(value, at, window)
        return self.best

    def age(self, value: int, at: int, window: int) -> None:
        """Let the best go when its window is over; see to it that the runners-up lie apart in time."""
        if at - self.best_at > window:
            self.best, self.best_at = self.second, self.second_at
            self.second, self.second_at = self.third, self.third_at
            self.third, self.third_at = value, at
            if at - self.best_at > window:
                self.best, self.best_at = self.second, self.second_at
                self.second, self.second_at = self.third, self.third_at
        elif self.second_at == self.best_at and at - self.best_at > window // 4:
            self.second = self.third = value
            self.second_at = self.third_at = at
        elif self.third_at == self.second_at and at - self.second_at > window // 2:
            self.third = value
            self.third_at = at
