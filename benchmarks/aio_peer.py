"""A member that sends or receives one TCP flow, or echoes, at a time: `python aio_peer.py KIND SECRET NWID`.

KIND is how: `threads` (fastzt.Socket), `protocol` (asyncio; a BufferedProtocol receives), `streams` (those of
asyncio), `tls` (streams under TLS from the start), `start_tls` (streams that go over to TLS), `uvloop` (as
`protocol`). `kernel-` before one of asyncio's: stock asyncio over the kernel's TCP on loopback, no member of
anything. The planet comes on the first line, in hex; every later line is a command in JSON, answered by one
line. PYTHONPATH must name `tests`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import ssl
import sys
import time
from typing import Any

from support.authority import Authority
from support.nodes import LOOPBACK
from support.ports import free_port

import fastzt
from fastzt import aio

WRITE = 1 << 18
READ = 1 << 18
PIECE = bytes(range(256)) * (WRITE // 256)
PING = bytes(range(64))
KERNEL = "kernel-"


def rate(received: int, begin: float) -> dict[str, Any]:
    """What a receiver reports."""
    seconds = time.perf_counter() - begin
    return {"bytes": received, "gbit_s": received * 8 / seconds / 1e9, "cpu": time.process_time()}


def trips(times: list[int]) -> dict[str, float]:
    """What a pinger reports of the nanoseconds at which each round trip began."""
    taken = sorted(end - begin for begin, end in itertools.pairwise(times))
    return {"p50": taken[len(taken) // 2] / 1e3, "p99": taken[len(taken) * 99 // 100] / 1e3}


class Threads:
    """The blocking API."""

    def __init__(self, secret: str, nwid: str, planet: bytes) -> None:
        self.node = fastzt.Node(planet=planet, identity=secret, config=LOOPBACK, port=free_port())
        self.network = self.node.join(nwid)
        self.ip = str(self.network.addresses[0].ip)

    def listen(self, echo: bool = False) -> int:
        self.listener = self.network.listen(0)
        return self.listener.port

    def receive(self) -> dict[str, Any]:
        sock, _ = self.listener.accept()
        buffer = bytearray(READ)
        n = sock.recv_into(buffer)
        begin, received = time.perf_counter(), 0
        while n:
            received += n
            n = sock.recv_into(buffer)
        found = rate(received, begin)
        sock.close()
        self.listener.close()
        return found

    def send(self, host: str, port: int, seconds: float) -> dict[str, Any]:
        sock = self.network.connect((host, port))
        end, sent = time.perf_counter() + seconds, 0
        while time.perf_counter() < end:
            sock.sendall(PIECE)
            sent += WRITE
        sock.shutdown(1)
        assert sock.recv(1) == b""
        sock.close()
        return {"bytes": sent}

    def echo(self) -> None:
        sock, _ = self.listener.accept()
        while data := sock.recv(READ):
            sock.sendall(data)
        sock.close()
        self.listener.close()

    def ping(self, host: str, port: int, count: int) -> dict[str, float]:
        sock = self.network.connect((host, port))
        times = []
        for _ in range(count + 1):
            times.append(time.perf_counter_ns())
            sock.sendall(PING)
            sock.recv(READ)
        sock.close()
        return trips(times)


class Sink(asyncio.BufferedProtocol):
    """Counts what comes."""

    def __init__(self, done: asyncio.Future[dict[str, Any]]) -> None:
        self.buffer = bytearray(READ)
        self.received = 0
        self.begin = 0.0
        self.done = done

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        if not self.received:
            self.begin = time.perf_counter()
        self.received += nbytes

    def eof_received(self) -> None:
        self.done.set_result(rate(self.received, self.begin))


class Echo(asyncio.Protocol):
    """Sends what comes back."""

    def __init__(self, done: asyncio.Future[None]) -> None:
        self.done = done

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.done.set_result(None)


class Pinger(Echo):
    """Sends, and again when that has come back, `count` times."""

    def __init__(self, done: asyncio.Future[None], count: int) -> None:
        super().__init__(done)
        self.count = count
        self.times: list[int] = []

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.data_received(PING)

    def data_received(self, data: bytes) -> None:
        self.times.append(time.perf_counter_ns())
        if len(self.times) > self.count:
            self.transport.close()
        else:
            self.transport.write(data)


class Loopback:
    """What a Network offers, by stock asyncio over the kernel's TCP."""

    HOST = "127.0.0.1"

    async def create_server(self, factory: Any, port: int) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(factory, self.HOST, port)

    async def start_server(self, serve: Any, port: int, ssl: Any = None) -> asyncio.Server:
        return await asyncio.start_server(serve, self.HOST, port, ssl=ssl)

    async def create_connection(self, factory: Any, host: str, port: int) -> Any:
        return await asyncio.get_running_loop().create_connection(factory, host, port)

    async def open_connection(self, host: str, port: int, ssl: Any = None) -> Any:
        return await asyncio.open_connection(host, port, ssl=ssl)


