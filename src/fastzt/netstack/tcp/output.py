"""Output: what a connection sends, one segment after the other, while the egress has room."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from .arrival import Arrival

if TYPE_CHECKING:
    import cython
else:
    from ... import _cython as cython

if not cython.compiled:
    from ..._core.tcp_header import ACK, FIN, PSH, RST, SYN
    from .state import CLOSED, ESTABLISHED, SYN_RECEIVED
    from .timers import DELAYED_ACK, GIVE_UP, KEEPALIVE, LOSS, PACE, PERSIST, REST, RETRANSMIT

    BRIEFLY = 1000  # microseconds that a SYN or a FIN waits for data to be acknowledged by
    GATHER = 500  # microseconds that what is written waits for a full batch, at most


class Output(Arrival):
    """The transmit path and the timers of a connection."""

    if not cython.compiled:
        __slots__ = ()

    def settle(self, now: int) -> None:
        """After the batch: acknowledge at once, soon, later or not at all."""
        if self.rx.should_ack():
            self.ack_due = True
            self.host.wake(self)
        elif self.rx.pending and not self.timers.is_set(DELAYED_ACK):
            patience = BRIEFLY if self.rx.brief else self.config.delayed_ack
            self.timers.set(DELAYED_ACK, now + patience)

    def output(self, now: int) -> bool:
        """Send what is ready; True when the egress had no room for all of it."""
        if self.state == CLOSED:
            return self.send_reset(now)
        if self.state < ESTABLISHED:
            return self.output_opening(now)
        if self.rx.must_ack and self.rx.has_blocks() and not self.send_ack(now):
            return True  # the SACK blocks would not fit beside data
        if self.held:
            self.held = False
            self.timers.clear(PACE)
        if self.tx.has_work():
            self.refit(now)
            if self.send_data(now):
                return True
            if self.tx.pacer.resume_at > now:
                self.timers.set(PACE, self.tx.pacer.resume_at)
        if self.ack_due and not self.send_ack(now):
            return True
        if self.tx.probe_due and not self.send_probe(now):
            return True
        self.arm(now)
        return False

    def output_opening(self, now: int) -> bool:
        """The SYN, or what else there is to say before the handshake is complete."""
        if self.syn_due:
            return not self.send_syn(now)
        if self.state == SYN_RECEIVED and self.ack_due:
            return not self.send_ack(now)
        return False

    def send_syn(self, now: int) -> bool:
        """SYN, or SYN and ACK after a simultaneous open; arms its retransmission."""
        options = self.host.emitter.options
        options.clear()
        options.mss = max(self.host.emitter.room(self, now) - 20, 0)
        answer = self.state == SYN_RECEIVED
        if not answer or self.tx.scaled:
            options.window_scale = self.rx.offered_scale()
        options.sack_permitted = self.sack
        if self.timestamps:
            options.has_timestamps = True
            options.ts_value = self.timestamp(now)
            options.ts_echo = self.rx.ts_recent
        flags = SYN | ACK if answer else SYN
        window = min(self.rx.limit, 65535)
        if not self.host.emitter.segment(
            self, self.tx.una, self.rx.next if answer else 0, flags, window, None, 0, 0, now
        ):
            return False
        self.syn_due = False
        if self.syn_sent_at == 0:
            self.syn_sent_at = now
        if answer:
            self.rx.acked()
        self.timers.set(RETRANSMIT, now + self.tx.rtt.rto())
        return True

    def send_data(self, now: int) -> bool:
        """Data and FIN as far as the windows allow; True when the egress had no room."""
        tx = self.tx
        while tx.pick(now):
            flags = ACK
            data = tx.pick_length
            if tx.fin >= 0 and tx.pick_start + data > tx.fin:
                flags |= FIN
                data -= 1
            if tx.pick_start + data == tx.ring.tail and data > 0:
                flags |= PSH
            if not self.send(tx.pick_start, flags, data, now):
                return True
            tx.sent(now)
            more = tx.more(now)
            if more > 0:
                tx.sent_more(self.host.emitter.repeat(self, tx.ring, tx.next, data, more, now), now)
            if tx.leaves_part():
                self.gather(now)
                break
        return False

    def gather(self, now: int) -> None:
        """Keep what is queued back for a full batch, half a millisecond at most."""
        self.held = True
        if not self.timers.is_set(PACE):
            self.timers.set(PACE, now + GATHER)

    def send(self, position: int, flags: int, length: int, now: int) -> bool:
        """One segment with the current acknowledgment and window; False when the egress has no room."""
        options = self.host.emitter.options
        options.clear()
        if self.timestamps:
            options.has_timestamps = True
            options.ts_value = self.timestamp(now)
            options.ts_echo = self.rx.ts_recent
        if length == 0 and self.sack and self.rx.has_blocks():
            self.add_sack()
        window = self.rx.window()
        if not self.host.emitter.segment(
            self,
            position,
            self.rx.next,
            flags,
            window,
            self.tx.ring,
            position,
            length,
            now,
        ):
            return False
        self.rx.acked()
        self.ack_due = False
        self.timers.clear(DELAYED_ACK)
        return True

    def add_sack(self) -> None:
        """What came twice, then the latest runs above the hole, as many as fit (RFC 2018 4, RFC 2883)."""
        options = self.host.emitter.options
        assembler = self.rx.assembler
        room = options.sack_room()
        if self.rx.duplicate_end > 0:
            options.add_sack(self.rx.duplicate_start, self.rx.duplicate_end)
            room -= 1
        count = assembler.select(room)
        for i in range(count):
            options.add_sack(assembler.block_start[i], assembler.block_end[i])

    def send_ack(self, now: int) -> bool:
        """A segment that only acknowledges."""
        return self.send(self.tx.next, ACK, 0, now)

    def send_probe(self, now: int) -> bool:
        """An old sequence number without data: whoever lives answers with an ACK and its window."""
        if not self.send(self.tx.una - 1, ACK, 0, now):
            return False
        self.tx.probe_due = False
        return True

    def send_reset(self, now: int) -> bool:
        """The RST of an abort."""
        if not self.reset_due:
            return False
        self.host.emitter.options.clear()
        sequence = self.tx.next
        acknowledgment = self.rx.next
        if not self.host.emitter.segment(self, sequence, acknowledgment, RST | ACK, 0, None, 0, 0, now):
            return True
        self.reset_due = False
        return False

    def expired(self, now: int) -> None:
        """The wheel's slot went off."""
        timers = self.timers
        timers.fired()
        if timers.due(GIVE_UP, now):
            self.give_up(now)
        if timers.due(DELAYED_ACK, now):
            self.ack_due = True
            self.host.wake(self)
        if timers.due(PACE, now):
            self.host.wake(self)
        if timers.due(LOSS, now):
            self.tx.on_loss_timer(now)
            self.host.wake(self)
        if timers.due(RETRANSMIT, now):
            self.on_retransmit(now)
        if timers.due(PERSIST, now):
            self.on_persist(now)
        if timers.due(KEEPALIVE, now):
            self.on_keepalive(now)
        if timers.due(REST, now):
            self.rest()
        if self.state != CLOSED:
            timers.rearm()

    def give_up(self, now: int) -> None:
        """R2 of the handshake, or an orphan whose peer never closes."""
        if self.state < ESTABLISHED:
            self.fail(errno.ETIMEDOUT if self.peer is not None else errno.EHOSTUNREACH, now)
        else:
            self.finish()

    def path_changed(self, now: int) -> None:
        """What waits for an answer by the old way is tried on the new one at once.

        Time-outs were doubled for losses of the old one (RFC 6298 5.5).
        """
        timers = self.timers
        if self.tx.rtt.backoff > 0 and timers.is_set(RETRANSMIT):
            self.tx.rtt.recovered()
            timers.set(RETRANSMIT, now)
        if self.tx.persists > 0 and timers.is_set(PERSIST):
            self.tx.persists = 0
            timers.set(PERSIST, now)

    def on_retransmit(self, now: int) -> None:
        """RTO (RFC 6298 section 5); R2 ends the connection (RFC 9293 3.8.3)."""
        if self.state < ESTABLISHED:
            self.tx.attempts += 1
            self.tx.rtt.back_off()
            self.syn_due = True
        elif now - self.progress >= self.user_timeout:
            self.fail(errno.ETIMEDOUT, now)
            return
        else:
            self.tx.on_timeout(now)
            self.timers.set(RETRANSMIT, now + self.tx.rtt.rto())
        self.host.wake(self)

    def on_persist(self, now: int) -> None:
        """The window stayed closed (RFC 9293 3.8.6.1): probe it, or use the little there is."""
        if now - self.heard >= self.user_timeout:
            self.fail(errno.ETIMEDOUT, now)
            return
        self.tx.on_persist()
        self.host.wake(self)

    def on_keepalive(self, now: int) -> None:
        """Probe an idle peer; too many unanswered probes end the connection (RFC 9293 3.8.4)."""
        idle = now - self.heard
        if idle < self.keepalive_idle:
            self.timers.set(KEEPALIVE, self.heard + self.keepalive_idle)
            return
        if self.probes >= self.keepalive_probes:
            self.fail(errno.ETIMEDOUT, now)
            return
        self.probes += 1
        self.tx.probe_due = True
        self.timers.set(KEEPALIVE, now + self.keepalive_interval)
        self.host.wake(self)
