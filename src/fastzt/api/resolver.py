"""Resolver: asks the DNS servers of a network through it, over UDP, and over TCP (RFC 7766) what is longer.

Needs `fastzt[dns]`.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._core.endpoint import V4_PREFIX
from ..errors import InputError, NameResolutionError

if TYPE_CHECKING:
    from dns.message import QueryMessage

    from .datagram import DatagramSocket
    from .socket import Socket

PORT = 53
MAX_CACHE = 256
MAX_TTL = 300.0  # seconds
NEGATIVE_TTL = 5.0
PER_SERVER = 3.0  # seconds for one server, of what there is for all
MAX_ANSWERS = 16
TRIES = (0.4, 0.8)  # seconds for an answer over UDP, before TCP is tried
MAX_DATAGRAM = 1232  # an answer that the path takes unfragmented: what is usual for EDNS (RFC 6891 6.2.5)
TRUNCATED = 0x0200  # the flag TC (RFC 1035 4.1.1)
MAX_STRAY = 16  # datagrams that are no answer, in one try
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

    def lookup(self, servers: tuple[bytes, ...], name: str, timeout: float) -> list[bytes]:
        """The 16-byte addresses of a full name, IPv4 first; none when there is no such name.

        Raises NameResolutionError when no server answers in time.
        """
        known = self._cache.get(servers, name)
        if known is not None:
            return known
        found, ttl = self._ask_all(servers, name, self._clock() + timeout)
        self._cache.put(servers, name, found, ttl)
        return found

    def _ask_all(self, servers: tuple[bytes, ...], name: str, deadline: float) -> tuple[list[bytes], float]:
        """The answer of the first server that gives one."""
        problem = "its network names no server that can be reached"
        for server in servers:
            left = min(PER_SERVER, deadline - self._clock())
            if left <= 0:
                problem = "time is up"
                break
            try:
                return self._ask(server, name, self._clock() + left)
            except (OSError, ValueError) as error:
                problem = str(error) or type(error).__name__
        raise no_answer(name, problem)

    def _ask(self, server: bytes, name: str, deadline: float) -> tuple[list[bytes], float]:
        """Both families from one server."""
        import dns.rdatatype

        found: list[bytes] = []
        ttl = MAX_TTL
        for kind in (dns.rdatatype.A, dns.rdatatype.AAAA):
            query = question(name, kind)
            answer = self._ask_by_udp(server, query, deadline) or self._ask_by_tcp(server, query, deadline)
            addresses, lives = addresses_of(answer, kind)
            found += addresses[:MAX_ANSWERS]
            ttl = min(ttl, lives) if addresses else ttl
        return found, ttl if found else NEGATIVE_TTL

    def _ask_by_udp(self, server: bytes, query: QueryMessage, deadline: float) -> QueryMessage | None:
        """One question and its answer; None when none comes that is whole."""
        try:
            with self._udp(server, PORT) as socket:
                for patience in TRIES:
                    socket.send(query.to_wire())
                    answer = self._hear(socket, query, min(deadline, self._clock() + patience))
                    if answer is not None:
                        return None if answer.flags & TRUNCATED else answer
        except OSError:
            return None
        return None

    def _hear(self, socket: DatagramSocket, query: QueryMessage, end: float) -> QueryMessage | None:
        """The answer, if it comes until `end`; what is none is passed over (RFC 5452 9.1)."""
        for _ in range(MAX_STRAY):
            socket.settimeout(max(end - self._clock(), 0.001))
            try:
                answer = answer_to(query, socket.recv(65535))
            except TimeoutError:
                return None
            except ValueError:
                continue
            return answer
        return None

    def _ask_by_tcp(self, server: bytes, query: QueryMessage, deadline: float) -> QueryMessage:
        """As `_ask_by_udp`, but raises OSError, ValueError."""
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


def question(name: str, kind: Any) -> QueryMessage:
    """The message that asks for a record."""
    import dns.message

    return dns.message.make_query(name, kind, use_edns=0, payload=MAX_DATAGRAM)


def answer_to(query: QueryMessage, data: bytes) -> QueryMessage:
    """A message as the answer to a question; raises ValueError when it is none."""
    import dns.exception
    import dns.message

    try:
        answer = dns.message.from_wire(data)
    except dns.exception.DNSException as error:
        raise ValueError(f"malformed answer ({error})") from None
    if not query.is_response(answer):
        raise ValueError("an answer to another question")
    return answer  # type: ignore[return-value]


def no_answer(name: str, problem: str) -> NameResolutionError:
    """The error of servers that do not answer."""
    return NameResolutionError(
        socket.EAI_AGAIN, f"{name}: no answer from the network's DNS servers: {problem}"
    )


def addresses_of(answer: QueryMessage, kind: Any) -> tuple[list[bytes], float]:
    """The addresses of an answer behind its aliases, and for how long they hold; raises ValueError."""
    import dns.exception
    import dns.rcode

    if answer.rcode() == dns.rcode.NXDOMAIN:
        return [], NEGATIVE_TTL
    if answer.rcode() != dns.rcode.NOERROR:
        raise ValueError(f"the server answers {dns.rcode.to_text(answer.rcode())}")
    try:
        chain = answer.resolve_chaining()
    except dns.exception.DNSException as error:
        raise ValueError(f"malformed answer ({error})") from None
    if chain.answer is None:
        return [], NEGATIVE_TTL
    packed = [ipaddress.ip_address(record.address).packed for record in chain.answer if record.rdtype == kind]
    return [ip if len(ip) == 16 else V4_PREFIX + ip for ip in packed], float(chain.minimum_ttl)


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
