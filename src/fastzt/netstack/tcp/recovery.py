"""Loss detection and repair: RACK-TLP (RFC 8985), PRR (RFC 6937); without SACK NewReno's (RFC 6582)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._core.segment_queue import SegmentQueue
from .congestion.base import Controller
from .rtt import Rtt

if TYPE_CHECKING:
    import cython
else:
    from ... import _cython as cython

if not cython.compiled:
    from ..._core.segment_queue import EVER_RETRANSMITTED, SACKED
    from ..._core.timer_wheel import NEVER

    OPEN = 0
    REPAIR = 1  # fast recovery
    LOSS = 2  # after a retransmission time-out
    DUPLICATES = 3  # DupThresh
    WORST_DELAYED_ACK = 200_000  # WCDelAckT of RFC 8985 7.2


class Recovery:
    """`mode` is OPEN, REPAIR or LOSS until the acknowledgment passes `point`. Positions and microseconds."""

    if not cython.compiled:
        __slots__ = (
            "controller",
            "duplicates",
            "flight",
            "forward",
            "mode",
            "point",
            "probe_end",
            "probe_from",
            "probe_repeats",
            "prr_delivered",
            "prr_out",
            "queue",
            "rack_end",
            "rack_rtt",
            "rack_sent_at",
            "reorder_deadline",
            "reordered",
            "rtt",
        )

    def __init__(self, queue: SegmentQueue, controller: Controller, rtt: Rtt) -> None:
        self.queue = queue
        self.controller = controller
        self.rtt = rtt
        self.mode = OPEN
        self.point = 0
        self.duplicates = 0
        self.flight = self.prr_delivered = self.prr_out = 0
        self.rack_sent_at = self.rack_end = self.rack_rtt = 0
        self.forward = 0  # RACK.fack: the highest position delivered
        self.reordered = False
        self.reorder_deadline = NEVER
        self.probe_end = -1  # TLP.end_seq; -1: no probe is out
        self.probe_from = 0  # when new data was sent or acknowledged last
        self.probe_repeats = False  # the probe repeats data

    def note_order(self, end: int, fresh: int, rtt_before: int) -> None:
        """`fresh` bytes below `end` were delivered: out of order when later ones were before (step 3)."""
        if fresh > 0:
            if end < self.forward and self.queue.rtt_sent_at > rtt_before:
                self.reordered = True
            elif end > self.forward:
                self.forward = end

    def on_ack(self, una: int, following: int, gained: int, fresh: int, limited: bool, now: int) -> None:
        """An acknowledgment was applied to the queue: `gained` bytes in order, `fresh` delivered in all.

        `following` is SND.NXT; `limited` whether the congestion window held the sender back.
        """
        if gained > 0:
            self.probe_from = now
            self.duplicates = 0
        self.note_probe(una, following, gained, now)
        self.update_rack(now)
        if self.mode != OPEN and una >= self.point:
            if self.mode == REPAIR:
                self.controller.on_recovered(now)
            self.mode = OPEN
        self.detect(following, now)
        if self.mode == REPAIR:
            self.pace(fresh)
        elif fresh > 0:
            self.controller.on_ack(fresh, limited or self.mode == LOSS, now, self.rtt.smoothed)

    def update_rack(self, now: int) -> None:
        """Steps 1 and 2 of RFC 8985 6.2: the segment sent last of all that were delivered."""
        queue = self.queue
        if queue.newest_sent_at < 0:
            return
        rtt = now - queue.newest_sent_at
        if queue.newest_flags & EVER_RETRANSMITTED and rtt < self.rtt.minimum:
            return  # the original was delivered, not the copy
        if queue.newest_sent_at > self.rack_sent_at or (
            queue.newest_sent_at == self.rack_sent_at and queue.newest_end > self.rack_end
        ):
            self.rack_sent_at = queue.newest_sent_at
            self.rack_end = queue.newest_end
        self.rack_rtt = rtt

    def reorder_window(self) -> int:
        """Step 4: how long a hole may wait."""
        if not self.reordered and (
            self.mode != OPEN or self.queue.sacked_bytes >= DUPLICATES * self.controller.mss
        ):
            return 0
        return min(self.rtt.minimum // 4, self.rtt.smoothed)

    def detect(self, following: int, now: int) -> None:
        """Step 5: mark what is lost, begin to repair, or wait for the reordering window."""
        queue = self.queue
        self.reorder_deadline = NEVER
        if queue.sacked_bytes == 0 and queue.retransmitted_bytes == 0:
            return
        before = queue.lost_bytes - queue.retransmitted_bytes
        flight = queue.pipe()
        wait = self.rack_rtt + self.reorder_window()
        timeout = queue.mark_lost_by_time(self.rack_sent_at, self.rack_end, wait, now)
        if timeout > 0:
            self.reorder_deadline = now + timeout
        if queue.lost_bytes - queue.retransmitted_bytes > before:
            self.begin(following, flight, now)

    def begin(self, following: int, flight: int, now: int) -> None:
        """Something was lost: a new episode, unless one is on."""
        if self.mode != OPEN:
            return
        self.mode = REPAIR
        self.point = following
        self.flight = max(flight, self.controller.mss)
        self.prr_delivered = self.prr_out = 0
        self.probe_end = -1
        self.controller.on_loss(flight, now)

    def pace(self, fresh: int) -> None:
        """Proportional rate reduction: let out in proportion to what was delivered (RFC 6937 section 3)."""
        controller = self.controller
        pipe = self.queue.pipe()
        self.prr_delivered += fresh
        if pipe > controller.ssthresh:
            due = (self.prr_delivered * controller.ssthresh + self.flight - 1) // self.flight - self.prr_out
        else:
            due = max(self.prr_delivered - self.prr_out, fresh) + controller.mss
            due = min(due, controller.ssthresh - pipe)
        if self.prr_out == 0:
            due = max(due, controller.mss)  # the fast retransmit
        controller.cwnd = pipe + max(due, 0)

    def on_duplicate(self, una: int, following: int, now: int) -> None:
        """A duplicate ACK of a peer without SACK (RFC 5681 3.2, RFC 6582)."""
        self.duplicates += 1
        if self.mode == REPAIR:
            self.pace(self.controller.mss)
        elif self.duplicates == DUPLICATES and self.mode == OPEN:
            self.lose_first(una, following, now)
            self.pace(self.controller.mss)

    def on_partial(self, una: int, following: int, now: int) -> None:
        """Repair moved on without SACK: what comes first now is lost too (RFC 6582 3.2 step 3)."""
        if self.mode == REPAIR and self.queue.count > 0:
            self.lose_first(una, following, now)

    def lose_first(self, una: int, following: int, now: int) -> None:
        """Declare the first segment in flight lost."""
        queue = self.queue
        flight = queue.pipe()
        if queue.at[queue.slot(0)].end > una + self.controller.mss:
            queue.split(0, una + self.controller.mss)
        queue.mark_lost(0)
        self.begin(following, flight, now)

    def on_timeout(self, following: int, now: int) -> None:
        """RTO: everything not SACKed is lost (RFC 6298 5.4 to 5.6)."""
        queue = self.queue
        flight = queue.end() - queue.start()
        if queue.count > 0 and queue.at[queue.slot(0)].flags & SACKED:
            queue.clear_sacks()  # the receiver has reneged (RFC 2018 section 8)
        queue.mark_all_lost()
        if self.mode != LOSS:
            self.controller.on_timeout(flight, now)
        else:
            self.controller.cwnd = self.controller.mss
        self.mode = LOSS
        self.point = following
        self.duplicates = 0
        self.probe_end = -1
        self.reorder_deadline = NEVER
        self.rtt.back_off()

    def on_sent(self, length: int, is_new: bool, now: int) -> None:
        """`length` bytes have left."""
        self.prr_out += length
        if is_new:
            self.probe_from = now

    def may_probe(self) -> bool:
        """Whether a tail-loss probe may be scheduled (RFC 8985 7.2)."""
        return (
            self.mode == OPEN
            and self.probe_end < 0
            and self.queue.count > 0
            and self.queue.sacked_bytes == 0
            and self.rtt.smoothed > 0
        )

    def deadline(self) -> int:
        """When loss must be looked for: the reordering window, or the tail-loss probe; NEVER."""
        if self.reorder_deadline != NEVER:
            return self.reorder_deadline
        if not self.may_probe():
            return NEVER
        wait = 2 * self.rtt.smoothed
        if self.queue.end() - self.queue.start() <= self.controller.mss:
            wait += WORST_DELAYED_ACK
        return self.probe_from + wait

    def probe_sent(self, following: int, repeats: bool) -> None:
        """A tail-loss probe has left."""
        self.probe_end = following
        self.probe_repeats = repeats

    def note_probe(self, una: int, following: int, gained: int, now: int) -> None:
        """What an acknowledgment says about the probe (RFC 8985 7.4)."""
        if self.probe_end < 0 or una < self.probe_end:
            return
        if self.probe_repeats and una == self.probe_end and gained > 0:
            return  # a duplicate ACK will tell whether the original came too
        if self.probe_repeats and una > self.probe_end and self.mode == OPEN:
            # The probe repaired a loss: the window answers as to any (7.4.2).
            flight = max(self.queue.pipe(), self.controller.mss)
            self.controller.on_loss(flight, now)
            self.controller.on_recovered(now)
        self.probe_end = -1
