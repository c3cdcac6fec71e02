"""Spurious: was a loss episode a false alarm? By timestamps (RFC 3522) and by DSACK (RFC 3708)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from ... import _cython as cython


class Spurious:
    """One episode at a time; positions and microseconds. `armed` while it may still turn out to be none."""

    if not cython.compiled:
        __slots__ = ("armed", "copies", "copy_at", "end", "start")

    def __init__(self) -> None:
        self.armed = False
        self.start = self.end = 0
        self.copies = 0  # segments sent again that no DSACK has named yet
        self.copy_at = -1  # when the first of them left

    def begin(self, start: int, end: int) -> None:
        """An episode begins with [start, end) in flight."""
        self.armed = True
        self.start = start
        self.end = end
        self.copies = 0
        self.copy_at = -1

    def on_copy(self, length: int, mss: int, now: int) -> None:
        """`length` bytes were sent again."""
        self.copies += (length + mss - 1) // mss
        if self.copy_at < 0:
            self.copy_at = now

    def on_advance(self, repaired: bool, clear: bool, over: bool, echoed_at: int) -> bool:
        """The acknowledgment moved; was the alarm for nothing?

        `repaired`: past something that was sent again; `clear`: and nothing else counts as lost; `over`: past
        the whole episode. The peer echoes the timestamp of the segment that moved it (RFC 7323 4.3): of the
        original, when that was not lost. `echoed_at` is in whole milliseconds; -1: there is none.
        """
        if not self.armed:
            return False
        if repaired and (echoed_at < 0 or echoed_at // 1000 >= self.copy_at // 1000):
            self.armed = False  # a copy was of use, or nobody can tell
            return False
        if (repaired and clear) or (over and self.copies == 0):
            self.armed = False
            return True
        return False

    def on_dsack(self, left: int, right: int, mss: int) -> bool:
        """[left, right) arrived twice; whether every copy of the episode did."""
        if not self.armed or self.copies == 0 or left < self.start or right > self.end:
            return False
        self.copies -= max((right - left + mss - 1) // mss, 1)
        if self.copies > 0:
            return False
        self.armed = False
        return True
