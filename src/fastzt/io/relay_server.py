"""RelayServer: a TCP relay for nodes whose UDP is blocked (PROTOCOL-VL1 7.9).

Each connection has a UDP socket of its own. What has the shape of a VL1 packet is forwarded to public unicast
addresses, others that were allowed, and ports above 1024, at a bounded rate; anything else is dropped and
counted. One thread, sockets that never block.
"""

from __future__ import annotations

import contextlib
import ipaddress
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .._core.endpoint import Endpoint
from ..wire import tcp_relay
from ..wire.reader import Malformed

READ = 1 << 16
BURST = 64  # datagrams read from one UDP socket before others have their turn
BACKLOG = 64
MAX_PENDING = 128 << 10  # bytes that wait for a slow client; what comes then is lost
SWEEP = 1.0  # seconds between looks for connections to end

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """Caps of a relay. Rates in bytes a second, each way; times in seconds."""

    connections: int = 256
    per_address: int = 16
    rate: int = 1 << 20  # of one connection
    total_rate: int = 16 << 20
    greeting: float = 5.0
    idle: float = 300.0


class Bucket:
    """A token bucket of one second's worth."""

    __slots__ = ("last", "rate", "tokens")

    def __init__(self, rate: int, now: float) -> None:
        self.rate = rate
        self.tokens = float(rate)
        self.last = now

    def refill(self, now: float) -> None:
        """Add what has come in since the last look."""
        self.tokens = min(self.rate, self.tokens + (now - self.last) * self.rate)
        self.last = now

    def has(self, n: int, now: float) -> bool:
        """Whether `n` bytes may pass."""
        self.refill(now)
        return self.tokens >= n


@dataclass(eq=False)
class Connection:
    """One client: its TCP connection and the UDP socket that speaks for it."""

    tcp: socket.socket
    udp: socket.socket
    address: str
    bucket: Bucket
    since: float
    last: float
    greeted: bool = False
    records: tcp_relay.Records = field(default_factory=tcp_relay.Records)
    pending: bytearray = field(default_factory=bytearray)