class Async:
    """asyncio."""

    def __init__(self, kind: str, secret: str, nwid: str, planet: bytes) -> None:
        self.kind = kind.removeprefix(KERNEL)
        if self.kind == "uvloop":
            import uvloop

            self.loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        else:
            self.loop = asyncio.new_event_loop()
        if kind.startswith(KERNEL):
            self.network: Any = Loopback()
            self.ip = Loopback.HOST
        else:
            self.node = aio.Node(planet=planet, identity=secret, config=LOOPBACK, port=free_port())
            self.loop.run_until_complete(self.begin(nwid))
            self.ip = str(self.network.addresses[0].ip)
        self.by_protocol = self.kind in ("protocol", "uvloop")

    async def begin(self, nwid: str) -> None:
        await self.node.start()
        self.network = await self.node.join(nwid)

    def listen(self, echo: bool = False) -> int:
        return self.loop.run_until_complete(self.start_listening(echo))

    async def start_listening(self, echo: bool) -> int:
        self.done: asyncio.Future[Any] = self.loop.create_future()
        if self.by_protocol:
            made = Echo if echo else Sink
            self.server = await self.network.create_server(lambda: made(self.done), 0)
        else:
            self.context = Authority(self.ip).server()
            context = self.context if self.kind == "tls" else None
            serve = self.serve_echo if echo else self.serve
            self.server = await self.network.start_server(serve, 0, ssl=context)
        return int(self.server.sockets[0].getsockname()[1])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.kind == "start_tls":
            await reader.readline()
            writer.write(b"go on\n")
            await writer.start_tls(self.context)
        data = await reader.read(READ)
        begin, received = time.perf_counter(), 0
        while data:
            received += len(data)
            data = await reader.read(READ)
        self.done.set_result(rate(received, begin))
        writer.close()

    async def serve_echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(READ):
            writer.write(data)
            await writer.drain()
        writer.close()
        self.done.set_result(None)

    def receive(self) -> Any:
        return self.loop.run_until_complete(self.finished())

    echo = receive

    async def finished(self) -> Any:
        found = await self.done
        self.server.close()
        await self.server.wait_closed()
        return found

    def send(self, host: str, port: int, seconds: float) -> dict[str, Any]:
        return self.loop.run_until_complete(self.sent(host, port, seconds))

    async def sent(self, host: str, port: int, seconds: float) -> dict[str, Any]:
        reader, writer = await self.connect(host, port)
        end, sent = time.perf_counter() + seconds, 0
        while time.perf_counter() < end:
            writer.write(PIECE)
            await writer.drain()
            sent += WRITE
        if writer.can_write_eof():
            writer.write_eof()
            assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        return {"bytes": sent}

    async def connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        at_once = context if self.kind == "tls" else None
        reader, writer = await self.network.open_connection(host, port, ssl=at_once)
        if self.kind == "start_tls":
            writer.write(b"TLS from here\n")
            assert await reader.readline() == b"go on\n"
            await writer.start_tls(context)
        return reader, writer

    def ping(self, host: str, port: int, count: int) -> dict[str, float]:
        by = self.ping_protocol if self.by_protocol else self.ping_streams
        return trips(self.loop.run_until_complete(by(host, port, count)))

    async def ping_protocol(self, host: str, port: int, count: int) -> list[int]:
        done = self.loop.create_future()
        _, pinger = await self.network.create_connection(lambda: Pinger(done, count), host, port)
        await done
        return pinger.times  # type: ignore[no-any-return]

    async def ping_streams(self, host: str, port: int, count: int) -> list[int]:
        reader, writer = await self.connect(host, port)
        times = []
        for _ in range(count + 1):
            times.append(time.perf_counter_ns())
            writer.write(PING)
            await writer.drain()
            await reader.read(READ)
        writer.close()
        await writer.wait_closed()
        return times


def main() -> None:
    """Serve commands."""
    kind, secret, nwid = sys.argv[1:]
    planet = bytes.fromhex(sys.stdin.readline())
    peer: Any = Threads(secret, nwid, planet) if kind == "threads" else Async(kind, secret, nwid, planet)
    print(json.dumps(peer.ip), flush=True)
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(getattr(peer, name)(*arguments)), flush=True)


if __name__ == "__main__":
    main()
