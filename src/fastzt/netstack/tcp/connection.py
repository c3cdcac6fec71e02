"""Connection: what a user does with a TCP connection (RFC 9293 section 3.9.1)."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from ..._core.slab import Slab
from .half_open import HalfOpen
from .output import Output
from .state import NAMES

if TYPE_CHECKING:
    import cython
    from typing_extensions import Buffer
else:
    from ... import _cython as cython

if not cython.compiled:
    from .state import (
        CLOSE,
        CLOSE_WAIT,
        CLOSED,
        CLOSING,
        ESTABLISHED,
        FIN_WAIT_1,
        FIN_WAIT_2,
        LAST_ACK,
        PASSIVE_OPEN,
        SYN_ACKED,
        SYN_RECEIVED,
        SYN_SENT,
        TIME_WAIT,
        step,
    )
    from .timers import GIVE_UP

OPTIONS = (
    "congestion",
    "keepalive",
    "keepalive_idle",
    "keepalive_interval",
    "keepalive_probes",
    "nodelay",
    "receive_buffer",
    "send_buffer",
    "user_timeout",
)


class Connection(Output):
    """A byte stream each way; the user's calls never wait. `error` is an errno, 0 while all is well.

    `handle.id` is the id that SocketTable.ready() tells; READABLE and WRITABLE come once for each change.
    """

    if not cython.compiled:
        __slots__ = ()

    def __repr__(self) -> str:
        return (
            f"<Connection {self.handle.id} {NAMES[self.state]} port {self.local_port} to {self.remote_port}>"
        )

    @property
    def id(self) -> int:
        """The id in the socket table."""
        return self.handle.id

    @property
    def local_address(self) -> tuple[bytes, int]:
        """Our 16-byte address and port."""
        return self.local, self.local_port

    @property
    def remote_address(self) -> tuple[bytes, int]:
        """The peer's 16-byte address and port."""
        return self.remote, self.remote_port

    @property
    def readable(self) -> int:
        """Bytes that can be read now."""
        return self.rx.ring.used()

    @property
    def writable(self) -> int:
        """Bytes that a write would take now."""
        return self.tx.free() if self.may_write() else 0

    @property
    def memory(self) -> int:
        """Bytes of memory that the rings take now."""
        return self.tx.ring.capacity + self.rx.ring.capacity

    @property
    def eof(self) -> bool:
        """The peer has ended its direction, or the connection is over, and everything is read."""
        ended = self.rx.eof or self.state == CLOSED
        return bool(ended and self.rx.ring.used() == 0 and self.error == 0)

    @property
    def connected(self) -> bool:
        """Whether the handshake is over."""
        return bool(self.state >= ESTABLISHED)

    def is_delivering(self) -> bool:
        """Whether the user has closed, and the peer has not acknowledged all that was written."""
        return bool(self.orphan and self.state in (FIN_WAIT_1, CLOSING, LAST_ACK))

    def may_write(self) -> bool:
        """Whether our direction is open, or will be."""
        open_state = self.state == ESTABLISHED or self.state == CLOSE_WAIT
        return (open_state or self.state == SYN_SENT or self.state == SYN_RECEIVED) and self.tx.fin < 0

    def write(self, data: Buffer, now: int, start: int = 0, most: int = -1) -> int:
        """Queue what fits of a bytes-like object; how many bytes that was (0: wait for WRITABLE).

        At most `most` bytes of it (negative: all) are taken, from `start` on.
        Raises OSError with `error` after a failure, BrokenPipeError when our direction is closed.
        """
        if not self.may_write():
            self.raise_error()
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        taken = self.tx.write(data, start, most)
        self.wants_room = self.tx.free() == 0
        if taken and self.state >= ESTABLISHED:
            if not self.tx.gathers():
                self.host.wake(self)
            elif not self.held:
                self.gather(now)
        return taken

    def keeps_back(self) -> bool:
        """Whether `push` would send something."""
        return self.held or self.rx.brief

    def may_keep_back(self, size: int) -> bool:
        """Whether a write of `size` bytes joins others that are kept back, and all of it has room."""
        return self.held and size <= self.tx.free() and self.may_write()

    def push(self, now: int) -> None:
        """Send what was kept back for a full batch or for data: the user waits now."""
        if self.rx.brief:
            self.ack_due = True
        if self.held or self.ack_due:
            self.host.wake(self)

    def read_into(self, target: Buffer, now: int) -> int:
        """Move received bytes into a writable buffer; how many (0: nothing yet, or `eof`).

        Raises OSError with `error` once everything received before the failure is read.
        """
        taken = self.rx.ring.read_into(target)
        if taken > 0:
            self.after_read(now)
        elif self.error:
            self.raise_error()
        return taken

    def peek(self, most: int) -> bytes:
        """Received bytes, at most `most`, that stay to be read."""
        ring = self.rx.ring
        n = min(most, ring.used())
        if n <= 0:
            return b""
        slab = Slab(n)
        ring.peek(ring.head, slab, 0, n)
        return bytes(slab.view)

    def after_read(self, now: int) -> None:
        """Tell the peer of a window that has opened enough."""
        self.rx.tune(now)
        if self.rx.ring.used() == 0:
            self.emptied(self.rx.ring, now)
        if not self.rx.eof and ESTABLISHED <= self.state <= FIN_WAIT_2 and self.rx.wants_update():
            self.ack_due = True
            self.host.wake(self)

    def raise_error(self) -> None:
        """Raise OSError with `error`, if there is one."""
        if self.error:
            raise OSError(self.error, os.strerror(self.error))

    def shutdown_write(self, now: int) -> None:
        """End our direction after what is queued; the peer may still send."""
        if not self.may_write():
            return
        self.tx.close()
        if self.state == ESTABLISHED or self.state == CLOSE_WAIT:
            self.state = step(self.state, CLOSE)
            self.host.wake(self)

    def close(self, now: int) -> None:
        """The user is done: end in order, or by RST when received bytes were never read (RFC 2525 2.17)."""
        if self.orphan:
            return
        self.orphan = True
        self.host.sockets.release(self.handle)
        if self.state == CLOSED or self.state == TIME_WAIT:
            return
        if self.state == SYN_SENT:
            self.fail(errno.ECONNABORTED, now)
        elif self.rx.ring.used() > 0:
            self.abort(now)
        else:
            self.shutdown_write(now)
            self.user_timeout = min(self.user_timeout, self.config.orphan_timeout)
            if self.state == FIN_WAIT_2:
                self.timers.set(GIVE_UP, now + self.config.fin_wait_2)

    def take_over(self, half: HalfOpen, now: int) -> None:
        """Passive open: continue a half-open flow whose SYN-ACK has just been acknowledged."""
        self.ts_offset = half.ts_offset
        self.tx.start(half.iss)
        self.rx.start(half.irs)
        self.state = step(self.state, PASSIVE_OPEN)
        options = self.host.emitter.options
        options.clear()
        options.mss = half.mss
        options.window_scale = half.scale
        options.sack_permitted = half.sack
        options.has_timestamps = half.timestamps
        options.ts_value = half.ts_recent
        self.negotiate(options, half.window, now)
        self.tx.syn_acked()
        if half.retries == 0:
            self.tx.rtt.sample(now - half.sent_at, now)
        self.established(SYN_ACKED, now)

    def set_option(self, name: str, value: int | str, now: int) -> None:
        """Set one of OPTIONS; times in microseconds. Raises KeyError, and ValueError for the value."""
        if name not in OPTIONS:
            raise KeyError(name)
        if name == "congestion":
            self.tx.set_congestion(str(value), now)
            return
        number = int(value)
        if name == "nodelay":
            self.tx.nodelay = bool(number)
            self.host.wake(self)
        elif name == "user_timeout":
            self.user_timeout = number
        elif name == "send_buffer":
            self.tx.set_limit(number)
        elif name == "receive_buffer":
            self.rx.set_limit(number)
        else:
            self.set_keepalive(name, number, now)

    def set_keepalive(self, name: str, value: int, now: int) -> None:
        """Set one of the options of keep-alive."""
        if name == "keepalive":
            self.keepalive = bool(value)
        elif name == "keepalive_idle":
            self.keepalive_idle = value
        elif name == "keepalive_interval":
            self.keepalive_interval = value
        else:
            self.keepalive_probes = value
        self.keep_alive(now)

    def get_option(self, name: str) -> int | str:
        """The value of one of OPTIONS, or "mss"; raises KeyError."""
        values: dict[str, int | str] = {
            "congestion": self.tx.congestion,
            "nodelay": int(self.tx.nodelay),
            "keepalive": int(self.keepalive),
            "keepalive_idle": self.keepalive_idle,
            "keepalive_interval": self.keepalive_interval,
            "keepalive_probes": self.keepalive_probes,
            "mss": self.tx.mss,
            "receive_buffer": self.rx.limit,
            "send_buffer": self.tx.limit,
            "user_timeout": self.user_timeout,
        }
        return values[name]
