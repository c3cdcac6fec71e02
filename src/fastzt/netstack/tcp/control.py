"""ControlBlock: what a connection holds, how it changes state and how it ends."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from ..._core.ring_buffer import RingBuffer
from ..._core.tcp_header import TcpOptions
from ..flow_table import Flow
from ..host import Host
from ..socket_table import Handle
from .picker import Picker
from .receiver import Receiver
from .time_wait import TimeWait
from .timers import Timers

if TYPE_CHECKING:
    import cython
else:
    from ... import _cython as cython

if not cython.compiled:
    from ..._core.timer_wheel import NEVER
    from ..socket_table import CLOSED as BIT_CLOSED
    from ..socket_table import CONNECTED as BIT_CONNECTED
    from ..socket_table import FAILED as BIT_FAILED
    from ..socket_table import READABLE, WRITABLE
    from .state import (
        ACTIVE_OPEN,
        CLOSE,
        CLOSED,
        ESTABLISHED,
        FAIL,
        FIN_ACKED,
        FIN_WAIT_2,
        SYN_SENT,
        TIME_WAIT,
        step,
    )
    from .timers import GIVE_UP, KEEPALIVE, LOSS, PERSIST, REST, RETRANSMIT

    KEPT = 4096  # bytes of a ring's memory that are not worth a timer
    REST_AFTER = 5_000_000  # microseconds

DEFAULT_MSS = 536  # RFC 9293 3.7.1, IPv4
DEFAULT_MSS_V6 = 1220


class ControlBlock(Flow):
    """State and parts of one connection: sender `tx`, receiver `rx`, timers, the user's handle."""

    if not cython.compiled:
        __slots__ = (
            "ack_due",
            "config",
            "error",
            "handle",
            "heard",
            "held",
            "host",
            "keepalive",
            "keepalive_idle",
            "keepalive_interval",
            "keepalive_probes",
            "orphan",
            "probes",
            "progress",
            "reset_due",
            "rx",
            "sack",
            "state",
            "syn_due",
            "syn_sent_at",
            "timers",
            "timestamps",
            "ts_offset",
            "tx",
            "user_timeout",
            "wants_room",
        )

    def __init__(
        self, host: Host, local: bytes, local_port: int, remote: bytes, remote_port: int, peer: object
    ) -> None:
        super().__init__(local, local_port, remote, remote_port, peer)
        config = host.config
        self.host = host
        self.config = config
        self.handle: Handle = host.sockets.allocate(self)
        self.tx = Picker(config)
        self.rx = Receiver(config.receive_buffer, config.max_receive_buffer, host.windows)
        self.timers = Timers(host.wheel, self)
        self.state = CLOSED
        self.error = 0
        self.orphan = False  # the user has closed
        self.sack = True  # offered, then agreed
        self.timestamps = True
        self.ts_offset = 0
        self.ack_due = False
        self.held = False  # what was written last waits for more
        self.syn_due = False
        self.reset_due = False
        self.wants_room = False  # a write found no room
        self.syn_sent_at = 0
        self.heard = 0  # when the last acceptable segment came
        self.progress = 0  # since when the peer has acknowledged nothing that it should
        self.probes = 0
        self.keepalive = False
        self.keepalive_idle = config.keepalive_idle
        self.keepalive_interval = config.keepalive_interval
        self.keepalive_probes = config.keepalive_probes
        self.user_timeout = config.retransmit_timeout

    def default_mss(self) -> int:
        """What a peer that sends no MSS option takes."""
        return DEFAULT_MSS if self.is_v4 else DEFAULT_MSS_V6

    def timestamp(self, now: int) -> int:
        """The value of our timestamp option: milliseconds from an offset of our own."""
        return now // 1000 + self.ts_offset

    def open(self, iss: int, ts_offset: int, now: int) -> None:
        """Active open: a SYN leaves as soon as the peer is known."""
        self.ts_offset = ts_offset
        self.tx.start(iss)
        self.state = step(self.state, ACTIVE_OPEN)
        self.heard = self.progress = now
        self.timers.set(GIVE_UP, now + self.config.connect_timeout)
        if self.peer is not None:
            self.resolved(self.peer, now)

    def resolved(self, peer: object, now: int) -> None:
        """The neighbor that carries this flow from now on."""
        self.peer = peer
        self.syn_due = True
        self.host.wake(self)

    def negotiate(self, options: TcpOptions, window: int, now: int) -> None:
        """Take the options of the peer's SYN (RFC 7323, RFC 2018) and its window, which is never scaled."""
        self.sack = self.sack and options.sack_permitted
        self.timestamps = self.timestamps and options.has_timestamps
        self.tx.peer_mss = options.mss if options.mss else self.default_mss()
        self.tx.scaled = options.window_scale >= 0
        if self.tx.scaled:
            self.tx.scale = options.window_scale
            self.rx.scale = self.rx.offered_scale()
        self.tx.sack = self.sack
        self.rx.timestamps = self.timestamps
        if self.timestamps:
            self.rx.ts_recent = options.ts_value
            self.rx.ts_recent_at = now
        self.tx.set_window(window, self.rx.next, self.tx.una)

    def established(self, event: int, now: int) -> None:
        """Both SYNs are acknowledged."""
        self.state = step(self.state, event)
        self.timers.clear(GIVE_UP)
        self.heard = self.progress = now
        self.rx.rtt = self.tx.rtt.smoothed
        self.rx.begin_rtt(self.rx.rtt, now)
        self.refit(now)
        self.keep_alive(now)
        self.host.sockets.mark(self.handle, BIT_CONNECTED | WRITABLE)
        if self.tx.fin >= 0:
            self.state = step(self.state, CLOSE)
            self.host.wake(self)

    def refit(self, now: int) -> None:
        """Cut segments to what the path carries now."""
        overhead = 12 if self.timestamps else 0
        self.tx.fit(self.host.emitter.room(self, now) - 20 - overhead, overhead)

    def keep_alive(self, now: int) -> None:
        """Arm or stop the keep-alive timer (RFC 9293 3.8.4)."""
        self.probes = 0
        if self.keepalive and self.state >= ESTABLISHED:
            self.timers.set(KEEPALIVE, now + self.keepalive_idle)
        else:
            self.timers.clear(KEEPALIVE)

    def emptied(self, ring: RingBuffer, now: int) -> None:
        """Look at a ring that may be empty now: unless it is used again, its memory goes back soon."""
        if ring.capacity <= KEPT:
            return
        if self.state == CLOSED or self.state == TIME_WAIT:
            self.rest()
        else:
            self.timers.set(REST, now + REST_AFTER)

    def rest(self) -> None:
        """Give back the memory of empty rings."""
        if self.tx.ring.used() == 0:
            self.tx.ring.shrink()
        if self.rx.ring.used() == 0:
            self.rx.ring.shrink()

    def fin_acked(self, now: int) -> None:
        """The peer has all that we will ever send."""
        self.state = step(self.state, FIN_ACKED)
        if self.state == FIN_WAIT_2:
            if self.orphan:
                self.timers.set(GIVE_UP, now + self.config.fin_wait_2)
        elif self.state == TIME_WAIT:
            self.linger(now)
        else:
            self.finish()

    def linger(self, now: int) -> None:
        """Leave a TIME-WAIT record in the table; what is not read yet stays readable here."""
        record = TimeWait(self.host, self, self.tx.next, self.rx.next, self.rx.window())
        if self.timestamps:
            record.keep_timestamps(self.ts_offset, self.rx.ts_recent)
        self.host.linger(self, record, now)
        self.finish()

    def finish(self) -> None:
        """The connection is over in order."""
        self.timers.close()
        self.rx.release()
        self.rest()
        self.host.detach(self)
        self.host.sockets.mark(self.handle, BIT_CLOSED | READABLE | WRITABLE)

    def fail(self, error: int, now: int) -> None:
        """End at once: the user sees `error` (an errno), the peer hears nothing."""
        if self.state in (CLOSED, TIME_WAIT):
            return
        self.state = step(self.state, FAIL)
        self.error = error
        self.timers.close()
        self.rx.release()
        self.host.detach(self)
        self.host.sockets.mark(self.handle, BIT_FAILED | BIT_CLOSED | READABLE | WRITABLE)

    def unreachable(self, error: int, now: int) -> None:
        """The network reports the peer unreachable: fatal while connecting, else soft (RFC 9293 3.9.2.2)."""
        if self.state == SYN_SENT:
            self.fail(error, now)

    def narrow(self, mtu: int, now: int) -> None:
        """The way takes no packets above `mtu` bytes: what was lost goes out in smaller ones."""
        self.tx.peer_mss = min(self.tx.peer_mss, mtu - (40 if self.is_v4 else 60))
        self.refit(now)
        self.host.wake(self)

    def abort(self, now: int) -> None:
        """End at once and tell the peer by RST."""
        if self.state in (CLOSED, TIME_WAIT):
            return
        self.reset_due = self.state not in (SYN_SENT, CLOSED)
        if self.reset_due:
            self.host.wake(self)
        self.fail(errno.ECONNABORTED, now)

    def arm(self, now: int) -> None:
        """Set the timers that what has been sent needs."""
        tx = self.tx
        timers = self.timers
        if not tx.is_idle():
            if not timers.is_set(RETRANSMIT):
                self.progress = now
                timers.set(RETRANSMIT, now + tx.rtt.rto())
            elif tx.head_sent:
                timers.set(RETRANSMIT, now + tx.rtt.rto())
            tx.head_sent = False
            timers.clear(PERSIST)
        elif tx.is_blocked():
            if not timers.is_set(PERSIST):
                timers.set(PERSIST, now + tx.persist_wait())
        else:
            timers.clear(PERSIST)
        deadline = tx.recovery.deadline()
        if deadline == NEVER:
            timers.clear(LOSS)
        else:
            timers.set(LOSS, deadline)
