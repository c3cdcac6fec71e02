"""Resolver: asks the DNS servers of a network through it, over UDP, and over TCP (RFC 7766) what is longer.

Needs `fastzt[dns]`.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import InputError, NameResolutionError
from .lookup import RESOLUTION_DELAY, Lookup, answer_to

if TYPE_CHECKING:
    from dns.message import QueryMessage

    from .datagram import DatagramSocket
    from .socket import Socket

PORT = 53
MAX_CACHE = 256
PER_SERVER = 3.0  # seconds for a server while there are more
Connect = Callable[[bytes, int, float], "Socket"]
OpenUdp = Callable[[bytes, int], "DatagramSocket"]


class Cache:
    """Answers by servers and name, for as long as they hold."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._kept: dict[tuple[tuple[bytes, ...], str], tuple[float, list[bytes]]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, servers: tuple[bytes, ...], name: str) -> list[bytes] | None:
        """What is known, if anything."""
        with self._guard:
            known = self._kept.get((servers, name.lower()))
        return known[1] if known is not None and known[0] > self._clock() else None

    def put(self, servers: tuple[bytes, ...], name: str, found: list[bytes], ttl: float) -> None:
        """Keep an answer for `ttl` seconds."""
        key = (servers, name.lower())
        with self._guard:
            self._kept.pop(key, None)
            while len(self._kept) >= MAX_CACHE:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = (self._clock() + ttl, found)


class Resolver:
    """Answers of one network's servers, kept for a while.

    `connect(ip16, port, timeout)` and `udp(ip16, port)` give connected sockets to a server.
    """

    def __init__(self, connect: Connect, udp: OpenUdp, clock: Callable[[], float] = time.monotonic) -> None:
        self._connect = connect
        self._udp = udp
        self._clock = clock
        self._cache = Cache(clock)

    def lookup(
        self,
        servers: tuple[bytes, ...],
        name: str,
        timeout: float,
        delay: float | None = RESOLUTION_DELAY,
    ) -> list[bytes]:
        """The 16-byte addresses of a full name, IPv4 first; none when there is no such name.

        `delay`: as of Lookup. Raises NameResolutionError when no server answers in time.
        """
        known = self._cache.get(servers, name)
        if known is not None:
            return known
        found, ttl = self._ask_all(servers, name, self._clock() + timeout, delay)
        self._cache.put(servers, name, found, ttl)
        return found

    def _ask_all(
        self, servers: tuple[bytes, ...], name: str, deadline: float, delay: float | None
    ) -> tuple[list[bytes], float]:
        """The answer of the first server that gives one."""
        problem = "its network names no server that can be reached"
        for server in servers:
            left = share(server is servers[-1], deadline - self._clock())
            if left <= 0:
                problem = "time is up"
                break
            try:
                return self._ask(server, name, self._clock() + left, delay)
            except (OSError, ValueError) as error:
                problem = str(error) or type(error).__name__
        raise no_answer(name, problem)

    def _ask(
        self, server: bytes, name: str, deadline: float, delay: float | None
    ) -> tuple[list[bytes], float]:
        """Both families from one server; raises OSError, ValueError."""
        lookup = Lookup(name, self._clock(), delay)
        with contextlib.suppress(OSError), self._udp(server, PORT) as socket:
            self._converse(socket, lookup, deadline)
        for kind, query in lookup.missing():
            try:
                lookup.accept(kind, self._ask_by_tcp(server, query, deadline))
            except (OSError, ValueError):
                if not lookup.is_positive():
                    raise
        return lookup.result()

    def _converse(self, socket: DatagramSocket, lookup: Lookup, deadline: float) -> None:
        """Ask and listen over UDP until there is nothing more to wait for."""
        now = self._clock()
        while now < deadline and not lookup.is_over(now):
            for data in lookup.questions(now):
                socket.send(data)
            socket.settimeout(max(min(lookup.until(), deadline) - now, 0.001))
            with contextlib.suppress(TimeoutError):
                lookup.take(socket.recv(65535), self._clock())
            now = self._clock()

    def _ask_by_tcp(self, server: bytes, query: QueryMessage, deadline: float) -> QueryMessage:
        """One question and its answer; raises OSError, ValueError."""
        with self._connect(server, PORT, max(deadline - self._clock(), 0.001)) as connection:
            return self._exchange(connection, query, deadline)

    def _exchange(self, connection: Socket, query: QueryMessage, deadline: float) -> QueryMessage:
        """One question and its answer; raises ValueError for an answer that is none."""
        data = query.to_wire()
        connection.settimeout(max(deadline - self._clock(), 0.001))
        connection.sendall(len(data).to_bytes(2, "big") + data)
        size = int.from_bytes(self._read(connection, 2, deadline), "big")
        return answer_to(query, self._read(connection, size, deadline))

    def _read(self, connection: Socket, size: int, deadline: float) -> bytes:
        """Exactly `size` bytes."""
        data = b""
        while len(data) < size:
            connection.settimeout(max(deadline - self._clock(), 0.001))
            more = connection.recv(size - len(data))
            if not more:
                raise ValueError("the server closed the connection")
            data += more
        return data


def share(last: bool, left: float) -> float:
    """Seconds for a server, of what is left: all for the last one."""
    return left if last else min(left, PER_SERVER)


def no_answer(name: str, problem: str) -> NameResolutionError:
    """The error of servers that do not answer."""
    return NameResolutionError(
        socket.EAI_AGAIN, f"{name}: no answer from the network's DNS servers: {problem}"
    )


def check_name(name: str) -> str:
    """A name that can be asked for; raises InputError when dnspython is not there, or the name is none."""
    try:
        import dns.exception
        import dns.name
    except ImportError:
        raise InputError(
            f"{name} is a name of a network's own DNS: pip install 'fastzt[dns]' resolves it"
        ) from None
    try:
        return dns.name.from_text(name).to_text(omit_final_dot=True)
    except (dns.exception.DNSException, UnicodeError) as error:
        raise InputError(f"{name!r} is not a host name: {error}") from None
