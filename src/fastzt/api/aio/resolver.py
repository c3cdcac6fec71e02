"""Resolver: asks the DNS servers of a network as the blocking one does, without blocking."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from .. import addresses, names
from ..resolver import (
    MAX_ANSWERS,
    MAX_STRAY,
    MAX_TTL,
    NEGATIVE_TTL,
    PER_SERVER,
    PORT,
    TRIES,
    TRUNCATED,
    Cache,
    addresses_of,
    answer_to,
    check_name,
    no_answer,
    question,
)

if TYPE_CHECKING:
    from dns.message import QueryMessage

    from .network import Network


async def resolve(dns: names.Dns, resolver: Resolver, host: str, timeout: float | None) -> list[bytes]:
    """As `names.resolve`."""
    ip = addresses.literal(host)
    if ip is not None:
        return [ip]
    loop = asyncio.get_running_loop()
    name = dns.full_name(host)
    if name is None:
        return await system(loop, host)
    found = await resolver.lookup(dns.servers, check_name(name), names.patience(timeout))
    return found or (await system(loop, host) if names.goes_on(dns, host, name) else [])


async def system(loop: asyncio.AbstractEventLoop, host: str) -> list[bytes]:
    """A literal's own address, or what the system knows, asked by a thread of the loop's."""
    ip = addresses.literal(host)
    return [ip] if ip is not None else await loop.run_in_executor(None, names.system, host)


class Answers(asyncio.DatagramProtocol):
    """Datagrams of a server, one after another."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes | Exception] = asyncio.Queue(MAX_STRAY)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Keep it, unless there are too many."""
        self._put(data)

    def error_received(self, exc: Exception) -> None:
        """Nobody answers there."""
        self._put(exc)

    def _put(self, item: bytes | Exception) -> None:
        if not self.queue.full():
            self.queue.put_nowait(item)


class Resolver:
    """Answers of one network's servers, kept for a while."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._cache = Cache(time.monotonic)

    async def lookup(self, servers: tuple[bytes, ...], name: str, timeout: float) -> list[bytes]:
        """The 16-byte addresses of a full name, IPv4 first; none when there is no such name.

        Raises NameResolutionError when no server answers in time.
        """
        known = self._cache.get(servers, name)
        if known is not None:
            return known
        found, ttl = await self._ask_all(servers, name, time.monotonic() + timeout)
        self._cache.put(servers, name, found, ttl)
        return found

    async def _ask_all(
        self, servers: tuple[bytes, ...], name: str, deadline: float
    ) -> tuple[list[bytes], float]:
        """The answer of the first server that gives one."""
        problem = "its network names no server that can be reached"
        for server in servers:
            left = min(PER_SERVER, deadline - time.monotonic())
            if left <= 0:
                problem = "time is up"
                break
            try:
                return await asyncio.wait_for(self._ask(addresses.host_text(server), name), left)
            except (OSError, ValueError, asyncio.TimeoutError) as error:
                problem = str(error) or type(error).__name__
        raise no_answer(name, problem)

    async def _ask(self, server: str, name: str) -> tuple[list[bytes], float]:
        """Both families from one server."""
        import dns.rdatatype

        found: list[bytes] = []
        ttl = MAX_TTL
        for kind in (dns.rdatatype.A, dns.rdatatype.AAAA):
            query = question(name, kind)
            answer = await self._ask_by_udp(server, query) or await self._ask_by_tcp(server, query)
            heard, lives = addresses_of(answer, kind)
            found += heard[:MAX_ANSWERS]
            ttl = min(ttl, lives) if heard else ttl
        return found, ttl if found else NEGATIVE_TTL

    async def _ask_by_udp(self, server: str, query: QueryMessage) -> QueryMessage | None:
        """One question and its answer; None when none comes that is whole."""
        try:
            transport, answers = await self._network.create_datagram_endpoint(
                Answers, remote_addr=(server, PORT)
            )
        except OSError:
            return None
        try:
            for patience in TRIES:
                transport.sendto(query.to_wire())
                answer = await self._hear(answers.queue, query, patience)
                if answer is not None:
                    return None if answer.flags & TRUNCATED else answer
        finally:
            transport.close()
        return None

    async def _hear(
        self, queue: asyncio.Queue[bytes | Exception], query: QueryMessage, patience: float
    ) -> QueryMessage | None:
        """The answer, if it comes in time; what is none is passed over (RFC 5452 9.1)."""
        end = time.monotonic() + patience
        for _ in range(MAX_STRAY):
            try:
                item = await asyncio.wait_for(queue.get(), max(end - time.monotonic(), 0.001))
                if isinstance(item, Exception):
                    return None
                return answer_to(query, item)
            except asyncio.TimeoutError:
                return None
            except ValueError:
                continue
        return None

    async def _ask_by_tcp(self, server: str, query: QueryMessage) -> QueryMessage:
        """As `_ask_by_udp`, but raises OSError, ValueError."""
        reader, writer = await self._network.open_connection(server, PORT, timeout=PER_SERVER)
        try:
            data = query.to_wire()
            writer.write(len(data).to_bytes(2, "big") + data)
            size = int.from_bytes(await reader.readexactly(2), "big")
            return answer_to(query, await reader.readexactly(size))
        except asyncio.IncompleteReadError:
            raise ValueError("the server closed the connection") from None
        finally:
            writer.transport.abort()
