"""Streams of fastzt.aio are asyncio's, over the network."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import random
from collections.abc import Iterator

import pytest
from support.aio_nodes import AioPair, aio_pair

import fastzt
from fastzt import aio

RESETS = 20
SIZE = 8 << 20 if fastzt.is_compiled() else 512 << 10


@pytest.fixture(scope="module", params=["asyncio", "uvloop", "threads"])
def pair(request: pytest.FixtureRequest) -> Iterator[AioPair]:
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    with aio_pair(request.param) as made:
        yield made


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send everything back, then end."""
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


def test_data_goes_both_ways(pair: AioPair) -> None:
    async def go() -> None:
        async with await pair.net_b.start_server(echo, 0) as server:
            reader, writer = await pair.net_a.open_connection(pair.host, server.port)
            writer.write(b"question")
            assert await reader.readexactly(8) == b"question"
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()
        await pair.settled()

    pair.run(go())


def test_a_transfer_is_intact(pair: AioPair) -> None:
    data = random.Random(1).randbytes(SIZE)

    async def go() -> None:
        async with await pair.net_b.start_server(echo, 0) as server:
            reader, writer = await pair.net_a.open_connection(pair.host, server.port)

            async def send() -> None:
                for start in range(0, SIZE, 100_000):
                    writer.write(data[start : start + 100_000])
                    await writer.drain()
                writer.write_eof()

            sending = asyncio.ensure_future(send())
            digest, n = hashlib.sha256(), 0
            while piece := await reader.read(1 << 18):
                digest.update(piece)
                n += len(piece)
            await sending
            assert (n, digest.digest()) == (SIZE, hashlib.sha256(data).digest())
            writer.close()
            await writer.wait_closed()
        await pair.settled()

    pair.run(go())


def test_the_other_end_is_authenticated(pair: AioPair) -> None:
    async def go() -> None:
        seen: list[str] = []

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.append(writer.get_extra_info("peer_id"))
            writer.close()

        async with await pair.net_b.start_server(connected, 0) as server:
            reader, writer = await pair.net_a.open_connection(pair.host, server.port)
            assert writer.get_extra_info("peername") == (pair.host, server.port)
            assert writer.get_extra_info("sockname")[0] == str(pair.net_a.addresses[0].ip)
            assert writer.get_extra_info("peer_id") == pair.b.id
            assert await reader.read() == b""
            assert seen == [pair.a.id]
            writer.close()
            await writer.wait_closed()
        await pair.settled()

    pair.run(go())


def test_many_connections_at_once(pair: AioPair) -> None:
    count = 200 if fastzt.is_compiled() else 20

    async def one(port: int, number: int) -> None:
        reader, writer = await pair.net_a.open_connection(pair.host, port, timeout=60)
        writer.write(b"%d" % number)
        writer.write_eof()
        assert await reader.read() == b"%d" % number
        writer.close()
        await writer.wait_closed()

    async def go() -> None:
        async with await pair.net_b.start_server(echo, 0, backlog=count) as server:
            await asyncio.gather(*(one(server.port, number) for number in range(count)))
        await pair.settled()

    pair.run(go())


def test_a_slow_reader_stops_the_sender(pair: AioPair) -> None:
    """Back-pressure through both ends: what nobody reads stays where it is made."""
    writers: list[asyncio.StreamWriter] = []
    readers: list[asyncio.StreamReader] = []

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        readers.append(reader)
        writers.append(writer)

    async def go() -> None:
        async with await pair.net_b.start_server(connected, 0, limit=1 << 16) as server:
            _, writer = await pair.net_a.open_connection(pair.host, server.port)
            piece, sent = bytes(1 << 16), 0

            async def send() -> None:
                nonlocal sent
                while sent < 1 << 29:
                    writer.write(piece)
                    sent += len(piece)
                    await writer.drain()

            sending = asyncio.ensure_future(send())
            before = -1
            while before != sent:  # until it has come to rest
                before = sent
                await asyncio.sleep(0.5)
            assert not sending.done()
            assert len(readers[0]._buffer) <= 1 << 19  # type: ignore[attr-defined]
            assert writer.transport.get_write_buffer_size() <= 1 << 18
            got = 0
            while got < before:
                got += len(await readers[0].read(1 << 20))
            assert sent > before  # it has gone on
            sending.cancel()
            await asyncio.wait([sending])
            for end in (writer, *writers):
                end.transport.abort()
        await pair.settled()

    pair.run(go())


def test_a_reset_reaches_reader_and_writer(pair: AioPair) -> None:
    async def go() -> None:
        async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(1)
            writer.transport.abort()

        async with await pair.net_b.start_server(reset, 0) as server:
            reader, writer = await pair.net_a.open_connection(pair.host, server.port)
            writer.write(b"x")
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.write(b"into the void")
            with pytest.raises(ConnectionResetError):
                await writer.drain()
            assert writer.is_closing()
        await pair.settled()

    pair.run(go())


