"""Assembler: which ranges of a stream have arrived above its contiguous part, as at most 64 runs.

It holds positions only; the bytes lie in the receive ring. Bytes in order never need a free run, so a full
assembler still lets the stream go on. Runs have memory from the first hole on: most streams have none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    MAX_RUNS = 64
    MAX_BLOCKS = 4  # RFC 2018 3: what fits into the TCP options

    def numbers(n: int) -> list[int]:
        """Memory for that many positions."""
        return [0] * n


class Assembler:
    """Runs of a stream whose contiguous part ends at `edge`.

    `refused` counts ranges turned away for lack of a free run. `select` puts the latest runs into
    `block_start` and `block_end`.
    """

    if not cython.compiled:
        __slots__ = ("block_end", "block_start", "clock", "count", "edge", "end", "refused", "stamp", "start")

    def __init__(self, edge: int = 0) -> None:
        self.edge = edge
        self.count = 0
        self.refused = 0
        self.clock = 0
        if not cython.compiled:
            self.start: list[int] = []
            self.end: list[int] = []
            self.stamp: list[int] = []
            self.block_start = [0] * MAX_BLOCKS
            self.block_end = [0] * MAX_BLOCKS

    def contiguous(self) -> int:
        """The position up to which everything has arrived."""
        return self.edge

    def highest(self) -> int:
        """The end of the last run, or of the contiguous part when there is none."""
        return self.end[self.count - 1] if self.count > 0 else self.edge

    def add(self, start: int, end: int) -> bool:
        """Note the range [start, end); False when it needs a run and all are taken (drop the bytes then)."""
        if start < self.edge:
            start = self.edge
        if end <= start:
            return True
        if start == self.edge:
            self.edge = end
            if self.count > 0:
                self.absorb()
            return True
        i = self.count
        while i > 0 and self.end[i - 1] >= start:
            i -= 1
        if i < self.count and self.start[i] <= end:
            self.merge(i, start, end)
        elif not self.insert(i, start, end):
            return False
        self.clock += 1
        self.stamp[i] = self.clock
        return True

    def absorb(self) -> None:
        """Take the runs that the contiguous part has reached into it."""
        taken = 0
        while taken < self.count and self.start[taken] <= self.edge:
            if self.end[taken] > self.edge:
                self.edge = self.end[taken]
            taken += 1
        self.remove(0, taken)

    def merge(self, i: int, start: int, end: int) -> None:
        """Widen run i to cover [start, end), and swallow the runs that it then touches."""
        if start < self.start[i]:
            self.start[i] = start
        last = i
        while last + 1 < self.count and self.start[last + 1] <= end:
            last += 1
        if self.end[last] > end:
            end = self.end[last]
        self.end[i] = end
        self.remove(i + 1, last - i)

    def insert(self, i: int, start: int, end: int) -> bool:
        """Make [start, end) run i; False when all are taken."""
        if self.count >= MAX_RUNS or not self.has_memory():
            self.refused += 1
            return False
        j = self.count
        while j > i:
            self.start[j] = self.start[j - 1]
            self.end[j] = self.end[j - 1]
            self.stamp[j] = self.stamp[j - 1]
            j -= 1
        self.start[i] = start
        self.end[i] = end
        self.count += 1
        return True

    def has_memory(self) -> bool:
        """See to it that there is memory for the runs."""
        if not self.start:
            self.start = numbers(MAX_RUNS)
        if not self.end:
            self.end = numbers(MAX_RUNS)
        if not self.stamp:
            self.stamp = numbers(MAX_RUNS)
        return not (not self.start or not self.end or not self.stamp)

    def remove(self, i: int, n: int) -> None:
        """Forget `n` runs from run i on."""
        if n <= 0:
            return
        j = i
        while j + n < self.count:
            self.start[j] = self.start[j + n]
            self.end[j] = self.end[j + n]
            self.stamp[j] = self.stamp[j + n]
            j += 1
        self.count -= n

    def select(self, most: int) -> int:
        """Put up to `most` (4) runs into the blocks, the latest changed first (RFC 2018 4); how many."""
        n = most if most < self.count else self.count
        if n > MAX_BLOCKS:
            n = MAX_BLOCKS
        below = self.clock + 1
        for k in range(n):
            best = -1
            for i in range(self.count):
                if self.stamp[i] < below and (best < 0 or self.stamp[i] > self.stamp[best]):
                    best = i
            below = self.stamp[best]
            self.block_start[k] = self.start[best]
            self.block_end[k] = self.end[best]
        return n

    def blocks(self, most: int) -> list[tuple[int, int]]:
        """The runs that `select` takes, for code outside the hot way."""
        n = self.select(most)
        return [(self.block_start[k], self.block_end[k]) for k in range(n)]

    def runs(self) -> list[tuple[int, int]]:
        """All runs by position, for code outside the hot way."""
        return [(self.start[i], self.end[i]) for i in range(self.count)]

    def __dealloc__(self) -> None:
        if cython.compiled:
            free(self.start)  # type: ignore[name-defined]  # noqa: F821
            free(self.end)  # type: ignore[name-defined]  # noqa: F821
            free(self.stamp)  # type: ignore[name-defined]  # noqa: F821
