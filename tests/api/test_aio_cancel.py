"""Whatever is awaited may be cancelled at any step: no half-open connection, lost accept or timer is left."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import pytest
from support.aio_nodes import AioPair, aio_pair, make_nodes
from support.authority import Authority

import fastzt
from fastzt import aio

STEPS = 60 if fastzt.is_compiled() else 24  # rounds of the loop before a cancellation, at most
SILENT = "10.121.15.201"  # nobody answers there


@pytest.fixture(scope="module")
def pair() -> Iterator[AioPair]:
    with aio_pair("asyncio") as made:
        yield made


async def cancelled(pair: AioPair, begin: Callable[[], Awaitable[Any]], rounds: int) -> bool:
    """Begin something and cancel it after so many rounds of the loop; False when it was over before.

    What it gave is closed.
    """
    task = asyncio.ensure_future(begin())
    for _ in range(rounds):
        await asyncio.sleep(0)
    was_done = task.done()
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        assert task.exception() is None
        close(task.result())
    return not was_done


def close(result: Any) -> None:
    """Close streams, a transport with its protocol, or nothing."""
    if isinstance(result, tuple):
        for part in result:
            if isinstance(part, asyncio.StreamWriter):
                part.transport.abort()
            elif isinstance(part, asyncio.BaseTransport):
                part.abort()  # type: ignore[attr-defined]


async def cancel_everywhere(pair: AioPair, begin: Callable[[], Awaitable[Any]]) -> None:
    """Cancel after 0, 1, 2, ... rounds until it is over before that, or a bound is reached."""
    for rounds in range(STEPS):
        if not await cancelled(pair, begin, rounds):
            return


@contextlib.asynccontextmanager
async def serving(pair: AioPair, **options: Any) -> Any:
    """A server that keeps its connections until they end."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while await reader.read(1 << 16):
                pass
        writer.transport.abort()

    server = await pair.net_b.start_server(serve, 0, **options)
    yield server
    server.close()
    await server.wait_closed()
    pair.errors[:] = [context for context in pair.errors if "handshake" not in context["message"]]


def test_connecting(pair: AioPair) -> None:
    async def go() -> None:
        async with serving(pair) as server:
            await cancel_everywhere(pair, lambda: pair.net_a.open_connection(pair.host, server.port))
            # The server takes what comes after: no accept was lost on the way.
            _, writer = await pair.net_a.open_connection(pair.host, server.port)
            writer.write_eof()
            writer.close()
        await pair.settled()

    pair.run(go())


def test_connecting_to_nobody(pair: AioPair) -> None:
    async def go() -> None:
        for rounds in (0, 1, 2, 5, 10):
            assert await cancelled(pair, lambda: pair.net_a.open_connection(SILENT, 80), rounds)
            assert await cancelled(pair, lambda: pair.a.open_connection(SILENT, 80), rounds)
        await pair.settled()

    pair.run(go())


def test_connecting_with_tls(pair: AioPair) -> None:
    authority = Authority(pair.host)

    async def go() -> None:
        async with serving(pair, ssl=authority.server()) as server:
            await cancel_everywhere(
                pair,
                lambda: pair.net_a.open_connection(pair.host, server.port, ssl=authority.client()),
            )
        async with serving(pair) as server:  # which never answers the handshake
            for rounds in (0, 3, 10, 40):
                await cancelled(
                    pair,
                    lambda: pair.net_a.open_connection(pair.host, server.port, ssl=authority.client()),
                    rounds,
                )
        await pair.settled()

    pair.run(go())


def test_start_tls(pair: AioPair) -> None:
    authority = Authority(pair.host)

    async def go() -> None:
        async with serving(pair, ssl=authority.server()) as server:
            for rounds in range(0, STEPS, 3):
                streams = await pair.net_a.open_connection(pair.host, server.port)
                await cancelled(
                    pair,
                    partial(streams[1].start_tls, authority.client(), server_hostname=pair.host),
                    rounds,
                )
                close(streams)
        await pair.settled()

    pair.run(go())


