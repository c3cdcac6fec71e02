"""What leaves next: repairs first, then new data, as the windows, Nagle and the pacer allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .sender import Sender

if TYPE_CHECKING:
    import cython
else:
    from ... import _cython as cython

if not cython.compiled:
    from .pacer import BURST

    BATCH = 45  # full segments that one system call sends


class Picker(Sender):
    """`pick` puts what leaves next into `pick_start` and `pick_length` (a FIN is one); `sent` confirms it.

    `pick_index` is the record of the queue that leaves again, or -1.
    """

    if not cython.compiled:
        __slots__ = ()

    def pick(self, now: int) -> bool:
        """Choose what leaves next; False when nothing may."""
        if self.tail_due:
            return self.pick_probe(now)
        if self.pacer.resume_at > now:
            return False
        queue = self.queue
        if queue.lost_bytes > 0:
            i = queue.next_lost()
            if i >= 0:
                return self.pick_again(i)
        return not self.defers() and self.pick_new(now)

    def gathers(self) -> bool:
        """Whether what is queued had better wait for more, so that it leaves in one batch.

        Only while data is in flight: its acknowledgment sends what there is by then, as with Nagle.
        """
        if self.nodelay or self.queue.count == 0 or self.fin >= 0 or self.ring.room() == 0:
            return False
        unsent = self.ring.tail - self.next
        if unsent >= BATCH * self.mss or unsent >= self.una + self.window - self.next:
            return False
        return unsent < self.controller.cwnd - self.queue.pipe()

    def leaves_part(self) -> bool:
        """Whether after a batch there is less than another one, and more than what ends the data.

        It waits for more, or with two batches in flight for their acknowledgments.
        """
        rest = self.ring.tail - self.next
        if not self.mss < rest < BATCH * self.mss or self.nodelay or self.fin >= 0 or not self.is_fast():
            return False
        return self.queue.pipe() >= 2 * BATCH * self.mss or self.gathers()

    def defers(self) -> bool:
        """Whether to wait until the windows have room for a whole batch.

        While two are in flight, whose acknowledgments make room. A slow path would feel the bursts.
        """
        pipe = self.queue.pipe() if self.queue.count > 0 else 0
        batch = BATCH * self.mss
        if pipe < 2 * batch or self.ring.tail - self.next < batch or self.fin >= 0 or not self.is_fast():
            return False
        if self.controller.cwnd - pipe < batch:
            self.recovery.sampler.window_full = True
            return True
        return self.una + self.window - self.next < batch

    def is_fast(self) -> bool:
        """Whether the path is believed to take a batch in less time than a pacer lets leave at once."""
        return self.controller.pacing_rate * BURST >= BATCH * self.mss * 1e6

    def pick_again(self, i: int) -> bool:
        """Record i of the queue once more, as far as one segment reaches."""
        k = self.queue.slot(i)
        start = self.queue.at[k].start
        n = min(self.queue.at[k].end - start, self.mss)
        if not self.may_send(n):
            return False
        self.pick_index = i
        self.pick_start = start
        self.pick_length = n
        return True

    def pick_new(self, now: int) -> bool:
        """New data, subject to both windows, Nagle (RFC 1122 4.2.3.4) and silly-window avoidance."""
        start = self.next
        room = self.una + self.window - start
        waiting = self.ring.tail - start
        if waiting < 0 or room <= 0 or self.queue.count >= self.queue.limit:
            return False
        n = min(waiting, self.mss, room)
        ends = self.fin >= 0 and start + n == self.fin and n < room
        if n == 0 and not ends:
            return False
        if n < self.mss and not ends and not self.force and not self.is_worth(n, n == waiting):
            return False
        if self.queue.count == 0 and self.last_sent:
            if now - self.last_sent > self.rtt.rto():
                self.controller.on_idle(now)
            self.controller.on_restart(self.queue.app_limited, now)
        if not self.may_send(n):
            return False
        self.pick_index = -1
        self.pick_start = start
        self.pick_length = n + 1 if ends else n
        return True

    def is_worth(self, n: int, is_all: bool) -> bool:
        """Whether a short segment may leave: the last one by Nagle, one cut by the window by its size."""
        if is_all:
            return self.nodelay or self.queue.count == 0 or self.fin >= 0
        return 2 * n >= self.max_window

    def may_send(self, n: int) -> bool:
        """Whether the congestion window has room for `n` bytes."""
        pipe = self.queue.pipe() if self.queue.count > 0 else 0
        if pipe == 0 or pipe + n <= self.controller.cwnd:
            return True
        self.recovery.sampler.window_full = True
        return False

    def pick_probe(self, now: int) -> bool:
        """The tail-loss probe (RFC 8985 7.3): new data if there is room for it, else the last segment."""
        queue = self.queue
        cwnd = self.controller.cwnd
        self.controller.cwnd = queue.pipe() + 2 * self.mss
        found = self.pick_new(now)
        self.controller.cwnd = cwnd
        if found:
            return True
        if queue.count == 0:
            self.tail_due = False
            return False
        i = queue.count - 1
        k = queue.slot(i)
        if queue.at[k].end - queue.at[k].start > self.mss and queue.split(i, queue.at[k].end - self.mss):
            i += 1
            k = queue.slot(i)
        self.pick_index = i
        self.pick_start = queue.at[k].start
        self.pick_length = min(queue.at[k].end - self.pick_start, self.mss)
        return True

    def sent(self, now: int) -> None:
        """What was picked has left."""
        is_new = self.pick_index < 0
        if is_new:
            self.queue.push(self.pick_start, self.pick_start + self.pick_length, now)
            self.next = self.pick_start + self.pick_length
        else:
            if self.pick_start == self.una:
                self.head_sent = True
            self.queue.retransmit(self.pick_index, self.pick_length, now)
            self.retransmitted += 1
        self.recovery.on_sent(self.pick_length, is_new, now)
        self.pacer.sent(self.pick_length, self.controller.pacing_rate, now)
        self.force = False
        self.last_sent = now
        if self.tail_due:
            self.tail_due = False
            self.recovery.probe_sent(self.next, not is_new)

    def more(self, now: int) -> int:
        """How many full segments of new data may follow the one just sent, before the last byte queued.

        Never more than `pick` would allow one by one.
        """
        if self.pick_index >= 0 or self.pick_length != self.mss or self.queue.lost_bytes > 0:
            return 0
        if self.pacer.resume_at > now or self.queue.count >= self.queue.limit:
            return 0
        n = min(self.una + self.window - self.next, self.ring.tail - self.next - 1)
        n = min(n, self.controller.cwnd - self.queue.pipe())
        if self.controller.pacing_rate > 0:
            n = min(n, self.pacer.allowance(self.controller.pacing_rate, now))
        return n // self.mss if n > 0 else 0

    def sent_more(self, count: int, now: int) -> None:
        """So many full segments of new data have left."""
        n = count * self.mss
        if n == 0:
            return
        self.queue.push(self.next, self.next + n, now)
        self.next += n
        self.recovery.on_sent(n, True, now)
        self.pacer.sent(n, self.controller.pacing_rate, now)
