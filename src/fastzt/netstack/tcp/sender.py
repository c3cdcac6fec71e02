"""The sending half of a connection: the send ring, the peer's window, what acknowledgments tell.

Positions are 64-bit: their low 32 bits are the sequence number. The bytes stay in the ring until they are
acknowledged; the segment queue keeps the ranges in flight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._core.ring_buffer import RingBuffer
from ..._core.segment_queue import SegmentQueue
from ..config import StackConfig
from .congestion.base import Controller
from .congestion.registry import check, make
from .pacer import Pacer
from .recovery import Recovery
from .rtt import Rtt
from .segment import Segment

if TYPE_CHECKING:
    import cython
    from typing_extensions import Buffer
else:
    from ... import _cython as cython

if not cython.compiled:
    from ..._core.seqnum import diff, unwrap
    from ..._core.timer_wheel import NEVER
    from .sampler import OPEN, REPAIR

    MIN_MSS = 48
    MAX_RTT_SAMPLE = 300_000_000
    MIN_BUFFER = 4096
    GAIN = 4


class Sender:
    """`una`, `next`: SND.UNA, SND.NXT; `window`: the peer's, in bytes; `fin`: the FIN's position or -1.

    A Picker chooses what leaves next.
    """

    if not cython.compiled:
        __slots__ = (
            "attempts",
            "congestion",
            "controller",
            "fin",
            "force",
            "head_sent",
            "last_sent",
            "limit",
            "max_window",
            "most",
            "mss",
            "next",
            "nodelay",
            "pacer",
            "peer_mss",
            "persists",
            "pick_index",
            "pick_length",
            "pick_start",
            "probe_due",
            "queue",
            "recovery",
            "retransmitted",
            "ring",
            "round_end",
            "rtt",
            "sack",
            "scale",
            "scaled",
            "tail_due",
            "tuned",
            "una",
            "window",
            "wl_ack",
            "wl_seq",
        )

    def __init__(self, config: StackConfig) -> None:
        self.limit = config.send_buffer
        self.most = config.max_send_buffer
        self.tuned = True  # `limit` follows the congestion window, up to `most`
        self.nodelay = config.nodelay
        self.ring = RingBuffer(self.limit)
        self.queue = SegmentQueue()
        self.rtt = Rtt(config.min_rto, config.max_rto)
        self.mss = 536
        self.congestion = check(config.congestion)  # the controller's name
        self.controller: Controller = make(self.congestion, self.mss)
        self.recovery = Recovery(self.queue, self.controller, self.rtt)
        self.una = self.next = 0
        self.window = self.max_window = 0
        self.wl_seq = self.wl_ack = 0
        self.scale = 0
        self.scaled = False
        self.peer_mss = 536
        self.fin = -1
        self.sack = False
        self.attempts = 0  # time-outs of our SYN
        self.probe_due = False  # an ACK must be provoked
        self.tail_due = False  # a tail-loss probe must leave
        self.force = False  # what silly-window avoidance holds back must leave
        self.persists = 0  # probes of the closed window since it closed
        self.last_sent = 0
        self.head_sent = False  # what is oldest has left again: its time-out begins anew
        self.round_end = 0
        self.retransmitted = 0
        self.pacer = Pacer()
        self.pick_index = -1
        self.pick_start = self.pick_length = 0

    def start(self, iss: int) -> None:
        """Our SYN carries `iss`."""
        self.una = iss
        self.next = iss + 1
        self.ring = RingBuffer(self.limit, self.next)

    def syn_acked(self) -> None:
        """Our SYN is acknowledged; nothing else is in flight."""
        self.una = self.round_end = self.next
        self.rtt.recovered()

    def fit(self, size: int, overhead: int) -> None:
        """Segments carry `size` bytes; options take `overhead`, which the peer's MSS includes (RFC 6691)."""
        mss = max(min(size, self.peer_mss - overhead), MIN_MSS)
        if mss != self.mss:
            self.mss = mss
            self.controller.set_mss(mss)

    def write(self, data: Buffer, start: int, most: int) -> int:
        """Queue what fits of at most `most` bytes from `start` on; how many bytes."""
        if self.ring.tail - self.next < self.mss:
            self.recovery.sampler.check_application(self.controller)
        return self.ring.write(data, start, most)

    def set_limit(self, limit: int) -> None:
        """Hold at most so many bytes, from now on without regard to what the path needs."""
        self.limit = self.ring.limit = max(limit, MIN_BUFFER)
        self.tuned = False

    def tune(self) -> None:
        """Let the buffer follow what the path takes, in bandwidth-delay products by the least round trip.

        A congestion window that nothing bounds says nothing, and rings beyond the caches cost time.
        """
        product = int(self.recovery.sampler.sample.rate * self.rtt.minimum / 1e6)
        wanted = min(GAIN * product, 2 * self.controller.cwnd, self.most)
        if wanted > self.limit:
            self.limit = self.ring.limit = wanted

    def free(self) -> int:
        """How many bytes can be queued."""
        return self.ring.room()

    def close(self) -> None:
        """A FIN follows what is queued."""
        self.fin = self.ring.tail

    def is_idle(self) -> bool:
        """Whether nothing is in flight."""
        return self.queue.count == 0

    def has_unsent(self) -> bool:
        """Whether data or the FIN has never been sent."""
        return self.next < self.ring.tail or self.next == self.fin

    def has_work(self) -> bool:
        """Whether `pick` may find something."""
        return self.tail_due or self.queue.lost_bytes > 0 or self.has_unsent()

    def is_blocked(self) -> bool:
        """Whether the peer's window alone holds back what is queued, with nothing in flight."""
        return self.queue.count == 0 and self.has_unsent()

    def set_window(self, window: int, sequence: int, acknowledgment: int) -> None:
        """The peer announced `window` bytes in a segment with these positions."""
        self.window = window
        if window > 0:
            self.persists = 0
        self.max_window = max(self.max_window, window)
        self.wl_seq = sequence
        self.wl_ack = acknowledgment

    def acknowledge(self, segment: Segment, ack: int, sequence: int, clock: int, now: int) -> int:
        """Apply an acknowledgment (una - max_window <= ack <= next); how many bytes it covers newly.

        `sequence` is the segment's position, `clock` our timestamp clock.
        """
        queue = self.queue
        if self.ring.tail - self.next < self.mss:
            self.recovery.sampler.check_application(self.controller)
        in_flight = queue.pipe() if queue.count > 0 else 0
        window = segment.window << self.scale
        changed = window != self.window
        if ack >= self.una and (self.wl_seq < sequence or (self.wl_seq == sequence and self.wl_ack <= ack)):
            self.set_window(window, sequence, ack)
        gained = ack - self.una
        if gained <= 0 and queue.count == 0:
            return 0
        queue.begin_ack()
        copies = queue.retransmitted_bytes
        fresh = 0
        if gained > 0:
            fresh = queue.acknowledge(ack, now)
            self.recovery.note_order(ack, fresh, -1)
            self.ring.discard(ack - self.ring.head)
            self.una = ack
        repaired = queue.retransmitted_bytes < copies
        if self.sack and segment.options.sack_count > 0:
            fresh += self.take_sack(segment, ack, now)
        rtt = self.measure(segment, gained, clock, now)
        echoed_at = -1
        if segment.options.has_timestamps and segment.options.ts_echo != 0:
            echoed_at = (now // 1000 - diff(clock, segment.options.ts_echo)) * 1000
        self.recovery.sampler.sample.sack = self.sack
        self.recovery.on_ack(self.una, self.next, gained, fresh, in_flight, rtt, repaired, echoed_at, now)
        if self.tuned and 2 * self.controller.cwnd > self.limit:
            self.tune()
        if not self.sack:
            if gained > 0:
                self.recovery.on_partial(self.una, self.next, now)
            elif gained == 0 and segment.length == 0 and not changed:
                self.recovery.on_duplicate(self.una, self.next, now)
        return gained

    def take_sack(self, segment: Segment, ack: int, now: int) -> int:
        """Mark the SACK blocks (RFC 2018); how many bytes were not known as received."""
        fresh = 0
        for i in range(segment.options.sack_count):
            left = unwrap(segment.options.sack_left[i], self.una)
            right = unwrap(segment.options.sack_right[i], self.una)
            if i == 0 and left < right and self.recovery.is_dsack(segment, left, right, ack):
                self.recovery.on_dsack(left, right, self.next, now)
            elif self.una < left < right <= self.next:
                before = self.queue.rtt_sent_at
                n = self.queue.sack(left, right, now)
                self.recovery.note_order(right, n, before)
                fresh += n
        return fresh

    def measure(self, segment: Segment, gained: int, clock: int, now: int) -> int:
        """Take a round-trip time of data sent once, which is returned, or -1.

        Without such data the echoed timestamp, in milliseconds, serves the time-out (RFC 7323 4).
        """
        rtt = now - self.queue.rtt_sent_at
        if self.queue.rtt_sent_at < 0 or rtt > MAX_RTT_SAMPLE:
            if gained > 0 and segment.options.has_timestamps and segment.options.ts_echo != 0:
                coarse = diff(clock, segment.options.ts_echo) * 1000
                if 0 < coarse <= MAX_RTT_SAMPLE:
                    self.rtt.estimate(coarse)
            return -1
        self.rtt.sample(rtt, now)
        if self.una > self.round_end:
            self.rtt.round_over()
            self.round_end = self.next
        return rtt

    def set_congestion(self, name: str, now: int) -> None:
        """Change the congestion controller; ValueError for an unknown name."""
        controller = make(name, self.mss)
        self.recovery.switch(controller, now)
        self.congestion, self.controller = check(name), controller

    def on_timeout(self, now: int) -> None:
        """The retransmission timer went off."""
        self.tail_due = False
        self.recovery.on_timeout(self.next, now)

    def on_loss_timer(self, now: int) -> None:
        """The reordering window is over, or a tail-loss probe is due."""
        deadline = self.recovery.deadline()
        if deadline > now:
            return
        if self.recovery.reorder_deadline != NEVER:
            self.recovery.detect(self.next, now)
            if self.recovery.mode == REPAIR:
                self.recovery.reduce(0)
        elif self.recovery.mode == OPEN:
            self.tail_due = True

    def on_persist(self) -> None:
        """The peer's window has stayed too small: use what there is of it, or ask for it."""
        if self.window > 0:
            self.force = True
        else:
            self.probe_due = True
        self.persists += 1

    def persist_wait(self) -> int:
        """How long a closed window is left alone (RFC 9293 3.8.6.1): an RTO, doubled each time."""
        return min(self.rtt.rto() << min(self.persists, 16), self.rtt.max_rto)
