"""Arrival: what a connection does with a segment (RFC 9293 section 3.10.7, hardened by RFC 5961)."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from ..._core.stats import register
from .control import ControlBlock
from .segment import Segment

if TYPE_CHECKING:
    import cython
else:
    from ... import _cython as cython

if not cython.compiled:
    from ..._core.seqnum import unwrap
    from ..._core.tcp_header import ACK, FIN, RST, SYN
    from ..socket_table import READABLE, WRITABLE
    from . import state as states
    from .state import (
        CLOSED,
        ESTABLISHED,
        FIN_WAIT_1,
        FIN_WAIT_2,
        SYN_ACKED,
        SYN_RECEIVED,
        SYN_SENT,
        TIME_WAIT,
        step,
    )
    from .timers import RETRANSMIT

OUT_OF_WINDOW = register("tcp.out_of_window")
STALE = register("tcp.stale_timestamp")
BLIND_RESET = register("tcp.challenged_reset")
BLIND_SYN = register("tcp.challenged_syn")
BAD_ACK = register("tcp.bad_acknowledgment")
NO_ACK = register("tcp.no_acknowledgment")
AFTER_CLOSE = register("tcp.data_after_close")


class Arrival(ControlBlock):
    """The receive path of a connection; what must be sent in answer is noted, and leaves by `output`."""

    if not cython.compiled:
        __slots__ = ()

    def arrives(self, segment: Segment, now: int) -> None:
        """Take a segment from the flow's peer."""
        if self.state == SYN_SENT:
            self.arrives_syn_sent(segment, now)
            return
        if self.state == CLOSED or self.state == TIME_WAIT:
            return
        position = unwrap(segment.sequence, self.rx.next)
        if not self.is_acceptable(segment, position, now):
            return
        self.heard = now
        if self.probes:
            self.keep_alive(now)
        if segment.flags & (RST | SYN):
            self.reset_or_syn(segment, position, now)
            return
        if not segment.flags & ACK:
            self.host.stats.drop(NO_ACK)
            return
        if not self.take_ack(segment, position, now):
            return
        if segment.length or segment.flags & FIN:
            self.take_text(segment, position, now)
        self.host.touch(self)

    def follows(self, segment: Segment, now: int) -> bool:
        """Take text that continues what just arrived, with the same acknowledgment, window and timestamps.

        Nothing but the text is new then. False, and nothing is changed, when it is not the next in order, or
        its checksum is wrong.
        """
        rx = self.rx
        if (
            self.orphan
            or (self.state != ESTABLISHED and self.state != FIN_WAIT_1 and self.state != FIN_WAIT_2)
            or not rx.is_next(segment)
            or not rx.take_next(segment)
        ):
            return False
        self.host.sockets.mark(self.handle, READABLE)
        return True

    def is_acceptable(self, segment: Segment, position: int, now: int) -> bool:
        """PAWS, then the window; what fails is answered by an ACK, unless it is a RST."""
        rx = self.rx
        if rx.stale(segment, now) and not segment.flags & RST:
            self.host.stats.drop(STALE)
            self.refuse_old(segment, position)
            return False
        length = segment.length
        if segment.flags & (SYN | FIN):
            length += 1 if segment.flags & SYN else 0
            length += 1 if segment.flags & FIN else 0
        if rx.acceptable(position, length):
            return True
        if position == rx.next and length > 0:
            # The window is closed: the text is left out, yet ACK and RST count (RFC 9293 3.10.7.4).
            rx.must_ack = True
            return True
        if not segment.flags & RST:
            self.host.stats.drop(OUT_OF_WINDOW)
            self.refuse_old(segment, position)
            # A probe or a keep-alive is out of window by one, and its ACK is as good as any.
            if segment.flags & ACK and not segment.flags & SYN and position < rx.next:
                self.heard = now
        return False

    def refuse_old(self, segment: Segment, position: int) -> None:
        """Answer a segment that cannot be taken; what it repeats is told."""
        self.must_ack()
        if position + segment.length <= self.rx.next:
            self.rx.note_duplicate(position, position + segment.length)

    def must_ack(self) -> None:
        """Acknowledge after this batch."""
        self.rx.must_ack = True
        self.host.touch(self)

    def reset_or_syn(self, segment: Segment, position: int, now: int) -> None:
        """An acceptable RST or SYN (RFC 5961 sections 3.2 and 4.2)."""
        if segment.flags & RST:
            if position == self.rx.next:
                self.fail(errno.ECONNREFUSED if self.state == SYN_RECEIVED else errno.ECONNRESET, now)
                return
            self.host.stats.drop(BLIND_RESET)
        else:
            self.host.stats.drop(BLIND_SYN)
        self.challenge(now)

    def challenge(self, now: int) -> None:
        """Send a challenge ACK, if the limit allows."""
        if self.host.may_challenge(now):
            self.must_ack()

    def take_ack(self, segment: Segment, position: int, now: int) -> bool:
        """Process the acknowledgment; False when the segment must not be looked at further."""
        tx = self.tx
        acked_to = unwrap(segment.acknowledgment, tx.una)
        if self.state == SYN_RECEIVED and not self.take_syn_ack(segment, acked_to, now):
            return False
        if acked_to > tx.next or acked_to < tx.una - tx.max_window:
            self.host.stats.drop(BAD_ACK)
            self.challenge(now)
            return False
        self.rx.note_timestamp(segment, position, now)
        gained = tx.acknowledge(segment, acked_to, position, self.timestamp(now), now)
        if gained > 0:
            self.progress = now
            if tx.is_idle():
                self.timers.clear(RETRANSMIT)
                self.emptied(tx.ring, now)
            else:
                self.timers.set(RETRANSMIT, now + tx.rtt.rto())
            if tx.fin >= 0 and acked_to > tx.fin and self.state >= FIN_WAIT_1:
                self.our_fin_acked(now)
            if self.wants_room and tx.free() > 0:
                self.wants_room = False
                self.host.sockets.mark(self.handle, WRITABLE)
        if tx.has_work():
            self.host.wake(self)
        else:
            self.arm(now)
        return True

    def our_fin_acked(self, now: int) -> None:
        """Advance by the acknowledgment of our FIN, once."""
        if self.state in (FIN_WAIT_1, states.CLOSING, states.LAST_ACK):
            self.fin_acked(now)

    def take_syn_ack(self, segment: Segment, acked_to: int, now: int) -> bool:
        """In SYN-RECEIVED after a simultaneous open: is our SYN acknowledged?"""
        tx = self.tx
        if acked_to != tx.next:
            self.host.refuse(segment, self.peer)
            return False
        tx.syn_acked()
        tx.set_window(segment.window << tx.scale, self.rx.next, acked_to)
        self.established(SYN_ACKED, now)
        return True

    def take_text(self, segment: Segment, position: int, now: int) -> None:
        """Store payload and FIN."""
        rx = self.rx
        if self.state not in (ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2):
            # The peer's FIN has been taken: this repeats what we have, so the ACK got lost.
            rx.must_ack = True
            return
        if rx.measures:
            rx.measure(segment, self.timestamp(now), now)
        gained = rx.take(segment, position) if segment.length else 0
        if gained > 0:
            if self.orphan:
                # Nobody will ever read it (RFC 9293 3.6.1, RFC 2525 2.17).
                self.host.stats.drop(AFTER_CLOSE)
                self.abort(now)
                return
            self.host.sockets.mark(self.handle, READABLE)
        if rx.take_fin(segment, position):
            self.take_fin(now)

    def take_fin(self, now: int) -> None:
        """The peer has ended its direction."""
        self.state = step(self.state, states.FIN)
        self.host.sockets.mark(self.handle, READABLE)
        if self.state == states.CLOSE_WAIT:
            self.rx.owe()
        else:
            self.rx.must_ack = True
        if self.state == TIME_WAIT:
            self.linger(now)

    def arrives_syn_sent(self, segment: Segment, now: int) -> None:
        """RFC 9293 section 3.10.7.3."""
        tx = self.tx
        acknowledges = bool(segment.flags & ACK)
        if acknowledges and unwrap(segment.acknowledgment, tx.una) != tx.next:
            if not segment.flags & RST:
                self.host.refuse(segment, self.peer)
            self.host.stats.drop(BAD_ACK)
            return
        if segment.flags & RST:
            if acknowledges:
                self.fail(errno.ECONNREFUSED, now)
            return
        if not segment.flags & SYN:
            self.host.stats.drop(NO_ACK)
            return
        self.rx.start(segment.sequence)
        self.negotiate(segment.options, segment.window, now)
        if acknowledges:
            tx.syn_acked()
            if self.tx.attempts == 0:
                tx.rtt.sample(now - self.syn_sent_at, now)
            self.timers.clear(RETRANSMIT)
            self.established(states.SYN_ACK, now)
            self.rx.owe()
            self.host.touch(self)
        else:
            self.state = step(self.state, states.SYN)
            self.syn_due = True
            self.host.wake(self)
