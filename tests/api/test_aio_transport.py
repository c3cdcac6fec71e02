"""StreamTransport does for a protocol what asyncio's transports do."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from support.aio_nodes import AioPair, aio_pair
from support.authority import NAME, Authority

import fastzt
from fastzt import aio

SIZE = 4 << 20 if fastzt.is_compiled() else 256 << 10


@pytest.fixture(scope="module", params=["asyncio", "uvloop", "threads"])
def pair(request: pytest.FixtureRequest) -> Iterator[AioPair]:
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    with aio_pair(request.param) as made:
        yield made


class Recorder(asyncio.Protocol):
    """Notes what it hears; `keeps`: it stays when the other end has no more to say."""

    keeps = False

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.data = bytearray()
        self.error: Exception | None = None
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.heard.append("made")

    def data_received(self, data: bytes) -> None:
        assert type(data) is bytes
        self.data += data

    def eof_received(self) -> bool:
        self.heard.append("eof")
        return self.keeps

    def pause_writing(self) -> None:
        self.heard.append("pause")

    def resume_writing(self) -> None:
        self.heard.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.heard.append("lost")
        self.error = exc
        self.lost.set_result(None)


class Buffered(Recorder, asyncio.BufferedProtocol):
    """The same without a copy."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = bytearray(50_000)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.data += self.buffer[:nbytes]


class Ends:
    """Both ends of a connection, and the server."""

    near: Any
    far: Any
    server: aio.Server


async def connect(pair: AioPair, near: type = Recorder, far: type = Recorder, **options: Any) -> Ends:
    ends, made = Ends(), []

    def factory() -> Any:
        made.append(far())
        return made[-1]

    ends.server = await pair.net_b.create_server(factory, 0, **options)
    _, ends.near = await pair.net_a.create_connection(near, pair.host, ends.server.port)
    assert ends.near.heard == ["made"]
    await pair.until(lambda: bool(made) and made[0].heard == ["made"])
    ends.far = made[0]
    return ends


async def finish(pair: AioPair, ends: Ends) -> None:
    for end in (ends.near, ends.far):
        end.transport.abort()
        await end.lost
    ends.server.close()
    await ends.server.wait_closed()
    await pair.settled()


