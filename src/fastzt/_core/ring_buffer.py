"""RingBuffer: the bytes of a stream between two positions, in memory that grows in steps.

Positions are 64-bit offsets of the stream, which never wrap; the ring knows nothing of sequence numbers.
A receiver reads at `head`, appends at `tail`, and may write ahead of `tail` (`high` is the end of that).
A sender appends at `tail`, peeks anywhere between, and releases at `head` what is acknowledged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .slab import Slab

if TYPE_CHECKING:
    import cython
    from typing_extensions import Buffer
else:
    from .. import _cython as cython

if not cython.compiled:
    from .access import move, take
    from .checksum import copy_sum, sum16
    from .kernels.buffer import copy_in, copy_out, size_of

    FIRST_STEP = 1024  # bytes of the first allocation: a request, a greeting; each step doubles

_NOTHING = Slab(0)


class RingBuffer:
    """At most `limit` bytes of a stream, from position `start` on."""

    if not cython.compiled:
        __slots__ = ("capacity", "head", "high", "limit", "slab", "tail")

    def __init__(self, limit: int, start: int = 0) -> None:
        self.slab = _NOTHING
        self.capacity = 0
        self.limit = limit
        self.head = start
        self.tail = start
        self.high = start

    def used(self) -> int:
        """Contiguous bytes held."""
        return self.tail - self.head

    def room(self) -> int:
        """How many bytes can be appended."""
        free = self.limit - (self.tail - self.head)
        return free if free > 0 else 0

    def write(self, data: Buffer, start: int = 0, most: int = -1) -> int:
        """Append what fits of a bytes-like object from `start` on; how many bytes that was.

        `most` bounds it, unless negative.
        """
        n = min(size_of(data) - start, self.room())
        if 0 <= most < n:
            n = most
        if n <= 0 or not self.fit(self.tail + n):
            return 0
        at = self.tail & (self.capacity - 1)
        first = min(n, self.capacity - at)
        copy_in(self.slab, at, data, start, first)
        if first < n:
            copy_in(self.slab, 0, data, start + first, n - first)
        self.grow_tail(n)
        return n

    def append(self, source: Slab, offset: int, n: int) -> int:
        """Append what fits of `n` bytes of a slab; how many bytes that was."""
        free = self.room()
        if n > free:
            n = free
        if n <= 0 or not self.fit(self.tail + n):
            return 0
        self.put(self.tail, source, offset, n)
        self.grow_tail(n)
        return n

    def write_at(self, position: int, source: Slab, offset: int, n: int) -> bool:
        """Write `n` bytes at a position from `tail` on without moving it; outside: False, nothing written."""
        if n <= 0 or position < self.tail or not self.fit(position + n):
            return False
        self.put(position, source, offset, n)
        if position + n > self.high:
            self.high = position + n
        return True

    def write_sum(self, position: int, source: Slab, offset: int, n: int, initial: int) -> int:
        """As `write_at`, but nothing counts as written before `grow_tail`.

        The sum of the bytes (checksum.sum16) added to `initial`; -1: nothing copied.
        """
        if n <= 0 or position < self.tail or not self.fit(position + n):
            return -1
        at = position & (self.capacity - 1)
        if n <= self.capacity - at:
            return copy_sum(self.slab, at, source, offset, n, initial)
        self.put(position, source, offset, n)
        return sum16(source, offset, n, initial)

    def advance(self, n: int) -> bool:
        """Take `n` bytes written ahead into the contiguous ones; False when they were not written."""
        if n < 0 or self.tail + n > self.high:
            return False
        self.tail += n
        return True

    def read_into(self, target: Buffer) -> int:
        """Move bytes from the head into a writable buffer; how many. TypeError when it is read-only."""
        n = min(size_of(target, True), self.tail - self.head)
        if n <= 0:
            return 0
        at = self.head & (self.capacity - 1)
        first = min(n, self.capacity - at)
        copy_out(self.slab, at, target, 0, first)
        if first < n:
            copy_out(self.slab, 0, target, first, n - first)
        self.head += n
        return n

    def read(self, most: int) -> bytes:
        """Remove and return up to `most` bytes from the head."""
        n = min(most, self.tail - self.head)
        if n <= 0:
            return b""
        at = self.head & (self.capacity - 1)
        first = min(n, self.capacity - at)
        data = take(self.slab, at, first)
        if first < n:
            data += take(self.slab, 0, n - first)
        self.head += n
        return data

    def peek(self, position: int, target: Slab, offset: int, n: int) -> bool:
        """Copy `n` contiguous bytes at a position into a slab; not all held: False, nothing copied."""
        if n < 0 or position < self.head or position + n > self.tail:
            return False
        if n == 0:
            return True
        at = position & (self.capacity - 1)
        first = self.capacity - at
        if first > n:
            first = n
        move(target, offset, self.slab, at, first)
        if first < n:
            move(target, offset + first, self.slab, 0, n - first)
        return True

    def peek_sum(self, position: int, target: Slab, offset: int, n: int, initial: int) -> int:
        """`peek`, and the sum of the bytes (checksum.sum16) added to `initial`; -1: not all held."""
        at = position & (self.capacity - 1)
        if n > 0 and n <= self.capacity - at and position >= self.head and position + n <= self.tail:
            return copy_sum(target, offset, self.slab, at, n, initial)
        return sum16(target, offset, n, initial) if self.peek(position, target, offset, n) else -1

    def discard(self, n: int) -> int:
        """Drop up to `n` bytes from the head; how many that was."""
        held = self.tail - self.head
        if n > held:
            n = held
        if n <= 0:
            return 0
        self.head += n
        return n

    def shrink(self) -> None:
        """Give back the memory that the bytes held do not need; all of it when there are none."""
        held = self.high - self.head
        if held == 0:
            self.slab = _NOTHING
            self.capacity = 0
            return
        step = FIRST_STEP
        while step < held:
            step *= 2
        if step < self.capacity:
            self.relocate(step)

    def fit(self, end: int) -> bool:
        """Make the memory reach to position `end`; False beyond the limit."""
        need = end - self.head
        if need > self.limit:
            return False
        if need > self.capacity:
            step = self.capacity if self.capacity > 0 else FIRST_STEP
            while step < need:
                step *= 2
            self.relocate(step)
        return True

    def relocate(self, capacity: int) -> None:
        """Move all bytes, those ahead of `tail` included, into new memory of a power of two bytes."""
        slab = Slab(capacity)
        position = self.head
        while position < self.high:
            source = position & (self.capacity - 1)
            to = position & (capacity - 1)
            n = self.high - position
            if n > self.capacity - source:
                n = self.capacity - source
            if n > capacity - to:
                n = capacity - to
            move(slab, to, self.slab, source, n)
            position += n
        self.slab = slab
        self.capacity = capacity

    def put(self, position: int, source: Slab, offset: int, n: int) -> None:
        """Copy bytes that are known to fit into the ring."""
        at = position & (self.capacity - 1)
        first = self.capacity - at
        if first > n:
            first = n
        move(self.slab, at, source, offset, first)
        if first < n:
            move(self.slab, 0, source, offset + first, n - first)

    def grow_tail(self, n: int) -> None:
        """Count `n` bytes just written at the tail."""
        self.tail += n
        if self.high < self.tail:
            self.high = self.tail
