"""TimerWheel: many timers at O(1) each for arm, cancel and the earliest deadline.

A hierarchical wheel: level L has 64 buckets of 64**L ticks, a tick is 64 microseconds. A timer lies at the
level of the highest 6-bit digit in which its tick differs from the present one, so the lowest level that is
not empty holds the earliest timers, in its first occupied bucket. When time reaches a bucket above level 0,
its timers move down. Timers are ints that the wheel hands out; arming makes no object. Deadlines are
microseconds, kept to the microsecond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    NEVER = 1 << 62
    TICK_BITS = 6
    LEVELS = 10  # 6 bits each cover the 56 bits of a tick
    BUCKETS = LEVELS * 64
    DUE = BUCKETS  # the list of timers that have expired and wait for pop()
    IDLE = -1
    MAX_SCAN = 32  # timers looked at for the exact minimum of one bucket

    def lowest_bit(x: int) -> int:
        """The index of the lowest bit that is set; x is not 0."""
        return (x & -x).bit_length() - 1

    def highest_bit(x: int) -> int:
        """The index of the highest bit that is set; x is not 0."""
        return x.bit_length() - 1

    class Timer:
        """One timer; `where` is its list, or IDLE."""

        __slots__ = ("deadline", "following", "previous", "where")

        def __init__(self) -> None:
            self.deadline = 0
            self.following = self.previous = self.where = -1

    def resized(at: list[Timer], n: int) -> list[Timer]:
        """The timers, `n` of them."""
        at.extend(Timer() for _ in range(n - len(at)))
        return at


class TimerWheel:
    """Timers that belong to `owner(timer)`; `armed` counts those that run."""

    if not cython.compiled:
        __slots__ = ("armed", "at", "capacity", "first", "free_timer", "last", "occupied", "owners", "tick")

    def __init__(self, now: int = 0) -> None:
        self.tick = now >> TICK_BITS
        self.armed = 0
        self.capacity = 0
        self.free_timer = -1
        self.owners: list[object] = []
        if not cython.compiled:
            self.at: list[Timer] = []
            self.first = [-1] * (BUCKETS + 1)
            self.last = [-1] * (BUCKETS + 1)
            self.occupied = [0] * LEVELS
        for i in range(BUCKETS + 1):
            self.first[i] = -1
            self.last[i] = -1

    def allocate(self, owner: object) -> int:
        """A timer, not armed, that belongs to `owner`."""
        if self.free_timer < 0:
            self.grow()
        timer = self.free_timer
        self.free_timer = self.at[timer].following
        self.at[timer].following = -1
        self.owners[timer] = owner
        return timer

    def free(self, timer: int) -> None:
        """Cancel a timer and take it back; it must not be used again."""
        self.cancel(timer)
        self.owners[timer] = None
        self.at[timer].following = self.free_timer
        self.free_timer = timer

    def owner(self, timer: int) -> object:
        """Whom the timer was allocated for; None when it is free."""
        return self.owners[timer]

    def arm(self, timer: int, deadline: int) -> None:
        """Let the timer expire at `deadline` instead of what it was armed for; NEVER or later cancels."""
        self.cancel(timer)
        if deadline < NEVER:
            self.at[timer].deadline = deadline
            self.place(timer)
            self.armed += 1

    def cancel(self, timer: int) -> None:
        """Stop the timer; also when it has expired and pop() has not returned it yet."""
        if self.at[timer].where != IDLE:
            self.unlink(timer)
            self.armed -= 1

    def is_armed(self, timer: int) -> bool:
        """Whether the timer runs, or has expired and waits for pop()."""
        return self.at[timer].where != IDLE

    def deadline_of(self, timer: int) -> int:
        """When the timer expires; NEVER when it is not armed."""
        return self.at[timer].deadline if self.at[timer].where != IDLE else NEVER

    def minimum(self) -> int:
        """The earliest deadline, or NEVER.

        When more than 32 timers share the earliest bucket of a higher level it is the start of that bucket,
        which is not later: expire() then moves the timers to a finer level.
        """
        if self.first[DUE] >= 0:
            return self.at[self.first[DUE]].deadline
        bucket = self.earliest()
        if bucket < 0:
            return NEVER
        # A lowest bucket is looked at whole: there is no finer level that would part its timers.
        left = MAX_SCAN if bucket >= 64 else self.armed
        best = NEVER
        timer = self.first[bucket]
        while timer >= 0:
            if left == 0:
                return self.start_of(bucket) << TICK_BITS
            if self.at[timer].deadline < best:
                best = self.at[timer].deadline
            timer = self.at[timer].following
            left -= 1
        return best

    def expire(self, now: int) -> int:
        """Make due every timer whose deadline is `now` or earlier; how many. Collect them by pop()."""
        target = now >> TICK_BITS
        expired = 0
        while True:
            bucket = self.earliest()
            if bucket < 0:
                break
            start = self.start_of(bucket)
            if start > target:
                break
            if start > self.tick:
                self.tick = start
            if bucket < 64:
                expired += self.collect(bucket, now)
                if start == target or self.first[bucket] >= 0:
                    break
            else:
                self.cascade(bucket)
        if target > self.tick and self.earliest_start() > target:
            self.tick = target
        return expired

    def pop(self) -> int:
        """The next timer that is due, now idle, or -1; in the order of ticks, and deterministic."""
        timer = self.first[DUE]
        if timer >= 0:
            self.unlink(timer)
            self.armed -= 1
        return timer

    def earliest(self) -> int:
        """The bucket of the earliest timers, or -1."""
        for level in range(LEVELS):
            if self.occupied[level] != 0:
                return level * 64 + lowest_bit(self.occupied[level])
        return -1

    def earliest_start(self) -> int:
        """The first tick of the earliest bucket, or NEVER."""
        bucket = self.earliest()
        return self.start_of(bucket) if bucket >= 0 else NEVER

    def start_of(self, bucket: int) -> int:
        """The first tick of a bucket."""
        shift = (bucket >> 6) * 6
        slot = bucket & 63
        return (((self.tick >> (shift + 6)) << 6) | slot) << shift

    def collect(self, bucket: int, now: int) -> int:
        """Move the timers of a lowest bucket whose deadline has come to the due list; how many."""
        n = 0
        timer = self.first[bucket]
        while timer >= 0:
            following = self.at[timer].following
            if self.at[timer].deadline <= now:
                self.unlink(timer)
                self.link(timer, DUE)
                n += 1
            timer = following
        return n

    def cascade(self, bucket: int) -> None:
        """Place the timers of a bucket that time has reached anew; they go to lower levels."""
        timer = self.first[bucket]
        while timer >= 0:
            following = self.at[timer].following
            self.unlink(timer)
            self.place(timer)
            timer = following

    def place(self, timer: int) -> None:
        """Link a timer into the bucket of its deadline, or of the present tick when that is past."""
        tick = self.at[timer].deadline >> TICK_BITS
        if tick < self.tick:
            tick = self.tick
        level = highest_bit((tick ^ self.tick) | 63) // 6
        self.link(timer, level * 64 + ((tick >> (level * 6)) & 63))

    def link(self, timer: int, bucket: int) -> None:
        """Append a timer to a list."""
        tail = self.last[bucket]
        self.at[timer].where = bucket
        self.at[timer].previous = tail
        self.at[timer].following = -1
        if tail >= 0:
            self.at[tail].following = timer
        else:
            self.first[bucket] = timer
            self.mark(bucket, True)
        self.last[bucket] = timer

    def unlink(self, timer: int) -> None:
        """Take a timer out of its list."""
        bucket = self.at[timer].where
        before = self.at[timer].previous
        after = self.at[timer].following
        if before >= 0:
            self.at[before].following = after
        else:
            self.first[bucket] = after
        if after >= 0:
            self.at[after].previous = before
        else:
            self.last[bucket] = before
        if self.first[bucket] < 0:
            self.mark(bucket, False)
        self.at[timer].where = IDLE
        self.at[timer].following = -1

    def mark(self, bucket: int, on: bool) -> None:
        """Note whether a bucket holds timers."""
        if bucket >= BUCKETS:
            return
        bit = 1
        bit <<= bucket & 63
        if on:
            self.occupied[bucket >> 6] |= bit
        else:
            self.occupied[bucket >> 6] &= ~bit

    def grow(self) -> None:
        """Double the number of timers; MemoryError."""
        capacity = self.capacity * 2 if self.capacity > 0 else 16
        self.at = resized(self.at, capacity)
        self.owners.extend([None] * (capacity - self.capacity))
        timer = capacity - 1
        while timer >= self.capacity:
            self.at[timer].where = IDLE
            self.at[timer].previous = -1
            self.at[timer].following = self.free_timer
            self.free_timer = timer
            timer -= 1
        self.capacity = capacity

    def __dealloc__(self) -> None:
        if cython.compiled:
            free(self.at)  # type: ignore[name-defined]  # noqa: F821
