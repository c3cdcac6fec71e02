"""Stack: IP and TCP of one network, sans-IO: packets and time come in, packets leave by the Egress."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from .._core.stats import Stats, register
from .._core.timer_wheel import TimerWheel
from .config import StackConfig
from .egress import Egress
from .ingress import Ingress
from .ip_packet import is_unicast
from .ports import TABLE, EphemeralPorts
from .socket_table import SocketTable
from .tcp.connection import Connection
from .tcp.listener import TcpListener
from .window_budget import WindowBudget

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .tcp.state import SYN_SENT


REPLY_EXPIRED = register("netstack.reply_expired")


class Stack(Ingress):
    """One per network. Whoever owns the shared wheel calls `expired(now)` of the owner of each due timer."""

    if not cython.compiled:
        __slots__ = ("connecting", "ports", "resolving")

    def __init__(
        self,
        egress: Egress,
        wheel: TimerWheel,
        entropy: Callable[[int], bytes],
        config: StackConfig,
        sockets: SocketTable,
        stats: Stats | None = None,
        windows: WindowBudget | None = None,
    ) -> None:
        super().__init__(egress, wheel, entropy, config, sockets, stats, windows)
        self.ports = EphemeralPorts(entropy(16), entropy(2 * TABLE))
        self.resolving: dict[bytes, list[Connection]] = {}
        self.connecting: list[Connection] = []

    # Addresses and routes

    def add_address(self, ip: bytes, prefix: int) -> None:
        """Answer for a 16-byte address; `prefix` is that of its family. Raises ValueError."""
        self.routes.add_address(ip, prefix)

    def remove_address(self, ip: bytes, now: int) -> None:
        """Give an address up: its flows end."""
        self.routes.remove_address(ip)
        for flow in self.flows.flows():
            if flow.local == ip:
                flow.fail(errno.ENETDOWN, now)
        self.datagrams.address_removed(ip, now)

    def set_routes(self, routes: Iterable[tuple[bytes, int, bytes | None, int]]) -> None:
        """Replace the routes: (target, prefix of its family, via or None, metric). Raises ValueError."""
        self.routes.set_routes(routes)

    # What the network tells

    def resolved(self, ip: bytes, peer: object, now: int) -> None:
        """The neighbor `ip` is `peer`: connects that waited for it go on."""
        for connection in self.resolving.pop(ip, ()):
            if connection.state == SYN_SENT and connection.peer is None:
                connection.resolved(peer, now)
        self.datagrams.resolved(ip, peer, now)

    def unreachable(self, ip: bytes, now: int) -> None:
        """Nobody answers for the neighbor `ip`: connects that waited for it fail."""
        for connection in self.resolving.pop(ip, ()):
            if connection.peer is None:
                connection.unreachable(errno.EHOSTUNREACH, now)
        self.datagrams.unreachable(ip)

    def refused(self, peer: object, now: int) -> None:
        """The peer's data plane refused us: pending connects to it end at once."""
        for connection in self.connecting:
            if connection.peer == peer:
                connection.unreachable(errno.EHOSTUNREACH, now)
        self.datagrams.refused(peer, now)

    def path_changed(self, peer: object | None, now: int) -> None:
        """Packets to a peer (None: to any) take another way than before."""
        for flow in self.flows.flows():
            if peer is None or flow.peer == peer:
                flow.path_changed(now)

    # The user

    def connect(
        self,
        ip: bytes,
        port: int,
        now: int,
        *,
        local_port: int = 0,
        options: dict[str, int | str] | None = None,
    ) -> Connection:
        """Begin an active open to a 16-byte address; raises OSError (ENETUNREACH, EADDRINUSE, ENOBUFS)."""
        own = self.routes.is_local(ip)
        hop, source = (ip, ip) if own else self.routes.way(ip)
        if hop is None or source is None or not is_unicast(ip) or not 0 < port < 65536:
            raise os_error(errno.ENETUNREACH)
        if self.flows.count >= self.config.max_flows:
            raise os_error(errno.ENOBUFS)

        def taken(candidate: int) -> bool:
            if own and candidate == port:  # a connection to itself would answer its own SYN
                return True
            return self.flows.get(source, candidate, ip, port) is not None

        if local_port and taken(local_port):
            raise os_error(errno.EADDRINUSE)
        chosen = local_port or self.ports.choose(source, ip, port, taken)
        if chosen == 0:
            raise os_error(errno.EADDRNOTAVAIL)
        connection = Connection(self, source, chosen, ip, port, None)
        for name, value in (options or {}).items():
            connection.set_option(name, value, now)
        self.flows.add(connection)
        self.connecting = [other for other in self.connecting if other.state == SYN_SENT]
        self.connecting.append(connection)
        iss, ts_offset = self.isn.start(source, chosen, ip, port, now)
        connection.open(iss, ts_offset, now)
        neighbor = self.egress.resolve(hop, now)
        if neighbor is None:
            self.resolving.setdefault(hop, []).append(connection)
        else:
            connection.resolved(neighbor, now)
        return connection

    def unconnected(self) -> Connection:
        """A connection that never was: each use of it raises OSError (ENOTCONN)."""
        connection = Connection(self, bytes(16), 0, bytes(16), 0, None)
        connection.open(0, 0, 0)
        connection.fail(errno.ENOTCONN, 0)
        return connection

    def listen(
        self,
        ip: bytes | None,
        port: int,
        backlog: int,
        now: int,
        options: dict[str, int | str] | None = None,
    ) -> TcpListener:
        """Listen on an address of ours, or on all (None); raises OSError (EADDRINUSE, EADDRNOTAVAIL)."""
        if ip is not None and not self.routes.is_local(ip):
            raise os_error(errno.EADDRNOTAVAIL)
        if not 0 <= port < 65536 or (ip, port) in self.listeners:
            raise os_error(errno.EADDRINUSE)
        if port == 0:
            zero = bytes(16)
            port = self.ports.choose(zero, zero, 0, lambda p: any(p == other for _, other in self.listeners))
        listener = TcpListener(
            None, ip, port, max(1, min(backlog, self.config.max_backlog)), dict(options or {}), self.forget
        )
        listener.handle = self.sockets.allocate(listener)
        self.listeners[ip, port] = listener
        return listener

    def forget(self, listener: TcpListener, now: int) -> None:
        """A listener closes: its half-open connections go, too."""
        self.listeners.pop((listener.address, listener.port), None)
        if listener.handle is not None:
            self.sockets.release(listener.handle)
        for half in [half for half in self.half_open if half.listener is listener]:
            half.close()

    def end(self, now: int) -> None:
        """Reset the connections that the user has not closed, and stop listening."""
        for flow in self.flows.flows():
            if isinstance(flow, Connection) and not flow.orphan:
                flow.abort(now)
        for listener in list(self.listeners.values()):
            listener.close(now)
        self.datagrams.close(0, now)

    def close(self, now: int) -> None:
        """The network is gone: every connection fails (ENETDOWN), and listening stops."""
        for flow in self.flows.flows():
            flow.fail(errno.ENETDOWN, now)
        for listener in list(self.listeners.values()):
            listener.close(now)
        self.datagrams.close(errno.ENETDOWN, now)

    def is_quiet(self) -> bool:
        """Whether what was written to connections since closed is acknowledged, and each datagram sent."""
        if self.datagrams.busy:
            return False
        return not any(isinstance(flow, Connection) and flow.is_delivering() for flow in self.flows.flows())

    # The way out

    def transmit(self, now: int) -> bool:
        """Send what is ready; True when something was sent and more waits for room."""
        before = self.emitter.sent
        blocked = False
        for _ in range(len(self.replies)):
            reply = self.replies.popleft()
            if not reply.output(now):
                continue
            if reply.is_stale(now):
                self.stats.drop(REPLY_EXPIRED)
            else:
                blocked = True
                self.replies.append(reply)
        for _ in range(len(self.queue)):
            flow = self.queue.popleft()
            flow.queued = False
            if flow.output(now):
                blocked = True
                self.wake(flow)
        return blocked and self.emitter.sent != before


def os_error(number: int) -> OSError:
    """An OSError with the errno's own text."""
    return OSError(number, os.strerror(number))