def test_refusals_and_routes(pair: AioPair) -> None:
    async def go() -> None:
        with pytest.raises(ConnectionRefusedError, match=pair.host):
            await pair.net_a.open_connection(pair.host, 9)
        with pytest.raises(fastzt.NoRouteError, match=r"192\.0\.2\.1"):
            await pair.net_a.open_connection("192.0.2.1", 80)
        with pytest.raises(fastzt.NoRouteError):
            await pair.a.open_connection("192.0.2.1", 80)
        with pytest.raises(TimeoutError, match="no connection"):
            await pair.net_a.open_connection("10.121.15.201", 80, timeout=0.05)
        with pytest.raises(fastzt.InputError):
            await pair.net_a.open_connection(pair.host, 0)
        with pytest.raises(fastzt.InputError, match="not an address of this node"):
            await pair.net_b.start_server(echo, 0, "10.9.9.9")
        await pair.settled()

    pair.run(go())


def test_the_node_finds_the_network(pair: AioPair) -> None:
    async def go() -> None:
        async with await pair.net_b.start_server(echo, 0) as server:
            reader, writer = await pair.a.open_connection(pair.host, server.port)
            writer.write(b"x")
            assert await reader.readexactly(1) == b"x"
            writer.close()
            await writer.wait_closed()
        await pair.settled()

    pair.run(go())


def test_a_port_is_taken_once(pair: AioPair) -> None:
    async def go() -> None:
        server = await pair.net_b.start_server(echo, 0)
        assert server.sockets[0].getsockname() == ("0.0.0.0", server.port)
        with pytest.raises(OSError, match="in use") as caught:
            await pair.net_b.start_server(echo, server.port)
        assert caught.value.errno == errno.EADDRINUSE
        server.close()
        await server.wait_closed()
        assert server.sockets == ()
        again = await pair.net_b.start_server(echo, server.port)
        again.close()
        await pair.settled()

    pair.run(go())


def test_a_server_that_fails_to_serve(pair: AioPair) -> None:
    async def fail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise ZeroDivisionError

    def refuse() -> asyncio.BaseProtocol:
        raise ZeroDivisionError

    async def go() -> None:
        async with await pair.net_b.start_server(fail, 0) as server:
            reader, writer = await pair.net_a.open_connection(pair.host, server.port)
            assert await reader.read() == b""
            writer.close()
        async with await pair.net_b.create_server(refuse, 0) as server:
            for _ in range(RESETS):  # one may come between two looks of the loop, from another thread
                reader, writer = await pair.net_a.open_connection(pair.host, server.port)
                with pytest.raises(ConnectionResetError):
                    await reader.read()
        await pair.settled()
        assert [type(context["exception"]) for context in pair.errors] == [ZeroDivisionError] * (1 + RESETS)
        pair.errors.clear()

    pair.run(go())


def test_serve_forever_ends_when_cancelled(pair: AioPair) -> None:
    async def go() -> None:
        server = await pair.net_b.start_server(echo, 0, start_serving=False)
        assert not server.is_serving()
        serving = asyncio.ensure_future(server.serve_forever())
        reader, writer = await pair.net_a.open_connection(pair.host, server.port)
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        serving.cancel()
        await asyncio.wait([serving])
        assert serving.cancelled()
        assert not server.is_serving()
        writer.close()
        await server.wait_closed()
        await pair.settled()

    pair.run(go())


def test_whois_and_events(pair: AioPair) -> None:
    async def go() -> None:
        assert await pair.a.whois(pair.host) == pair.b.id
        with pytest.raises(fastzt.NoRouteError):
            await pair.a.whois("192.0.2.1")
        with pytest.raises(fastzt.HostUnreachableError):
            await pair.a.whois("10.121.15.202", timeout=0.05)
        other = pair.lab.network("10.121.16")
        pair.lab.authorize(other, pair.a)  # type: ignore[arg-type]
        events = pair.a.events()
        network = await pair.a.join(other)
        of_network = network.events()
        async for event in events:
            if type(event).__name__ == "Joined":
                assert f"{event.nwid:016x}" == other
                break
        await network.leave()
        with pytest.raises(fastzt.NoRouteError):
            await network.open_connection("10.121.16.1", 80)
        await events.aclose()
        await of_network.aclose()
        assert pair.a._queues == []
        await pair.settled()

    pair.run(go())


def test_facts(pair: AioPair) -> None:
    assert isinstance(pair.a, aio.Node)
    assert pair.net_a.status == "OK"
    assert pair.a.status()["id"] == pair.a.id
    assert [network.id for network in pair.a.networks] == [pair.nwid]
    assert pair.b.id in {peer["id"] for peer in pair.a.peers()}
    assert repr(pair.net_a) == f"<fastzt.Network {pair.nwid}>"
