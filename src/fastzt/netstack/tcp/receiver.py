"""The receiving half of a connection: the window, the ring, what is out of order, when to acknowledge.

Positions are 64-bit: their low 32 bits are the sequence number. Payload is copied once, from the slab to its
final place in the ring, in order or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._core.assembler import Assembler
from ..._core.ring_buffer import RingBuffer
from .segment import Segment

if TYPE_CHECKING:
    import cython
else:
    from ... import _cython as cython

if not cython.compiled:
    from ..._core.seqnum import diff

    SCALE = 8  # window scale that we announce: windows up to 16 MiB
    QUICK_ACKS = 16  # segments acknowledged at once while the peer's window is young
    MAX_FIELD = 65535

PAWS_IDLE = 24 * 86400 * 1_000_000  # RFC 7323 5.5: after 24 days ts_recent proves nothing


class Receiver:
    """`next` is RCV.NXT, `edge` the highest right edge announced; `eof` once the peer's FIN is in order."""

    if not cython.compiled:
        __slots__ = (
            "acknowledged",
            "assembler",
            "edge",
            "eof",
            "fin",
            "limit",
            "mss",
            "must_ack",
            "next",
            "pending",
            "quick",
            "ring",
            "scale",
            "timestamps",
            "ts_recent",
            "ts_recent_at",
        )

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.ring = RingBuffer(limit)
        self.assembler = Assembler()
        self.next = self.edge = self.acknowledged = 0
        self.fin = -1
        self.eof = False
        self.mss = 536
        self.scale = 0
        self.pending = 0
        self.quick = QUICK_ACKS
        self.must_ack = False
        self.timestamps = False
        self.ts_recent = 0
        self.ts_recent_at = 0

    def start(self, irs: int) -> None:
        """The peer's SYN carried `irs`."""
        self.next = self.acknowledged = irs + 1
        self.edge = self.next + min(self.limit, MAX_FIELD)
        self.ring = RingBuffer(self.limit, self.next)
        self.assembler = Assembler(self.next)

    def offered_scale(self) -> int:
        """The window scale of our SYN."""
        return SCALE

    def window(self) -> int:
        """The window field to send, after moving the right edge as far as silly-window avoidance lets it.

        RFC 9293 3.8.6.2.2; the edge never moves back (RFC 7323 2.4).
        """
        growth = self.growth()
        if growth >= self.mss or growth * 2 >= self.limit:
            self.edge += growth
        field = (self.edge - self.next) >> self.scale
        return min(field, MAX_FIELD)

    def growth(self) -> int:
        """How far the right edge could move now, in bytes."""
        free = self.limit - self.ring.used()
        reach = min(free, MAX_FIELD << self.scale)
        return max(self.next + reach - self.edge, 0)

    def wants_update(self) -> bool:
        """Whether what was read is worth telling the peer."""
        growth = self.growth()
        if growth * 2 >= self.limit:
            return True
        return growth >= 2 * self.mss and self.edge - self.next < 2 * self.mss

    def acceptable(self, position: int, length: int) -> bool:
        """The test of RFC 9293 3.10.7.4 on a segment's positions; `length` counts SYN and FIN."""
        if length == 0:
            return self.next <= position <= self.edge
        return position < self.edge and position + length > self.next

    def stale(self, segment: Segment, now: int) -> bool:
        """Whether PAWS rejects the segment (RFC 7323 5.3)."""
        return (
            self.timestamps
            and segment.options.has_timestamps
            and diff(segment.options.ts_value, self.ts_recent) < 0
            and now - self.ts_recent_at < PAWS_IDLE
        )

    def note_timestamp(self, segment: Segment, position: int, now: int) -> None:
        """Keep the timestamp to be echoed (RFC 7323 4.3)."""
        if (
            self.timestamps
            and segment.options.has_timestamps
            and position <= self.acknowledged
            and (diff(segment.options.ts_value, self.ts_recent) >= 0 or now - self.ts_recent_at >= PAWS_IDLE)
        ):
            self.ts_recent = segment.options.ts_value
            self.ts_recent_at = now

    def is_next(self, segment: Segment) -> bool:
        """Whether a segment's text is what comes next, nothing is missing, and all of it is in the window."""
        return (
            self.fin < 0
            and self.assembler.count == 0
            and diff(segment.sequence, self.next) == 0
            and self.next + segment.length <= self.edge
        )

    def take(self, segment: Segment, position: int) -> int:
        """Store the payload that lies in the window; how many bytes became readable."""
        start = max(position, self.next)
        end = min(position + segment.length, self.edge)
        if self.fin >= 0:
            end = min(end, self.fin)
        self.pending += 1
        if end <= start:
            self.must_ack = True
            return 0
        if segment.length > self.mss:
            self.mss = segment.length
        source = segment.payload + (start - position)
        if start > self.next or self.assembler.count:
            self.must_ack = True  # RFC 5681 4.2: at once above a hole, and when one is filled
        if not self.assembler.add(start, end) or not self.ring.write_at(
            start, segment.slab, source, end - start
        ):
            return 0
        gained = self.assembler.contiguous() - self.next
        if gained > 0:
            self.ring.advance(gained)
            self.next += gained
        return gained

    def take_fin(self, segment: Segment, position: int) -> bool:
        """Note the segment's FIN; True when the peer's stream is now complete."""
        end = position + segment.length
        if segment.flags & 1 and self.fin < 0 and self.next <= end <= self.edge:
            self.fin = end
        if self.eof or self.fin < 0 or self.next != self.fin:
            return False
        self.next += 1
        self.edge = max(self.edge, self.next)
        self.eof = True
        self.must_ack = True
        return True

    def should_ack(self) -> bool:
        """The decision after a batch: now (True), or a while later when `pending` is not 0."""
        if self.pending == 0 and not self.must_ack:
            return False
        if self.must_ack or self.pending >= 2:
            return True
        if self.quick > 0:
            self.quick -= 1
            return True
        return False

    def acked(self) -> None:
        """A segment with RCV.NXT has left."""
        self.acknowledged = self.next
        self.pending = 0
        self.must_ack = False
