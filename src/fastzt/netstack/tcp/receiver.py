"""The receiving half of a connection: the window, the ring, what is out of order, when to acknowledge.

Positions are 64-bit: their low 32 bits are the sequence number. Payload is copied once, from the slab to its
final place in the ring, in order or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._core.assembler import Assembler
from ..._core.ring_buffer import RingBuffer
from ..window_budget import WindowBudget
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
    MIN_BUFFER = 4096
    MAX_ECHO_AGE = 60_000  # milliseconds
    OVERTAKEN = 250  # milliseconds: 4 GiB in less are more than 130 Gbit/s
    DEFAULT_RTT = 100_000  # microseconds, until one is known
    RTT_WINDOW = 10_000_000  # paths change: the least round trip is of the last 10 to 20 seconds
    RTT_CLOCK = 1000  # what timestamps cannot tell apart
    MIN_ROUND = 10_000  # what is read in less is the burst of a reader
    GAIN = 4  # windows hold so many bandwidth-delay products
    AHEAD = 262_144  # bytes unread that do not narrow a window which the UDP sockets bound

MAX_RECALL = 1 << 30  # a duplicate older than this may be one of another round of the sequence numbers
PAWS_IDLE = 24 * 86400 * 1_000_000  # RFC 7323 5.5: after 24 days ts_recent proves nothing


class Receiver:
    """`next` is RCV.NXT, `edge` the highest right edge announced; `eof` once the peer's FIN is in order."""

    if not cython.compiled:
        __slots__ = (
            "acknowledged",
            "ahead",
            "assembler",
            "brief",
            "budget",
            "duplicate_end",
            "duplicate_start",
            "echo",
            "edge",
            "eof",
            "fin",
            "least_rtt",
            "limit",
            "measures",
            "most",
            "mss",
            "must_ack",
            "next",
            "pending",
            "quick",
            "ring",
            "round_at",
            "round_head",
            "rtt",
            "rtt_at",
            "scale",
            "seen",
            "timestamps",
            "ts_recent",
            "ts_recent_at",
            "tuned",
        )

    def __init__(self, limit: int, most: int, budget: WindowBudget) -> None:
        self.budget = budget
        self.limit = budget.initial(limit)
        self.most = most
        self.ahead = 0  # bytes that may lie unread besides
        self.tuned = True  # `limit` follows what the reader takes in a round trip, up to `most`
        self.seen = -1  # the budget's epoch when we reported last
        self.rtt = 0  # the least of late, 0: not known
        self.least_rtt = 0  # of this RTT_WINDOW, which began at `rtt_at`
        self.rtt_at = 0
        self.measures = True  # the next segment with an echo tells of the round trip
        self.echo = 0  # the last one that did
        self.round_at = 0  # when this round trip began
        self.round_head = 0  # and what had been read then
        self.ring = RingBuffer(self.limit)
        self.assembler = Assembler()
        self.next = self.edge = self.acknowledged = 0
        self.fin = -1
        self.eof = False
        self.mss = 536
        self.scale = 0
        self.pending = 0
        self.quick = QUICK_ACKS
        self.must_ack = False
        self.brief = False  # what is owed an acknowledgment will most likely be answered at once
        self.duplicate_start = self.duplicate_end = 0  # what came twice, for the next DSACK; 0: nothing
        self.timestamps = False
        self.ts_recent = 0
        self.ts_recent_at = 0

    def start(self, irs: int) -> None:
        """The peer's SYN carried `irs`."""
        self.next = self.acknowledged = irs + 1
        self.edge = self.next + min(self.limit, MAX_FIELD)
        self.ring = RingBuffer(self.limit, self.next)
        self.round_head = self.next
        self.assembler = Assembler(self.next)

    def set_limit(self, limit: int) -> None:
        """Hold at most so many bytes, from now on without regard to what the path needs."""
        self.limit = max(limit, MIN_BUFFER)
        self.ahead = 0
        self.ring.limit = max(self.ring.limit, self.limit)  # what was announced must find room
        self.tuned = False

    def release(self) -> None:
        """Nothing more is received: others may have what this flow held."""
        if self.seen >= 0:
            self.budget.leave(self.limit, self.seen)
            self.seen = -1

    def tune(self, now: int) -> None:
        """After a read, once a round trip: let the window follow what is read in one (dynamic right-sizing).

        What a flow has in the network and in a queue as large, while a loss is repaired, fits in GAIN times
        that. The round trip is the least one, and a reader's bursts are averaged: waiting for a reader or in
        a queue needs no larger window, and one larger than the processor's caches costs time. What the UDP
        sockets have no room for the ring may hold: then a reader that rests is nothing that the peer feels.
        """
        rtt = self.rtt if self.rtt > 0 else DEFAULT_RTT
        elapsed = now - self.round_at
        if not self.tuned or self.eof or elapsed < rtt or elapsed < MIN_ROUND:
            return
        read = (self.ring.head - self.round_head) * rtt // max(elapsed, 1)
        wanted = max(min(GAIN * read + 16 * self.mss, self.most, MAX_FIELD << self.scale), self.limit)
        self.seen = self.budget.report(self.limit, self.seen, now)
        self.limit = self.budget.resize(self.limit, wanted)
        self.ahead = min(wanted - self.limit, AHEAD)
        self.ring.limit = max(self.ring.limit, self.limit + self.ahead)
        self.round_head = self.ring.head
        self.round_at = now
        self.measures = True

    def measure(self, segment: Segment, clock: int, now: int) -> None:
        """Follow the round trip by an echoed timestamp, as far as its milliseconds tell."""
        if not segment.options.has_timestamps or segment.options.ts_echo == self.echo:
            return
        self.measures = False
        self.echo = segment.options.ts_echo
        age = diff(clock, self.echo)
        if age < 0 or age > MAX_ECHO_AGE:
            return
        rtt = age * 1000
        if rtt <= RTT_CLOCK:  # the handshake knows better
            rtt = min(self.rtt, RTT_CLOCK) if self.rtt > 0 else RTT_CLOCK
        if self.rtt == 0 or now - self.rtt_at > RTT_WINDOW:
            self.rtt = self.least_rtt
            self.begin_rtt(rtt, now)
        self.least_rtt = min(self.least_rtt, rtt)
        self.rtt = min(self.rtt, rtt) if self.rtt > 0 else rtt

    def begin_rtt(self, rtt: int, now: int) -> None:
        """A period begins, of which `rtt` is the first measurement."""
        self.least_rtt = rtt
        self.rtt_at = now

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
        free = self.limit + self.ahead - self.ring.used()
        reach = min(free, self.limit, MAX_FIELD << self.scale)
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
        """Whether PAWS rejects the segment (RFC 7323 5.3).

        A segment that a retransmission of earlier data overtook has an older timestamp, too. Sequence numbers
        take longer than OVERTAKEN to come round, so what is late by less is no duplicate of another round.
        """
        return (
            self.timestamps
            and segment.options.has_timestamps
            and diff(segment.options.ts_value, self.ts_recent) < -OVERTAKEN
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

    def note_duplicate(self, start: int, end: int) -> None:
        """[start, end) has come again: the next acknowledgment tells (RFC 2883)."""
        if start < end and end > self.next - MAX_RECALL:
            self.duplicate_start = start
            self.duplicate_end = end

    def has_blocks(self) -> bool:
        """Whether there is something for a SACK option to tell."""
        return self.assembler.count > 0 or self.duplicate_end > 0

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
        if start > self.next or self.assembler.count > 0:
            if self.assembler.holds(start, end):
                self.note_duplicate(start, end)
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

    def take_next(self, segment: Segment) -> bool:
        """Store text that `is_next`, summed while it is copied; False, and nothing is taken: damaged."""
        n = segment.length
        total = self.ring.write_sum(self.next, segment.slab, segment.payload, n, segment.partial)
        if total != 0xFFFF:
            return False
        self.pending += 1
        if n > self.mss:
            self.mss = n
        self.assembler.add(self.next, self.next + n)
        self.ring.grow_tail(n)
        self.next += n
        return True

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
        self.release()
        return True

    def owe(self) -> None:
        """A SYN or a FIN wants to be acknowledged: by what the user sends next, or soon."""
        self.pending += 1
        self.brief = True

    def should_ack(self) -> bool:
        """The decision after a batch: now (True), or a while later when `pending` is not 0."""
        if self.pending == 0 and not self.must_ack:
            return False
        if self.must_ack or self.pending >= 2:
            return True
        if self.brief:
            return False
        if self.quick > 0:
            self.quick -= 1
            return True
        return False

    def acked(self) -> None:
        """A segment with RCV.NXT has left."""
        self.acknowledged = self.next
        self.pending = 0
        self.duplicate_end = 0
        self.must_ack = self.brief = False
