"""Assembler: which ranges of a stream have arrived above its contiguous part, as runs.

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
    MAX_RUNS = 4096  # losses of a whole window of a fast long path; each takes 24 bytes while there is a hole
    MAX_BLOCKS = 4  # RFC 2018 3: what fits into the TCP options
    KEPT = 64  # runs that keep their memory when the holes are filled

    class Run:
        """One run; `stamp` is the time of its last change."""

        __slots__ = ("end", "stamp", "start")

        def __init__(self, start: int, end: int) -> None:
            self.start = start
            self.end = end
            self.stamp = 0

    def resized(at: list[Run], n: int) -> list[Run]:
        """Room for `n` runs."""
        return at[:n] + [NO_RUN] * (n - len(at))

    NO_RUN = Run(0, 0)

    def moved(at: list[Run], to: int, source: int, n: int) -> None:
        """Copy `n` runs to where they may overlap."""
        at[to : to + n] = at[source : source + n]

    def place(at: list[Run], i: int, start: int, end: int) -> None:
        """Make a run the i-th."""
        at[i] = Run(start, end)


class Assembler:
    """Runs of a stream whose contiguous part ends at `edge`, at most `limit` of them.

    `refused` counts ranges turned away for lack of a free run. `select` puts the latest runs into
    `block_start` and `block_end`.
    """

    if not cython.compiled:
        __slots__ = (
            "at",
            "block_end",
            "block_stamp",
            "block_start",
            "capacity",
            "clock",
            "count",
            "edge",
            "limit",
            "refused",
        )

    def __init__(self, edge: int = 0, limit: int = 4096) -> None:
        self.edge = edge
        self.limit = limit
        self.count = self.capacity = 0
        self.refused = 0
        self.clock = 0
        if not cython.compiled:
            self.at: list[Run] = []
            self.block_start = [0] * MAX_BLOCKS
            self.block_end = [0] * MAX_BLOCKS
            self.block_stamp = [0] * MAX_BLOCKS

    def contiguous(self) -> int:
        """The position up to which everything has arrived."""
        return self.edge

    def find(self, position: int) -> int:
        """The first run that reaches `position`, or `count`."""
        low = 0
        high = self.count
        if high > 0 and self.at[high - 1].end < position:
            return high
        while low < high:
            middle = (low + high) >> 1
            if self.at[middle].end >= position:
                high = middle
            else:
                low = middle + 1
        return low

    def holds(self, start: int, end: int) -> bool:
        """Whether all of [start, end) has arrived."""
        if end <= self.edge:
            return True
        i = self.find(end)
        return i < self.count and self.at[i].start <= start

    def highest(self) -> int:
        """The end of the last run, or of the contiguous part when there is none."""
        return self.at[self.count - 1].end if self.count > 0 else self.edge

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
        i = self.find(start)
        if i < self.count and self.at[i].start <= end:
            self.merge(i, start, end)
        elif not self.insert(i, start, end):
            return False
        self.clock += 1
        self.at[i].stamp = self.clock
        return True

    def absorb(self) -> None:
        """Take the runs that the contiguous part has reached into it."""
        taken = 0
        while taken < self.count and self.at[taken].start <= self.edge:
            if self.at[taken].end > self.edge:
                self.edge = self.at[taken].end
            taken += 1
        self.remove(0, taken)
        if self.count == 0 and self.capacity > KEPT:
            self.resize(KEPT)

    def merge(self, i: int, start: int, end: int) -> None:
        """Widen run i to cover [start, end), and swallow the runs that it then touches."""
        if start < self.at[i].start:
            self.at[i].start = start
        last = i
        while last + 1 < self.count and self.at[last + 1].start <= end:
            last += 1
        if self.at[last].end > end:
            end = self.at[last].end
        self.at[i].end = end
        self.remove(i + 1, last - i)

    def insert(self, i: int, start: int, end: int) -> bool:
        """Make [start, end) run i; False when all are taken."""
        full = self.count == self.capacity
        if self.count >= self.limit or (full and not self.resize(max(2 * self.capacity, 16))):
            self.refused += 1
            return False
        moved(self.at, i + 1, i, self.count - i)
        place(self.at, i, start, end)
        self.count += 1
        return True

    def resize(self, n: int) -> bool:
        """Have memory for `n` runs; False when there is none."""
        memory = resized(self.at, n)
        if not memory:
            return False
        self.at = memory
        self.capacity = n
        return True

    def remove(self, i: int, n: int) -> None:
        """Forget `n` runs from run i on."""
        if n > 0:
            moved(self.at, i, i + n, self.count - i - n)
            self.count -= n

    def select(self, most: int) -> int:
        """Put up to `most` (4) runs into the blocks, the latest changed first (RFC 2018 4); how many."""
        n = min(most, self.count, MAX_BLOCKS)
        if n <= 0:
            return 0
        filled = 0
        for i in range(self.count):
            stamp = self.at[i].stamp
            if filled == n and stamp < self.block_stamp[n - 1]:
                continue
            if filled < n:
                filled += 1
            k = filled - 1
            while k > 0 and self.block_stamp[k - 1] < stamp:
                self.block_start[k] = self.block_start[k - 1]
                self.block_end[k] = self.block_end[k - 1]
                self.block_stamp[k] = self.block_stamp[k - 1]
                k -= 1
            self.block_start[k] = self.at[i].start
            self.block_end[k] = self.at[i].end
            self.block_stamp[k] = stamp
        return n

    def blocks(self, most: int) -> list[tuple[int, int]]:
        """The runs that `select` takes, for code outside the hot way."""
        n = self.select(most)
        return [(self.block_start[k], self.block_end[k]) for k in range(n)]

    def runs(self) -> list[tuple[int, int]]:
        """All runs by position, for code outside the hot way."""
        return [(self.at[i].start, self.at[i].end) for i in range(self.count)]

    def __dealloc__(self) -> None:
        if cython.compiled:
            free(self.at)  # type: ignore[name-defined]  # noqa: F821