class RelayServer:
    """Listens on `bind`, a list of (ip, port); `allowed` are prefixes served beside the public addresses.

    `serve_once(timeout)` does what there is to do; `counts` tells what was forwarded and why not.
    """

    def __init__(
        self,
        bind: list[tuple[str, int]],
        allowed: list[Network] | None = None,
        limits: RelayLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits or RelayLimits()
        self.allowed = allowed or []
        self.clock = clock
        self.counts: dict[str, int] = {}
        self.connections: set[Connection] = set()
        self._total = Bucket(self.limits.total_rate, clock())
        self._swept = clock()
        self._selector = selectors.DefaultSelector()
        self._listeners: list[socket.socket] = []
        try:
            for host, port in bind:
                self._listen(host, port)
        except OSError:
            self.close()
            raise

    def _listen(self, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.create_server((host, port), family=family, backlog=BACKLOG)
        sock.setblocking(False)
        self._listeners.append(sock)
        self._selector.register(sock, selectors.EVENT_READ, lambda _: self._accept(sock))

    @property
    def endpoints(self) -> list[Endpoint]:
        """Where it listens."""
        return [Endpoint.parse(*sock.getsockname()[:2]) for sock in self._listeners]

    def count(self, what: str, n: int = 1) -> None:
        """Count something."""
        self.counts[what] = self.counts.get(what, 0) + n

    def serve_once(self, timeout: float) -> None:
        """Serve whatever is ready, after waiting for it up to `timeout` seconds."""
        for key, events in self._selector.select(min(timeout, SWEEP)):
            key.data(events)
        now = self.clock()
        if now - self._swept >= SWEEP:
            self._swept = now
            self._sweep(now)

    # Connections

    def _accept(self, listener: socket.socket) -> None:
        try:
            tcp, address = listener.accept()
        except OSError:
            return
        host = str(address[0])
        same = sum(1 for connection in self.connections if connection.address == host)
        if len(self.connections) >= self.limits.connections or same >= self.limits.per_address:
            self.count("refused")
            tcp.close()
            return
        try:
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.bind(("0.0.0.0", 0))
            udp.setblocking(False)
            tcp.setblocking(False)
            tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            self.count("refused")
            tcp.close()
            return
        now = self.clock()
        connection = Connection(tcp, udp, host, Bucket(self.limits.rate, now), now, now)
        self.connections.add(connection)
        self.count("accepted")
        self._selector.register(tcp, selectors.EVENT_READ, lambda events: self._tcp(connection, events))
        self._selector.register(udp, selectors.EVENT_READ, lambda _: self._udp(connection))

    def _end(self, connection: Connection) -> None:
        if connection in self.connections:
            self.connections.remove(connection)
            for sock in (connection.tcp, connection.udp):
                self._selector.unregister(sock)
                sock.close()

    def _sweep(self, now: float) -> None:
        """End who has not greeted in time, and who is silent."""
        for connection in list(self.connections):
            late = not connection.greeted and now - connection.since >= self.limits.greeting
            if late or now - connection.last >= self.limits.idle:
                self.count("timed_out")
                self._end(connection)

    # From the client

    def _tcp(self, connection: Connection, events: int) -> None:
        if connection not in self.connections:
            return
        if events & selectors.EVENT_WRITE:
            self._flush(connection)
        if not events & selectors.EVENT_READ or connection not in self.connections:
            return
        try:
            data = connection.tcp.recv(READ)
            if not data:
                self._end(connection)
            for body in connection.records.feed(data):
                self._record(connection, body)
        except BlockingIOError:
            return
        except (OSError, Malformed):
            self.count("broken")
            self._end(connection)

    def _record(self, connection: Connection, body: bytes) -> None:
        if not connection.greeted:
            if len(body) != tcp_relay.GREETING_LENGTH:
                raise Malformed("no greeting")
            connection.greeted = True
            return
        found = tcp_relay.parse_datagram(body)
        if found is None:
            return
        endpoint, data = found
        if not endpoint.is_v4 or not self.may_send(endpoint) or not tcp_relay.looks_like_vl1(data):
            self.count("unwanted")
        elif self._take(connection, len(data)):
            with contextlib.suppress(OSError):
                connection.udp.sendto(data, (str(endpoint.address), endpoint.port))
                connection.last = self.clock()
                self.count("to_udp")

    def may_send(self, endpoint: Endpoint) -> bool:
        """Whether the relay serves this target."""
        if endpoint.port < tcp_relay.FIRST_PORT:
            return False
        address = endpoint.address
        if any(address in network for network in self.allowed):
            return True
        return address.is_global and not address.is_multicast

    def _take(self, connection: Connection, n: int) -> bool:
        now = self.clock()
        if not (connection.bucket.has(n, now) and self._total.has(n, now)):
            self.count("over_rate")
            return False
        connection.bucket.tokens -= n
        self._total.tokens -= n
        return True

    # To the client

    def _udp(self, connection: Connection) -> None:
        with contextlib.suppress(OSError):
            for _ in range(BURST):
                if connection not in self.connections:
                    return
                data, (host, port) = connection.udp.recvfrom(READ)
                if not connection.greeted or not tcp_relay.looks_like_vl1(data):
                    self.count("unwanted")
                elif len(connection.pending) > MAX_PENDING:
                    self.count("client_slow")
                elif self._take(connection, len(data)):
                    connection.pending += tcp_relay.datagram(Endpoint.parse(host, port), data)
                    connection.last = self.clock()
                    self.count("to_tcp")
                    self._flush(connection)

    def _flush(self, connection: Connection) -> None:
        """Send what the client takes, and watch for room for the rest."""
        try:
            while connection.pending:
                del connection.pending[: connection.tcp.send(connection.pending)]
        except BlockingIOError:
            pass
        except OSError:
            self._end(connection)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.pending else 0)
        key = self._selector.get_key(connection.tcp)
        if key.events != wanted:
            self._selector.modify(connection.tcp, wanted, key.data)

    def close(self) -> None:
        """End every connection, stop listening."""
        for connection in list(self.connections):
            self._end(connection)
        for sock in self._listeners:
            sock.close()
        self._selector.close()
