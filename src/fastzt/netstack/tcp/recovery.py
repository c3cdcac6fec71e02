"""Loss detection and repair: RACK-TLP (RFC 8985), PRR (RFC 6937); without SACK NewReno's (RFC 6582).

The congestion controller hears of losses from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._core.segment_queue import SegmentQueue
from .congestion.base import Controller
from .rtt import Rtt
from .sampler import Sampler
from .segment import Segment
from .spurious import Spurious

if TYPE_CHECKING:
    import cython
else:
    from ... import _cython as cython

if not cython.compiled:
    from ..._core.segment_queue import APP_LIMITED, EVER_RETRANSMITTED, SACKED
    from ..._core.seqnum import unwrap
    from ..._core.timer_wheel import NEVER
    from .sampler import LOSS, OPEN, REPAIR

    DUPLICATES = 3  # DupThresh
    WORST_DELAYED_ACK = 200_000  # WCDelAckT of RFC 8985 7.2
    MAX_WINDOWS = 16  # of reordering: RACK.reo_wnd_mult
    WINDOW_EPISODES = 16  # RACK.reo_wnd_persist


class Recovery:
    """`mode` is OPEN, REPAIR or LOSS until the acknowledgment passes `point`. Positions and microseconds."""

    if not cython.compiled:
        __slots__ = (
            "controller",
            "dsack_round",
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
            "sampler",
            "spurious",
            "windows",
            "windows_left",
        )

    def __init__(self, queue: SegmentQueue, controller: Controller, rtt: Rtt) -> None:
        self.queue = queue
        self.controller = controller
        self.rtt = rtt
        self.sampler = Sampler(queue, rtt)
        self.spurious = Spurious()
        self.mode = OPEN
        self.point = 0
        self.duplicates = 0
        self.flight = self.prr_delivered = self.prr_out = 0
        self.rack_sent_at = self.rack_end = self.rack_rtt = 0
        self.forward = 0  # RACK.fack: the highest position delivered
        self.reordered = False
        self.reorder_deadline = NEVER
        self.dsack_round = -1  # RACK.dsack_round; -1: no DSACK in this round trip
        self.windows = 1  # RACK.reo_wnd_mult: how many quarters of a round trip a hole may wait
        self.windows_left = 0  # episodes until that is 1 again
        self.probe_end = -1  # TLP.end_seq; -1: no probe is out
        self.probe_from = 0  # when new data was sent or acknowledged last
        self.probe_repeats = False  # the probe repeats data

    def switch(self, controller: Controller, now: int) -> None:
        """Another controller takes over."""
        controller.take_over(self.controller)
        self.controller = controller
        if self.mode == REPAIR:
            controller.on_loss(max(self.flight, controller.mss), now)

    def note_order(self, end: int, fresh: int, rtt_before: int) -> None:
        """`fresh` bytes below `end` were delivered: out of order when later ones were before (step 3)."""
        if fresh > 0:
            if end < self.forward and self.queue.rtt_sent_at > rtt_before:
                self.reordered = True
            elif end > self.forward:
                self.forward = end

    def on_ack(
        self,
        una: int,
        following: int,
        gained: int,
        fresh: int,
        in_flight: int,
        rtt: int,
        repaired: bool,
        echoed_at: int,
        now: int,
    ) -> None:
        """An acknowledgment was applied to the queue: `gained` bytes in order, `fresh` delivered in all.

        `following` is SND.NXT; `in_flight` what the queue held before; `rtt` the sample or -1; `repaired`:
        something that was sent again is acknowledged; `echoed_at`: when the segment that is echoed was sent,
        in whole milliseconds, or -1.
        """
        if gained > 0:
            self.probe_from = now
            self.duplicates = 0
            if self.mode != OPEN and self.was_false(una, repaired, echoed_at):
                self.undo(now)
        self.note_probe(una, following, gained, now)
        self.update_rack(now)
        if self.mode != OPEN and una >= self.point:
            self.leave(now)
        if self.dsack_round >= 0 and una >= self.dsack_round:
            self.dsack_round = -1
        self.detect(following, now)
        if self.mode == REPAIR:
            self.reduce(fresh)
        if fresh > 0:
            self.sampler.inform(self.controller, fresh, in_flight, rtt, self.mode, now)

    def was_false(self, una: int, repaired: bool, echoed_at: int) -> bool:
        """Whether this acknowledgment shows that the episode was a false alarm."""
        clear = self.mode == LOSS or self.queue.lost_bytes == 0
        return self.spurious.on_advance(repaired, clear, una >= self.point, echoed_at)

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
        return min(self.windows * self.rtt.minimum // 4, self.rtt.smoothed)

    def detect(self, following: int, now: int) -> None:
        """Step 5: mark what is lost, begin to repair, or wait for the reordering window."""
        queue = self.queue
        self.reorder_deadline = NEVER
        if queue.sacked_bytes == 0 and queue.retransmitted_bytes == 0:
            return
        flight = queue.pipe()
        wait = self.rack_rtt + self.reorder_window()
        timeout = queue.mark_lost_by_time(self.rack_sent_at, self.rack_end, wait, now)
        if timeout > 0:
            self.reorder_deadline = now + timeout
        if queue.fresh_bytes > 0:
            self.report(now)
            self.begin(following, flight, now)

    def report(self, now: int) -> None:
        """Tell the controller of each range that was just declared lost."""
        queue = self.queue
        before = queue.lost - queue.fresh_bytes
        i = queue.take_fresh_loss()
        while i >= 0:
            k = queue.slot(i)
            before += queue.at[k].end - queue.at[k].start
            self.controller.on_lost(
                queue.at[k].start,
                queue.at[k].end,
                queue.at[k].in_flight,
                before - queue.at[k].lost,
                queue.at[k].flags & APP_LIMITED != 0,
                now,
            )
            i = queue.take_fresh_loss()

    def begin(self, following: int, flight: int, now: int) -> None:
        """Something was lost, with `flight` in flight: a new episode, unless one is on."""
        if self.mode != OPEN:
            return
        self.mode = REPAIR
        self.point = following
        self.flight = max(flight, self.controller.mss)
        self.prr_delivered = self.prr_out = 0
        self.probe_end = -1
        self.spurious.begin(self.queue.start(), following)
        self.controller.on_loss(self.queue.end() - self.queue.start(), now)

    def leave(self, now: int) -> None:
        """The episode is over: what was in flight when it began is acknowledged."""
        self.controller.on_recovered(self.mode == LOSS, now)
        self.mode = OPEN
        if self.windows_left > 0:
            self.windows_left -= 1
            if self.windows_left == 0:
                self.windows = 1

    def reduce(self, fresh: int) -> None:
        """Proportional rate reduction: let out in proportion to what was delivered (RFC 6937 section 3)."""
        controller = self.controller
        if controller.own_recovery:
            return
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

    def is_dsack(self, segment: Segment, left: int, right: int, ack: int) -> bool:
        """Whether the first SACK block tells of a duplicate (RFC 2883 section 4)."""
        if right <= ack:
            return True
        return (
            segment.options.sack_count > 1
            and unwrap(segment.options.sack_left[1], ack) <= left
            and right <= unwrap(segment.options.sack_right[1], ack)
        )

    def on_dsack(self, left: int, right: int, following: int, now: int) -> None:
        """The peer got [left, right) twice (RFC 2883): let holes wait longer, take back a false alarm."""
        if self.dsack_round < 0:
            self.dsack_round = following
            self.windows = min(self.windows + 1, MAX_WINDOWS)
            self.windows_left = WINDOW_EPISODES
        if self.probe_repeats and right == self.probe_end:
            self.probe_end = -1  # the probe was not needed
        if self.spurious.on_dsack(left, right, self.controller.mss):
            self.undo(now)

    def undo(self, now: int) -> None:
        """What was taken for lost came late: continue as if nothing had been."""
        self.reordered = True
        self.queue.unmark_lost()
        self.controller.on_undo(now)
        self.rtt.recovered()
        self.mode = OPEN

    def on_duplicate(self, una: int, following: int, now: int) -> None:
        """A duplicate ACK of a peer without SACK (RFC 5681 3.2, RFC 6582)."""
        self.duplicates += 1
        if self.mode == REPAIR:
            self.reduce(self.controller.mss)
        elif self.duplicates == DUPLICATES and self.mode == OPEN:
            self.lose_first(una, following, now)
            self.reduce(self.controller.mss)

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
        self.report(now)
        self.begin(following, flight, now)

    def on_timeout(self, following: int, now: int) -> None:
        """RTO: everything not SACKed is lost (RFC 6298 5.4 to 5.6)."""
        queue = self.queue
        flight = queue.end() - queue.start()
        if queue.count > 0 and queue.at[queue.slot(0)].flags & SACKED:
            queue.clear_sacks()  # the receiver has reneged (RFC 2018 section 8)
        queue.mark_all_lost()
        self.report(now)
        if self.mode != LOSS:
            self.controller.on_timeout(flight, now)
            self.spurious.begin(queue.start(), following)
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
        elif self.mode != OPEN:
            self.spurious.on_copy(length, self.controller.mss, now)

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
            self.controller.on_loss(self.controller.cwnd, now)
            self.controller.on_recovered(False, now)
        self.probe_end = -1
