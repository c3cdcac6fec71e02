"""Bridges: TCP connections of a node whose bytes the driver itself carries to and from sockets of the system.

Whoever drives moves them between two turns: out of a connection's receive ring straight into its socket, and
from the socket into the send ring. Back-pressure goes both ways: nothing is kept in between.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._core.kernels import stream as library
from .._core.slab import Slab
from ..netstack.tcp.connection import Connection
from .poller import Poller
from .watch import Watch, new_watch

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .._core.kernels.stream import has_native, receive, send
    from .watch import ERROR, HANG_UP, READ, WRITE

    SHARE = 1 << 20  # bytes of one direction before others have their turn
    STAGING = 1 << 16  # bytes received in one call
    SMALL = 16384  # bytes after which what is held back for a full batch may wait for more

AGAIN = (-errno.EAGAIN, -errno.EWOULDBLOCK)
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close by RST
log = logging.getLogger("fastzt")

OnEnd = Callable[["Bridge"], None]


class Bridge:
    """A connection and a socket, which it owns; the bytes carried so far, and whether it has `failed`.

    `outward` is what came from the network. An end of one direction is passed on as such.
    """

    if not cython.compiled:
        __slots__ = (
            "connection",
            "dirty",
            "done",
            "failed",
            "fd",
            "hung_up",
            "inward",
            "inward_over",
            "may_read",
            "may_write",
            "on_end",
            "outward",
            "outward_over",
            "sock",
        )

    def __init__(self, connection: Connection, sock: socket.socket, on_end: OnEnd | None) -> None:
        self.connection = connection
        self.sock = sock
        self.fd = sock.fileno()
        self.on_end: Any = on_end
        self.may_read = True  # until the socket says otherwise
        self.may_write = True
        self.hung_up = False  # the socket's other end is closed, both ways
        self.inward_over = False
        self.outward_over = False
        self.failed = False
        self.dirty = False
        self.done = False
        self.inward = 0
        self.outward = 0


class Bridges:
    """All of a node, under its lock. Nothing waits, nothing raises but `add`."""

    if not cython.compiled:
        __slots__ = ("by_fd", "by_id", "count", "dirty", "native", "poller", "staging", "watch")

    def __init__(self, poller: Poller) -> None:
        self.poller = poller
        self.watch: Watch | None = None  # made with the first bridge
        self.staging: Slab | None = None
        self.count = 0
        self.by_id: dict[int, Bridge] = {}
        self.by_fd: dict[int, Bridge] = {}
        self.dirty: list[Bridge] = []
        self.native = has_native()

    def add(self, connection: Connection, sock: socket.socket, on_end: OnEnd | None) -> Bridge:
        """Begin to carry; `on_end(bridge)` is called under the lock. Raises OSError."""
        if self.watch is None:
            self.watch = new_watch(self.poller)
            self.staging = Slab(STAGING)
        sock.setblocking(False)
        self.watch.add(sock)
        bridge = Bridge(connection, sock, on_end)
        self.by_id[connection.handle.id] = bridge
        self.by_fd[bridge.fd] = bridge
        self.count += 1
        self.mark(bridge)
        return bridge

    def mark(self, bridge: Bridge) -> None:
        """There may be something to do for it."""
        if not bridge.dirty:
            bridge.dirty = True
            self.dirty.append(bridge)

    def touch(self, number: int) -> None:
        """Something happened to the connection with this id."""
        bridge = self.by_id.get(number)
        if bridge is not None:
            self.mark(bridge)

    def look(self) -> None:
        """See which sockets have become ready."""
        if self.watch is None:
            return
        for fd, events in self.watch.ready():
            bridge = self.by_fd.get(fd)
            if bridge is None:
                continue
            if events & (ERROR | HANG_UP):
                bridge.hung_up = bridge.hung_up or bool(events & HANG_UP)
                bridge.may_read = bridge.may_write = True
            bridge.may_read = bridge.may_read or bool(events & READ)
            bridge.may_write = bridge.may_write or bool(events & WRITE)
            self.mark(bridge)

    def is_due(self) -> bool:
        """Whether `carry` has something to do."""
        return len(self.dirty) > 0

    def carry(self, now: int) -> None:
        """Move what can be moved, a share for each."""
        todo, self.dirty = self.dirty, []
        for bridge in todo:
            bridge.dirty = False
            if bridge.done:
                continue
            try:
                if self.carry_one(bridge, now):
                    self.mark(bridge)
            except Exception:
                log.exception("an error in a bridge")
                bridge.failed = True
                self.end(bridge, now)

    def carry_one(self, bridge: Bridge, now: int) -> bool:
        """One bridge's share, both ways; whether there may be more to do at once."""
        more = self.carry_outward(bridge, now)
        if not bridge.failed:
            more = self.carry_inward(bridge, now) or more
        over = bridge.inward_over and (bridge.outward_over or bridge.hung_up)
        if bridge.failed or over:
            self.end(bridge, now)
            return False
        if self.watch is not None:
            wanted = 0 if bridge.may_read or bridge.inward_over else READ
            self.watch.want(bridge.sock, wanted if bridge.may_write else wanted | WRITE)
        return more

    def carry_outward(self, bridge: Bridge, now: int) -> bool:
        """From the network; whether the share is used up."""
        connection = bridge.connection
        ring = connection.rx.ring
        left = SHARE
        while bridge.may_write and left > 0:
            held = ring.used()
            if held == 0:
                break
            at = ring.head & (ring.capacity - 1)
            n = self.send(bridge, ring.slab, at, min(held, ring.capacity - at, left))
            if n <= 0:
                break
            ring.discard(n)
            left -= n
        if left < SHARE:
            bridge.outward += SHARE - left
            connection.after_read(now)
        if ring.used() == 0 and not bridge.outward_over and not bridge.failed:
            if connection.error != 0:
                bridge.failed = True
            elif connection.eof:
                bridge.outward_over = True
                with contextlib.suppress(OSError):
                    bridge.sock.shutdown(socket.SHUT_WR)
        return left <= 0

    def carry_inward(self, bridge: Bridge, now: int) -> bool:
        """To the network; whether the share is used up."""
        connection, staging = bridge.connection, self.staging
        left = SHARE
        while bridge.may_read and left > 0 and not bridge.inward_over and staging is not None:
            if not connection.may_write():
                bridge.inward_over = (
                    True  # our direction has ended, or the connection has: that is told outward
                )
                break
            room = connection.tx.free()
            if room <= 0:
                connection.wants_room = True
                break
            n = self.receive(bridge, staging, min(room, STAGING))
            if n <= 0:
                if n == 0:
                    bridge.inward_over = True
                    connection.shutdown_write(now)
                break
            connection.write(staging.view[:n], now)
            left -= n
        bridge.inward += SHARE - left
        if SHARE - SMALL < left < SHARE:
            connection.push(now)
        return left <= 0

    def send(self, bridge: Bridge, slab: Slab, offset: int, n: int) -> int:
        """Bytes sent; 0 and a mark on the bridge when none were."""
        done = send(bridge, slab, offset, n) if self.native else library.send(bridge, slab, offset, n)
        if done < 0:
            if done in AGAIN:
                bridge.may_write = False
            else:
                bridge.failed = True
            return 0
        return done

    def receive(self, bridge: Bridge, slab: Slab, n: int) -> int:
        """Bytes received, 0 at the end; negative and a mark on the bridge when there are none now."""
        done = receive(bridge, slab, 0, n) if self.native else library.receive(bridge, slab, 0, n)
        if done < 0:
            if done in AGAIN:
                bridge.may_read = False
            else:
                bridge.failed = True
        return done

    def end(self, bridge: Bridge, now: int) -> None:
        """Both ends are closed: in order, or as something that broke off."""
        if bridge.done:
            return
        bridge.done = True
        connection = bridge.connection
        del self.by_id[connection.handle.id], self.by_fd[bridge.fd]
        self.count -= 1
        if bridge.failed:
            connection.abort(now)
            if bridge.sock.family != getattr(socket, "AF_UNIX", None):
                with contextlib.suppress(OSError):
                    bridge.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        connection.close(now)
        with contextlib.suppress(OSError, ValueError, KeyError):
            if self.watch is not None:
                self.watch.forget(bridge.sock)
        bridge.sock.close()
        if bridge.on_end is not None:
            bridge.on_end(bridge)

    def release(self, now: int) -> None:
        """The node is about to end: what ended sockets gave is still delivered, the others are reset."""
        for bridge in list(self.by_id.values()):
            bridge.may_read = True
            self.carry_inward(bridge, now)
            bridge.failed = bridge.failed or not bridge.inward_over
            self.end(bridge, now)

    def close(self) -> None:
        """The node ends: close every socket. Harmless when repeated, and in a forked child."""
        for bridge in self.by_fd.values():
            bridge.done = True
            bridge.sock.close()
        self.by_id, self.by_fd, self.dirty, self.count = {}, {}, [], 0
        watch, self.watch = self.watch, None
        if watch is not None:
            watch.close()
