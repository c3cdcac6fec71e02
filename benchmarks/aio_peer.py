"""A member that sends or receives one TCP flow at a time: `python aio_peer.py KIND SECRET NWID`.

KIND is how: `threads` (fastzt.Socket), `protocol` (asyncio, a BufferedProtocol receives), `streams` (those of
asyncio), `tls` (the same under TLS), `uvloop` (as `protocol`). The planet comes on the first line, in hex;
every later line is a command in JSON, answered by one line. PYTHONPATH must name `tests`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from support.authority import Authority
from support.nodes import LOOPBACK, free_port

import fastzt
from fastzt import aio

WRITE = 1 << 18
READ = 1 << 18
PIECE = bytes(range(256)) * (WRITE // 256)
KINDS = ("threads", "protocol", "streams", "tls", "uvloop")


def rate(received: int, begin: float) -> dict[str, Any]:
    """What a receiver reports."""
    seconds = time.perf_counter() - begin
    return {"bytes": received, "gbit_s": received * 8 / seconds / 1e9, "cpu": time.process_time()}


class Threads:
    """The blocking API."""

    def __init__(self, secret: str, nwid: str, planet: bytes) -> None:
        self.node = fastzt.Node(planet=planet, identity=secret, config=LOOPBACK, port=free_port())
        self.network = self.node.join(nwid)
        self.ip = str(self.network.addresses[0].ip)

    def listen(self) -> int:
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


class Async:
    """asyncio; `begin` first."""

    def __init__(self, kind: str, secret: str, nwid: str, planet: bytes) -> None:
        self.kind = kind
        if kind == "uvloop":
            import uvloop

            self.loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        else:
            self.loop = asyncio.new_event_loop()
        self.node = aio.Node(planet=planet, identity=secret, config=LOOPBACK, port=free_port())
        self.loop.run_until_complete(self.begin(nwid))
        self.ip = str(self.network.addresses[0].ip)

    async def begin(self, nwid: str) -> None:
        await self.node.start()
        self.network = await self.node.join(nwid)

    def listen(self) -> int:
        return self.loop.run_until_complete(self.start_listening())

    async def start_listening(self) -> int:
        self.done: asyncio.Future[dict[str, Any]] = self.loop.create_future()
        if self.kind in ("protocol", "uvloop"):
            self.server = await self.network.create_server(lambda: Sink(self.done), 0)
        else:
            context = Authority(self.ip).server() if self.kind == "tls" else None
            self.server = await self.network.start_server(self.serve, 0, ssl=context)
        return self.server.port

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.read(READ)
        begin, received = time.perf_counter(), 0
        while data:
            received += len(data)
            data = await reader.read(READ)
        self.done.set_result(rate(received, begin))
        writer.close()

    def receive(self) -> dict[str, Any]:
        return self.loop.run_until_complete(self.received())

    async def received(self) -> dict[str, Any]:
        found = await self.done
        self.server.close()
        await self.server.wait_closed()
        return found

    def send(self, host: str, port: int, seconds: float) -> dict[str, Any]:
        return self.loop.run_until_complete(self.sent(host, port, seconds))

    async def sent(self, host: str, port: int, seconds: float) -> dict[str, Any]:
        context = None
        if self.kind == "tls":
            import ssl

            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        reader, writer = await self.network.open_connection(host, port, ssl=context)
        end, sent = time.perf_counter() + seconds, 0
        while time.perf_counter() < end:
            writer.write(PIECE)
            await writer.drain()
            sent += WRITE
        if context is None:
            writer.write_eof()
            assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        return {"bytes": sent}


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
