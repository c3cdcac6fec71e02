"""SegmentQueue: what a TCP sender has in flight, as ranges of the stream in order, with their SACK marks.

The bytes lie in the send ring; a record holds a range, when it was sent, its marks, and what a delivery rate
sample needs (draft-cheng-iccrg-delivery-rate-estimation 3). What one batch sends at one instant is one record
of up to 64 KiB; SACK blocks and retransmissions split records at their edges. Records are numbered from 0,
the oldest; positions are 64-bit offsets of the stream, times microseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .sent_record import Sent, assign, resized

    SACKED = 1
    LOST = 2
    RETRANSMITTED = 4  # a copy is in flight
    EVER_RETRANSMITTED = 8  # its round trip is ambiguous (RFC 6298 3, Karn)
    APP_LIMITED = 16
    FRESHLY_LOST = 32  # declared lost, and `take_fresh_loss` has not told of it yet
    MAX_RANGE = 65536


class SegmentQueue:
    """At most `limit` records by `push`, and as many again by splitting.

    After `begin_ack` the `newest_*`, `prior_*` and `rtt_sent_at` fields tell of what `acknowledge` and `sack`
    found delivered: of the record sent last (`newest_sent_at` -1: none), and of the last one never sent twice
    (`rtt_sent_at` -1: none). `lost` counts the bytes ever declared lost.
    """

    if not cython.compiled:
        __slots__ = (
            "app_limited",
            "at",
            "capacity",
            "count",
            "delivered",
            "delivered_at",
            "first",
            "first_sent_at",
            "fresh_bytes",
            "fresh_from",
            "limit",
            "lost",
            "lost_bytes",
            "lost_from",
            "newest_end",
            "newest_flags",
            "newest_sent_at",
            "prior_delivered",
            "prior_delivered_at",
            "prior_first_sent_at",
            "prior_in_flight",
            "prior_lost",
            "retransmitted_bytes",
            "rtt_sent_at",
            "sacked_bytes",
        )

    def __init__(self, limit: int = 16384) -> None:
        self.limit = limit
        self.count = self.first = self.capacity = 0
        self.sacked_bytes = self.lost_bytes = self.retransmitted_bytes = 0
        self.lost_from = 0
        self.lost = 0
        self.fresh_bytes = 0  # in records with FRESHLY_LOST, the first of them at or behind `fresh_from`
        self.fresh_from = 0
        self.delivered = self.delivered_at = self.first_sent_at = 0
        self.app_limited = False
        self.begin_ack()
        if not cython.compiled:
            self.at: list[Sent] = []

    def start(self) -> int:
        """The oldest position in flight, or 0 when nothing is."""
        return self.at[self.first].start if self.count > 0 else 0

    def end(self) -> int:
        """The position behind the newest one in flight, or 0 when nothing is."""
        return self.at[self.slot(self.count - 1)].end if self.count > 0 else 0

    def pipe(self) -> int:
        """Bytes thought to be in the network (RFC 6675 4): not SACKed and not lost, or retransmitted."""
        return self.end() - self.start() - self.sacked_bytes - self.lost_bytes + self.retransmitted_bytes

    def push(self, start: int, end: int, now: int) -> bool:
        """Append new data sent now; False when it does not follow the last record or the queue is full."""
        if end <= start:
            return False
        if self.count > 0:
            last = self.slot(self.count - 1)
            if self.at[last].end != start:
                return False
            if self.joins(last, end, now):
                self.at[last].end = end
                self.at[last].in_flight = self.pipe()
                if self.at[last].sent_at != now:
                    self.at[last].sent_at = now
                    self.at[last].flags |= EVER_RETRANSMITTED  # no round trip can be read from it
                return True
            if self.count >= self.limit:
                return False
        else:
            self.first_sent_at = self.delivered_at = now
            self.lost_from = start
        self.make_room()
        i = self.slot(self.count)
        self.at[i].start = start
        self.at[i].end = end
        self.at[i].flags = 0
        self.count += 1
        self.stamp(i, now)
        return True

    def joins(self, last: int, end: int, now: int) -> bool:
        """Whether new data becomes part of the last record: of the same batch, or the queue is full."""
        flags = APP_LIMITED if self.app_limited else 0
        if self.at[last].flags & (SACKED | LOST | RETRANSMITTED):
            return False
        if self.count >= self.limit:
            return True
        return (
            self.at[last].sent_at == now
            and self.at[last].flags == flags
            and self.at[last].delivered == self.delivered
            and end - self.at[last].start <= MAX_RANGE
        )

    def stamp(self, i: int, now: int) -> None:
        """Note when a record was sent and the state of delivery then."""
        self.at[i].sent_at = now
        self.at[i].delivered = self.delivered
        self.at[i].delivered_at = self.delivered_at
        self.at[i].first_sent_at = self.first_sent_at
        self.at[i].lost = self.lost
        self.at[i].in_flight = self.pipe()
        if self.app_limited:
            self.at[i].flags |= APP_LIMITED

    def begin_ack(self) -> None:
        """Forget what the last acknowledgment told."""
        self.newest_sent_at = -1
        self.newest_end = self.newest_flags = 0
        self.prior_delivered = self.prior_delivered_at = self.prior_first_sent_at = 0
        self.prior_in_flight = self.prior_lost = 0
        self.rtt_sent_at = -1

    def acknowledge(self, position: int, now: int) -> int:
        """Drop everything before `position`; how many bytes of it were not SACKed before."""
        fresh = 0
        while self.count > 0:
            i = self.first
            if self.at[i].start >= position:
                break
            whole = self.at[i].end <= position
            n = (self.at[i].end if whole else position) - self.at[i].start
            if self.at[i].flags & SACKED == 0:
                self.deliver(i, n, now)
                fresh += n
            self.discount(i, n)
            if not whole:
                self.at[i].start = position
                break
            self.first = (self.first + 1) & (self.capacity - 1)
            self.count -= 1
        return fresh

    def sack(self, start: int, end: int, now: int) -> int:
        """Mark a range as received (RFC 2018); how many bytes of it were not marked before.

        Records that the range covers in part are split; when there is no room to, that part stays unmarked.
        """
        fresh = 0
        i = self.find(start)
        if i < self.count and self.at[self.slot(i)].start < start < end and self.split(i, start):
            i += 1
        while i < self.count and self.at[self.slot(i)].start < end:
            k = self.slot(i)
            if self.at[k].start < start or (self.at[k].end > end and not self.split(i, end)):
                i += 1
                continue
            k = self.slot(i)
            if self.at[k].flags & SACKED == 0:
                n = self.at[k].end - self.at[k].start
                self.deliver(k, n, now)
                self.discount(k, n)
                self.at[k].flags = (self.at[k].flags & ~(LOST | RETRANSMITTED)) | SACKED
                self.sacked_bytes += n
                fresh += n
            i += 1
        return fresh

    def deliver(self, k: int, n: int, now: int) -> None:
        """Count `n` bytes of a record as delivered and keep the newest record's state."""
        self.delivered += n
        self.delivered_at = now
        sent_at = self.at[k].sent_at
        if self.at[k].flags & EVER_RETRANSMITTED == 0 and sent_at > self.rtt_sent_at:
            self.rtt_sent_at = sent_at
        if sent_at < self.newest_sent_at or (
            sent_at == self.newest_sent_at and self.at[k].end < self.newest_end
        ):
            return
        self.newest_sent_at = sent_at
        self.newest_end = self.at[k].end
        self.newest_flags = self.at[k].flags
        self.prior_delivered = self.at[k].delivered
        self.prior_delivered_at = self.at[k].delivered_at
        self.prior_first_sent_at = self.at[k].first_sent_at
        self.prior_in_flight = self.at[k].in_flight
        self.prior_lost = self.at[k].lost
        self.first_sent_at = sent_at

    def discount(self, k: int, n: int) -> None:
        """Take `n` bytes of a record out of the sums that its marks put them in."""
        flags = self.at[k].flags
        if flags & SACKED:
            self.sacked_bytes -= n
        if flags & LOST:
            self.lost_bytes -= n
        if flags & RETRANSMITTED:
            self.retransmitted_bytes -= n

    def mark_lost(self, i: int) -> bool:
        """Declare record i lost, its retransmission included; False when it was already, or is SACKed."""
        k = self.slot(i)
        flags = self.at[k].flags
        if flags & SACKED or flags & (LOST | RETRANSMITTED) == LOST:
            return False
        self.discount(k, self.at[k].end - self.at[k].start)
        self.at[k].flags = (flags & ~RETRANSMITTED) | LOST | FRESHLY_LOST
        self.lost_bytes += self.at[k].end - self.at[k].start
        self.lost += self.at[k].end - self.at[k].start
        if self.fresh_bytes == 0 or self.at[k].start < self.fresh_from:
            self.fresh_from = self.at[k].start
        self.fresh_bytes += self.at[k].end - self.at[k].start
        if self.at[k].start < self.lost_from:
            self.lost_from = self.at[k].start
        return True

    def mark_all_lost(self) -> None:
        """Declare lost what is not SACKed: the retransmission timer has expired (RFC 6298 5.4)."""
        for i in range(self.count):
            self.mark_lost(i)

    def unmark_lost(self) -> None:
        """Take back that records are lost whose copies have not left: their originals are on the way."""
        for i in range(self.count):
            k = self.slot(i)
            if self.at[k].flags & (LOST | RETRANSMITTED) == LOST:
                self.at[k].flags &= ~LOST
                self.lost_bytes -= self.at[k].end - self.at[k].start

    def clear_sacks(self) -> None:
        """Forget the SACK marks: the receiver may have reneged (RFC 2018 8)."""
        for i in range(self.count):
            self.at[self.slot(i)].flags &= ~SACKED
        self.sacked_bytes = 0

    def mark_lost_by_time(self, sent_at: int, end: int, wait: int, now: int) -> int:
        """RACK (RFC 8985 6.2 step 5): declare lost what was sent before the delivered (sent_at, end).

        Lost is what was sent `wait` ago or earlier; returned is in how many microseconds the last of the rest
        will be (0: none).
        """
        timeout = 0
        for i in range(self.count):
            k = self.slot(i)
            flags = self.at[k].flags
            later = self.at[k].sent_at > sent_at or (self.at[k].sent_at == sent_at and self.at[k].end >= end)
            if later and flags & EVER_RETRANSMITTED == 0 and self.at[k].sent_at > sent_at:
                break
            if later or flags & SACKED or flags & (LOST | RETRANSMITTED) == LOST:
                continue
            left = self.at[k].sent_at + wait - now
            if left <= 0:
                self.mark_lost(i)
            elif left > timeout:
                timeout = left
        return timeout

    def take_fresh_loss(self) -> int:
        """The next record, in order, of those declared lost since this last said -1; each is told once."""
        i = self.find(self.fresh_from)
        while self.fresh_bytes > 0 and i < self.count:
            k = self.slot(i)
            if self.at[k].flags & FRESHLY_LOST:
                self.at[k].flags &= ~FRESHLY_LOST
                self.fresh_bytes -= self.at[k].end - self.at[k].start
                self.fresh_from = self.at[k].end
                return i
            i += 1
        self.fresh_bytes = 0
        return -1

    def next_lost(self) -> int:
        """The oldest record that is lost and not retransmitted, or -1."""
        i = self.find(self.lost_from)
        while i < self.count:
            k = self.slot(i)
            if self.at[k].flags & (LOST | RETRANSMITTED) == LOST:
                self.lost_from = self.at[k].start
                return i
            i += 1
        self.lost_from = self.end()
        return -1

    def retransmit(self, i: int, n: int, now: int) -> int:
        """Note that the first `n` bytes of record i were sent again; the rest becomes a record of its own.

        How many bytes were noted: fewer than `n` when the record is shorter, 0 when it could not be split.
        """
        k = self.slot(i)
        length = self.at[k].end - self.at[k].start
        if n <= 0:
            return 0
        if n < length:
            if not self.split(i, self.at[k].start + n):
                return 0
            k = self.slot(i)
            length = n
        if self.at[k].flags & RETRANSMITTED == 0:
            self.retransmitted_bytes += length
        self.at[k].flags = (self.at[k].flags & ~APP_LIMITED) | RETRANSMITTED | EVER_RETRANSMITTED
        self.stamp(k, now)
        return length

    def record(self, i: int) -> tuple[int, int, int, int]:
        """Record i as (start, end, sent_at, marks), for code outside the hot way; IndexError."""
        if not 0 <= i < self.count:
            raise IndexError(i)
        k = self.slot(i)
        return self.at[k].start, self.at[k].end, self.at[k].sent_at, self.at[k].flags & ~FRESHLY_LOST

    def find(self, position: int) -> int:
        """The first record that ends behind `position`, or `count`."""
        low = 0
        high = self.count
        while low < high:
            middle = (low + high) >> 1
            if self.at[self.slot(middle)].end > position:
                high = middle
            else:
                low = middle + 1
        return low

    def split(self, i: int, position: int) -> bool:
        """Cut record i at a position inside it; False when there is no room for one more."""
        if self.count >= 2 * self.limit:
            return False
        self.make_room()
        if i < self.count >> 1:
            self.first = (self.first - 1) & (self.capacity - 1)
            for j in range(i + 1):
                assign(self.at, self.slot(j), self.slot(j + 1))
        else:
            j = self.count
            while j > i:
                assign(self.at, self.slot(j), self.slot(j - 1))
                j -= 1
        self.count += 1
        self.at[self.slot(i)].in_flight -= self.at[self.slot(i)].end - position
        self.at[self.slot(i)].end = position
        self.at[self.slot(i + 1)].start = position
        return True

    def slot(self, i: int) -> int:
        """Where record i lies in the ring."""
        return (self.first + i) & (self.capacity - 1)

    def make_room(self) -> None:
        """See to it that one more record fits; MemoryError."""
        if self.count < self.capacity:
            return
        old = self.capacity
        self.at = resized(self.at, old * 2 if old > 0 else 16)
        for i in range(self.first):  # what had wrapped follows the rest now
            assign(self.at, old + i, i)
        self.capacity = old * 2 if old > 0 else 16

    def __dealloc__(self) -> None:
        if cython.compiled:
            free(self.at)  # type: ignore[name-defined]  # noqa: F821
