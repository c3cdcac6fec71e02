"""How a TLS server of `fastzt.aio` sees its client go, beside stock asyncio's over the kernel's TCP."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from support.aio_nodes import AioPair, aio_pair
from support.authority import NAME, Authority

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="ssl_shutdown_timeout is Python 3.11's")
LOOPBACK = "127.0.0.1"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close by RST
SOON, NEVER = 0.05, 3600.0  # seconds that a server waits for a client's close_notify


@pytest.fixture(scope="module")
def pair() -> Iterator[AioPair]:
    with aio_pair("asyncio") as made:
        yield made


class Served(asyncio.Protocol):
    """A server's end, which notes what it hears."""

    def __init__(self, done: asyncio.Future[list[str]]) -> None:
        self.heard: list[str] = []
        self.done = done

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard.append(data.decode())
        if data == b"close":
            self.transport.close()

    def eof_received(self) -> None:
        self.heard.append("eof")

    def connection_lost(self, exc: Exception | None) -> None:
        self.heard.append(f"lost: {type(exc).__name__}")
        if not self.done.done():
            self.done.set_result(self.heard)


class Client(asyncio.Protocol):
    """A TLS client that does nothing by itself: `say` something, then end as you like."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=NAME)
        loop = asyncio.get_running_loop()
        self.ready, self.answered = loop.create_future(), loop.create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.shake_hands()

    def data_received(self, data: bytes) -> None:
        self.incoming.write(data)
        if not self.ready.done():
            self.shake_hands()
        elif not self.answered.done():
            self.answered.set_result(None)

    def shake_hands(self) -> None:
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        else:
            self.ready.set_result(None)
        self.transport.write(self.outgoing.read())

    def say(self, text: str) -> None:
        self.tls.write(text.encode())
        self.transport.write(self.outgoing.read())


async def ends(client: Client) -> None:
    """The client closes its connection without a word of TLS."""
    client.say("bye")
    client.transport.close()


async def says_so(client: Client) -> None:
    """With a close_notify first, waiting for none."""
    client.say("bye")
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.unwrap()
    client.transport.write(client.outgoing.read())
    client.transport.close()


async def ends_after_the_server(client: Client) -> None:
    """The server closes; the client answers that by the end of its connection alone."""
    client.say("close")
    await client.answered
    client.transport.close()


async def is_silent(client: Client) -> None:
    """The server closes; the client does nothing at all."""
    client.say("close")


async def resets(client: Client) -> None:
    """By a reset."""
    client.say("close")
    await client.answered
    if client.transport.get_extra_info("socket").fileno() >= 0:  # the kernel's: ours resets by itself
        client.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    client.transport.abort()


async def heard(network: Any, host: str, authority: Authority, how: Any, patience: float) -> list[str]:
    """What the server's protocol hears of a client; `network` is one, or a loop: the kernel's TCP."""
    done = asyncio.get_running_loop().create_future()
    context = authority.server()
    context.num_tickets = 0  # what a client has not read when it closes makes a reset of that
    where = (host, 0) if network[1] is asyncio.get_running_loop() else (0,)
    server = await network[1].create_server(
        lambda: Served(done), *where, ssl=context, ssl_shutdown_timeout=patience
    )
    port = server.sockets[0].getsockname()[1]
    _, client = await network[0].create_connection(lambda: Client(authority.client()), host, port)
    await client.ready
    await how(client)
    found: list[str] = await done
    client.transport.abort()
    server.close()
    await server.wait_closed()
    return found


@pytest.mark.parametrize(
    ("how", "patience", "expected"),
    [
        (ends, NEVER, ["bye", "eof", "lost: NoneType"]),
        (says_so, NEVER, ["bye", "eof", "lost: NoneType"]),
        (ends_after_the_server, NEVER, ["close", "lost: NoneType"]),
        (is_silent, SOON, ["close", "lost: TimeoutError"]),
        (resets, NEVER, ["close", "lost: ConnectionResetError"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_client_that_goes(pair: AioPair, how: Any, patience: float, expected: list[str]) -> None:
    """It is waited for only when it has not gone, as over the kernel's TCP."""

    async def go() -> None:
        kernel = await heard((pair.loop, pair.loop), LOOPBACK, Authority(LOOPBACK), how, patience)
        ours = await heard((pair.net_a, pair.net_b), pair.host, Authority(pair.host), how, patience)
        assert ours == kernel
        assert set(expected) <= set(ours)

    pair.run(go())
    pair.run(pair.settled())
