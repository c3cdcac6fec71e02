"""Resolver: asks the DNS servers of a network as the blocking one does, without blocking."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import addresses, names
from ..lookup import MAX_STRAY, RESOLUTION_DELAY, Lookup, answer_to
from ..resolver import PER_SERVER, PORT, Cache, check_name, no_answer, share

if TYPE_CHECKING:
    from dns.message import QueryMessage

    from .network import Network


async def resolve(
    dns_now: Callable[[], names.Dns],
    resolver: Resolver,
    host: str,
    timeout: float | None,
    delay: float | None = RESOLUTION_DELAY,
) -> list[bytes]:
    """As `names.resolve`."""
    ip = addresses.literal(host)
    if ip is not None:
        return [ip]
    loop = asyncio.get_running_loop()
    dns = dns_now()
    name = dns.full_name(host)
    if name is None:
        return await system(loop, host)
    found = await resolver.lookup(dns.servers, check_name(name), names.patience(timeout), delay)
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

    async def lookup(
        self,
        servers: tuple[bytes, ...],
        name: str,
        timeout: float,
        delay: float | None = RESOLUTION_DELAY,
    ) -> list[bytes]:
        """As the blocking one's."""
        known = self._cache.get(servers, name)
        if known is not None:
            return known
        found, ttl = await self._ask_all(servers, name, time.monotonic() + timeout, delay)
        self._cache.put(servers, name, found, ttl)
        return found

    async def _ask_all(
        self, servers: tuple[bytes, ...], name: str, deadline: float, delay: float | None
    ) -> tuple[list[bytes], float]:
        """The answer of the first server that gives one."""
        problem = "its network names no server that can be reached"
        for server in servers:
            left = share(server is servers[-1], deadline - time.monotonic())
            if left <= 0:
                problem = "time is up"
                break
            try:
                return await asyncio.wait_for(self._ask(addresses.host_text(server), name, delay), left)
            except (OSError, ValueError, asyncio.TimeoutError) as error:
                problem = str(error) or type(error).__name__
        raise no_answer(name, problem)

    async def _ask(self, server: str, name: str, delay: float | None) -> tuple[list[bytes], float]:
        """Both families from one server; raises OSError, ValueError."""
        lookup = Lookup(name, time.monotonic(), delay)
        with contextlib.suppress(OSError):
            await self._ask_by_udp(server, lookup)
        for kind, query in lookup.missing():
            try:
                lookup.accept(kind, await self._ask_by_tcp(server, query))
            except (OSError, ValueError):
                if not lookup.is_positive():
                    raise
        return lookup.result()

    async def _ask_by_udp(self, server: str, lookup: Lookup) -> None:
        """Ask and listen until there is nothing more to wait for."""
        transport, answers = await self._network.create_datagram_endpoint(Answers, remote_addr=(server, PORT))
        try:
            now = time.monotonic()
            while not lookup.is_over(now):
                for data in lookup.questions(now):
                    transport.sendto(data)
                with contextlib.suppress(asyncio.TimeoutError):
                    item = await asyncio.wait_for(answers.queue.get(), max(lookup.until() - now, 0.001))
                    if isinstance(item, Exception):
                        return
                    lookup.take(item, time.monotonic())
                now = time.monotonic()
        finally:
            transport.close()

    async def _ask_by_tcp(self, server: str, query: QueryMessage) -> QueryMessage:
        """One question and its answer; raises OSError, ValueError."""
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