def test_reading_and_draining(pair: AioPair) -> None:
    """The streams go on after a cancelled read or drain, and lose nothing."""

    async def go() -> None:
        ends: list[Any] = []

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            ends.append((reader, writer))

        server = await pair.net_b.start_server(connected, 0)
        reader, writer = await pair.net_a.open_connection(pair.host, server.port)
        await pair.until(lambda: bool(ends))
        for rounds in (0, 1, 5):
            assert await cancelled(pair, lambda: reader.read(1), rounds)
            assert await cancelled(pair, lambda: writer.wait_closed(), rounds)
        written = 0
        while writer.transport.get_write_buffer_size() < 1 << 17:
            writer.write(bytes(1 << 16))
            written += 1 << 16
            await asyncio.sleep(0)
        for rounds in (0, 1, 5):
            await cancelled(pair, writer.drain, rounds)  # which may be over before: the pipe still fills
        writer.write_eof()
        got = 0
        while data := await ends[0][0].read(1 << 16):
            got += len(data)
        assert got == written
        ends[0][1].write(b"answer")
        assert await reader.readexactly(6) == b"answer"
        for end in (writer, ends[0][1]):
            end.transport.abort()
        server.close()
        await server.wait_closed()
        await pair.settled()

    pair.run(go())


def test_serving(pair: AioPair) -> None:
    async def go() -> None:
        for rounds in range(10):
            server = await pair.net_b.create_server(asyncio.Protocol, 0)
            assert await cancelled(pair, server.serve_forever, rounds)
            server.close()
            await server.wait_closed()
            await cancel_everywhere(pair, lambda: accepted(pair))
        await pair.settled()

    async def accepted(pair: AioPair) -> None:
        async with await pair.net_b.create_server(asyncio.Protocol, 0):
            pass

    pair.run(go())


def test_waiting_for_a_server_to_end(pair: AioPair) -> None:
    async def go() -> None:
        server = await pair.net_b.create_server(asyncio.Protocol, 0)
        for rounds in (0, 1, 5):
            assert await cancelled(pair, server.wait_closed, rounds)
        server.close()
        await server.wait_closed()
        await pair.settled()

    pair.run(go())


def test_datagram_endpoints(pair: AioPair) -> None:
    async def go() -> None:
        await cancel_everywhere(pair, lambda: pair.net_a.create_datagram_endpoint(asyncio.DatagramProtocol))
        await pair.settled()

    pair.run(go())


def test_joining(pair: AioPair) -> None:
    """A cancelled join is undone; one of a network that was joined before is not."""

    async def go() -> None:
        other = pair.lab.network("10.121.17")  # not authorized
        for rounds in range(0, 30, 3):
            assert await cancelled(pair, lambda: pair.a.join(other, wait=True), rounds)
            assert not pair.a._driver.core.has_network(int(other, 16))
        await cancel_everywhere(pair, lambda: pair.a.join(pair.nwid))
        assert [network.id for network in pair.a.networks] == [pair.nwid]
        await pair.settled()

    pair.run(go())


def test_facts_of_the_network(pair: AioPair) -> None:
    async def go() -> None:
        for rounds in (0, 1, 5):
            assert await cancelled(pair, lambda: pair.a.whois(SILENT, timeout=60), rounds)
            events = pair.a.events()
            await cancelled(pair, events.__anext__, rounds)
            await events.aclose()
            await cancelled(pair, lambda: pair.net_a.resolve("localhost"), rounds)
        await pair.settled()

    pair.run(go())


def test_leaving(pair: AioPair) -> None:
    async def go() -> None:
        other = pair.lab.network("10.121.18", private=False)
        for rounds in range(4):
            network = await pair.a.join(other)
            await cancelled(pair, network.leave, rounds)
            assert not (rounds and pair.a._driver.core.has_network(int(other, 16)))
        await pair.settled()

    pair.run(go())


def test_starting_and_ending(pair: AioPair) -> None:
    """A cancelled start leaves nothing open, a cancelled close leaves nothing running."""

    async def go() -> None:
        made: list[aio.Node] = []
        for rounds in (0, 1, 2, 4):
            node, _ = make_nodes(pair.lab)
            task = asyncio.ensure_future(node.start())
            for _ in range(rounds):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                await node.close()
            made.append(node)
        for rounds in (0, 1, 2, 4):
            node, _ = make_nodes(pair.lab)
            await node.start()
            await cancelled(pair, node.close, rounds)
            if rounds:
                assert node.closed
            await node.close()
            made.append(node)
        assert all(node.closed for node in made)
        await pair.settled()

    pair.run(go())