def test_a_buffered_protocol_reads_into_its_own_buffer(pair: AioPair) -> None:
    async def go() -> None:
        ends = await connect(pair, far=Buffered)
        assert isinstance(ends.far, asyncio.BufferedProtocol)
        data = bytes(range(256)) * (SIZE // 256)
        ends.near.transport.write(data)
        await pair.until(lambda: len(ends.far.data) == SIZE)
        assert ends.far.data == data
        await finish(pair, ends)

    pair.run(go())


def test_what_is_written_may_change_afterwards(pair: AioPair) -> None:
    async def go() -> None:
        ends = await connect(pair)
        data = bytearray(SIZE)
        ends.near.transport.write(data)
        ends.near.transport.write(memoryview(data)[:10])
        ends.near.transport.writelines([b"the ", b"end"])
        data[:] = b"\xff" * SIZE
        await pair.until(lambda: len(ends.far.data) == SIZE + 17)
        assert not any(ends.far.data[:-7])
        assert ends.far.data.endswith(b"the end")
        await finish(pair, ends)

    pair.run(go())


def test_write_limits(pair: AioPair) -> None:
    """pause_writing comes once above the high mark, resume_writing once at the low one."""

    async def go() -> None:
        ends = await connect(pair)
        transport = ends.near.transport
        assert transport.get_write_buffer_limits() == (1 << 14, 1 << 16)
        transport.set_write_buffer_limits(high=1000, low=100)
        assert transport.get_write_buffer_limits() == (100, 1000)
        with pytest.raises(ValueError, match="must be"):
            transport.set_write_buffer_limits(high=1, low=2)
        ends.far.transport.pause_reading()
        assert not ends.far.transport.is_reading()
        written = 0
        while "pause" not in ends.near.heard:
            await asyncio.sleep(0)
            transport.write(bytes(1 << 16))
            written += 1 << 16
        assert transport.get_write_buffer_size() > 1000
        assert ends.near.heard == ["made", "pause"]
        ends.far.transport.resume_reading()
        await pair.until(lambda: "resume" in ends.near.heard)
        assert transport.get_write_buffer_size() <= 100
        await pair.until(lambda: len(ends.far.data) == written)
        assert ends.near.heard == ["made", "pause", "resume"]
        await finish(pair, ends)

    pair.run(go())


def test_half_close(pair: AioPair) -> None:
    async def go() -> None:
        class Keeps(Recorder):
            keeps = True

        ends = await connect(pair, far=Keeps)
        near, far = ends.near.transport, ends.far.transport
        assert near.can_write_eof()
        near.write(bytes(SIZE))
        near.write_eof()
        with pytest.raises(RuntimeError, match="write_eof"):
            near.write(b"more")
        await pair.until(lambda: "eof" in ends.far.heard)
        assert len(ends.far.data) == SIZE
        far.write(b"answer")
        await pair.until(lambda: ends.near.data == b"answer")
        far.close()
        await ends.near.lost  # its eof_received gives no reason to stay
        await ends.far.lost
        assert (ends.near.error, ends.far.error) == (None, None)
        assert ends.near.heard[-2:] == ["eof", "lost"]
        await finish(pair, ends)

    pair.run(go())


def test_close_delivers_what_was_written(pair: AioPair) -> None:
    async def go() -> None:
        ends = await connect(pair)
        ends.near.transport.write(bytes(SIZE))
        ends.near.transport.close()
        assert ends.near.transport.is_closing()
        await ends.far.lost
        assert len(ends.far.data) == SIZE
        await finish(pair, ends)

    pair.run(go())


def test_abort_resets(pair: AioPair) -> None:
    async def go() -> None:
        ends = await connect(pair)
        ends.near.transport.write(b"x")
        ends.near.transport.abort()
        await ends.far.lost
        assert isinstance(ends.far.error, ConnectionResetError)
        await ends.near.lost
        assert ends.near.error is None
        for _ in range(4):
            ends.near.transport.write(b"x")
        with pytest.warns(RuntimeWarning, match="lost"):
            ends.near.transport.write(b"x")
        await finish(pair, ends)

    pair.run(go())


def test_options_and_facts(pair: AioPair) -> None:
    async def go() -> None:
        ends = await connect(pair)
        sock = ends.near.transport.get_extra_info("socket")
        assert (sock.family, sock.type, sock.fileno()) == (socket.AF_INET, socket.SOCK_STREAM, -1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        assert sock.getpeername() == ends.far.transport.get_extra_info("sockname")
        assert ends.near.transport.get_extra_info("nothing", 7) == 7
        with pytest.raises(TypeError, match="bytes-like"):
            ends.near.transport.write("text")
        assert ends.near.transport.get_protocol() is ends.near
        await finish(pair, ends)

    pair.run(go())


def test_a_protocol_that_fails_loses_its_connection(pair: AioPair) -> None:
    async def go() -> None:
        class Bad(Recorder):
            def data_received(self, data: bytes) -> None:
                raise ZeroDivisionError

        ends = await connect(pair, far=Bad)
        ends.near.transport.write(b"x")
        await ends.far.lost
        assert isinstance(ends.far.error, ZeroDivisionError)
        await ends.near.lost
        assert [type(context["exception"]) for context in pair.errors] == [ZeroDivisionError]
        pair.errors.clear()
        await finish(pair, ends)

    pair.run(go())


def test_close_and_abort_clients(pair: AioPair) -> None:
    async def go() -> None:
        ends = await connect(pair)
        ends.server.close_clients()
        await ends.near.lost
        assert ends.near.error is None
        await finish(pair, ends)
        ends = await connect(pair)
        ends.server.abort_clients()
        await ends.near.lost
        assert isinstance(ends.near.error, ConnectionResetError)
        await finish(pair, ends)

    pair.run(go())


# TLS


@pytest.fixture(scope="module")
def authority(pair: AioPair) -> Authority:
    return Authority(pair.host)


async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data.upper())
        await writer.drain()
    writer.close()


def test_tls_from_the_start(pair: AioPair, authority: Authority) -> None:
    async def go() -> None:
        server = await pair.net_b.start_server(shout, 0, ssl=authority.server("chat"))
        context = authority.client()
        context.set_alpn_protocols(["chat"])
        reader, writer = await pair.net_a.open_connection(pair.host, server.port, ssl=context)
        tls = writer.get_extra_info("ssl_object")
        assert tls.selected_alpn_protocol() == "chat"
        assert dict(tls.getpeercert())["subjectAltName"] == (("IP Address", pair.host), ("DNS", NAME))
        assert writer.get_extra_info("peername") == (pair.host, server.port)
        writer.write(b"x" * SIZE)
        assert await reader.readexactly(SIZE) == b"X" * SIZE
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
        await pair.settled()

    pair.run(go())


def test_tls_later(pair: AioPair, authority: Authority) -> None:
    """STARTTLS by both ends' stream writers."""

    async def serve(reader: asyncio.StreamReader, writer: aio.StreamWriter) -> None:
        assert await reader.readline() == b"STARTTLS\n"
        writer.write(b"go ahead\n")
        await writer.start_tls(authority.server())
        await shout(reader, writer)

    async def go() -> None:
        server = await pair.net_b.start_server(serve, 0)  # type: ignore[arg-type]
        reader, writer = await pair.net_a.open_connection(pair.host, server.port)
        writer.write(b"STARTTLS\n")
        assert await reader.readline() == b"go ahead\n"
        await writer.start_tls(authority.client(), server_hostname=NAME)
        writer.write(b"secret")
        assert await reader.readexactly(6) == b"SECRET"
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
        await pair.settled()

    pair.run(go())


def test_the_loops_own_start_tls(pair: AioPair, authority: Authority) -> None:
    if pair.kind == "uvloop":
        pytest.skip("uvloop takes its own transports only")

    async def go() -> None:
        server = await pair.net_b.start_server(shout, 0, ssl=authority.server())
        _, protocol = await pair.net_a.create_connection(Recorder, pair.host, server.port)
        transport = await pair.loop.start_tls(
            protocol.transport, protocol, authority.client(), server_hostname=NAME
        )
        assert transport is not None
        transport.write(b"quiet")
        await pair.until(lambda: protocol.data == b"QUIET")
        transport.close()
        await protocol.lost
        server.close()
        await server.wait_closed()
        await pair.settled()

    pair.run(go())


def test_a_certificate_that_is_not_trusted(pair: AioPair, authority: Authority) -> None:
    import ssl

    async def go() -> None:
        server = await pair.net_b.start_server(shout, 0, ssl=authority.server())
        for context, name in ((Authority(pair.host).client(), None), (authority.client(), "other.test")):
            with pytest.raises(ssl.SSLCertVerificationError):
                await pair.net_a.open_connection(pair.host, server.port, ssl=context, server_hostname=name)
        server.close()
        await server.wait_closed()
        await pair.settled()
        pair.errors.clear()  # what the server's loop says of the failed handshakes

    pair.run(go())
