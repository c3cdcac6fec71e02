"""anyio's streams through a network, under asyncio and trio; of nodes with threads, and of a loop's own."""

from __future__ import annotations

import contextlib
import random
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import anyio
import httpx
import pytest
from anyio.abc import SocketAttribute
from anyio.streams.tls import TLSListener, TLSStream
from support.aio_nodes import make_nodes
from support.authority import NAME, Authority
from support.nodes import Lab, Pair, lab

import fastzt
from fastzt.integrations import anyio as through
from fastzt.integrations.httpx import AsyncTransport

SIZE = 4 << 20 if fastzt.is_compiled() else 128 << 10
PATIENCE = 100.0


class Ends:
    """Two networks' ends, and the address of the second."""

    def __init__(self, near: Any, far: Any) -> None:
        self.near, self.far = near, far
        self.host = str(far.addresses[0].ip)

    def sockets(self) -> int:
        """How many there are in both nodes."""
        return sum(len(net._driver.core.sockets) for net in (self.near, self.far))

    async def settled(self) -> None:
        """Until none is left."""
        with anyio.fail_after(PATIENCE):
            while self.sockets():
                await anyio.sleep(0.005)


Test = Callable[[Ends], Coroutine[Any, Any, None]]


@pytest.fixture(scope="module")
def made() -> Iterator[Lab]:
    with lab() as found:
        yield found


@pytest.fixture(scope="module")
def threads(made: Lab) -> Pair:
    nwid = made.network()
    a, b = made.node(4), made.node(5)
    made.authorize(nwid, a, b)
    return Pair(made, nwid, a, b, a.join(nwid), b.join(nwid))


@pytest.fixture(scope="module")
def loop_ends(made: Lab) -> Callable[[], Any]:
    """Two nodes of the running event loop, at the same ports each time."""
    nwid = made.network("10.121.30", private=False)
    a, b = make_nodes(made)

    @contextlib.asynccontextmanager
    async def ends() -> AsyncIterator[Ends]:
        for node in (a, b):
            node.__init__(*node._given[:4], config=node._given[4])  # type: ignore[misc]
        async with b, a:  # the one that connects ends first: its last acknowledgment is still heard
            yield Ends(await a.join(nwid), await b.join(nwid))

    return ends


@pytest.fixture(params=["asyncio", "trio", "loop's own"])
def run(request: pytest.FixtureRequest, threads: Pair, loop_ends: Any) -> Callable[[Test], None]:
    """Runs a test in an event loop, with ends that fit it."""

    async def go(test: Test) -> None:
        with anyio.fail_after(PATIENCE):
            if request.param == "loop's own":
                async with loop_ends() as ends:
                    await test(ends)
            else:
                await test(Ends(threads.net_a, threads.net_b))

    backend = "trio" if request.param == "trio" else "asyncio"
    return lambda test: anyio.run(go, test, backend=backend)


async def shout(stream: anyio.abc.ByteStream) -> None:
    """Repeat in capitals, until the other end has enough."""
    with contextlib.suppress(anyio.BrokenResourceError):
        async with stream:
            async for data in stream:
                await stream.send(data.upper())


@contextlib.asynccontextmanager
async def serving(ends: Ends, handler: Any = shout, wrap: Any = None) -> AsyncIterator[int]:
    """A server; its port."""
    listener = await through.listen(ends.far, 0)
    async with anyio.create_task_group() as group:
        group.start_soon((wrap(listener) if wrap else listener).serve, handler)
        yield listener.port
        group.cancel_scope.cancel()
    await listener.aclose()


def test_streams(run: Any) -> None:
    data = random.Random(3).randbytes(SIZE)

    async def repeat(stream: through.Stream) -> None:
        async with stream:
            async for piece in stream:
                await stream.send(piece)

    async def test(ends: Ends) -> None:
        async with serving(ends, repeat) as port:
            stream = await through.connect(ends.near, ends.host, port)
            async with stream:
                assert stream.extra(SocketAttribute.remote_address) == (ends.host, port)
                assert stream.extra(SocketAttribute.remote_port) == port
                assert stream.extra(SocketAttribute.local_address)[0] == str(ends.near.addresses[0].ip)
                assert stream.peer_id == ends.far.node.id
                received = bytearray()

                async def receive() -> None:
                    async for piece in stream:
                        received.extend(piece)

                async with anyio.create_task_group() as group:
                    group.start_soon(receive)
                    await stream.send(data)
                    await stream.send_eof()
                assert received == data
        await ends.settled()

    run(test)


def test_ends(run: Any) -> None:
    async def test(ends: Ends) -> None:
        async with serving(ends) as port:
            stream = await through.connect(ends.near, ends.host, port)
            with pytest.raises(ValueError, match="positive"):
                await stream.receive(0)
            async with anyio.create_task_group() as group:

                async def wait() -> None:
                    with pytest.raises(anyio.ClosedResourceError):
                        await stream.receive()

                group.start_soon(wait)
                await anyio.wait_all_tasks_blocked()
                with pytest.raises(anyio.BusyResourceError):
                    await stream.receive()
                await stream.aclose()
            with pytest.raises(anyio.ClosedResourceError):
                await stream.send(b"x")
            connectable = through.Connectable(ends.near, ends.host, port)
            async with await connectable.connect() as stream:
                await stream.send(b"word")
                assert await stream.receive() == b"WORD"
                stream.abort()
        with pytest.raises(anyio.ConnectionFailed):
            await through.Connectable(ends.near, ends.host, 9).connect()
        with pytest.raises(ConnectionRefusedError):
            await through.connect(ends.near, ends.host, 9)
        with pytest.raises(fastzt.NoRouteError):
            await through.connect(ends.near.node, "192.0.2.1", 80)
        with pytest.raises(TimeoutError):
            await through.connect(ends.near, f"{ends.host.rpartition('.')[0]}.230", 80, timeout=0.05)
        await ends.settled()

    run(test)


def test_a_reset(run: Any) -> None:
    async def reset(stream: through.Stream) -> None:
        await stream.receive()
        stream.abort()

    async def test(ends: Ends) -> None:
        async with serving(ends, reset) as port, await through.connect(ends.near, ends.host, port) as stream:
            await stream.send(b"x")
            with pytest.raises(anyio.BrokenResourceError):
                await stream.receive()
            with pytest.raises(anyio.BrokenResourceError):
                await stream.send(b"x")
        await ends.settled()

    run(test)


def test_tls(run: Any) -> None:
    async def test(ends: Ends) -> None:
        authority = Authority(ends.host)

        def wrap(listener: through.TcpListening) -> TLSListener:
            return TLSListener(listener, authority.server(), standard_compatible=False)

        async with serving(ends, wrap=wrap) as port:
            below = await through.connect(ends.near, ends.host, port)
            async with await TLSStream.wrap(
                below, hostname=NAME, ssl_context=authority.client(), standard_compatible=False
            ) as stream:
                await stream.send(b"secret")
                assert await stream.receive() == b"SECRET"
            below = await through.connect(ends.near, ends.host, port)
            with pytest.raises(ssl.SSLCertVerificationError):
                await TLSStream.wrap(below, hostname="other.test", ssl_context=authority.client())
            await below.aclose()
        await ends.settled()

    run(test)


def test_cancelled_waits_leave_nothing(run: Any) -> None:
    """Of connect, receive, send and accept, after any number of rounds."""

    async def test(ends: Ends) -> None:
        async with serving(ends) as port:
            for rounds in range(12):
                await cancelled(rounds, through.connect, ends.near, ends.host, port)
            stream = await through.connect(ends.near, ends.host, port)
            for rounds in range(4):
                await cancelled(rounds, stream.receive)
            await stream.send(b"still")
            assert await stream.receive() == b"STILL"
            await stream.aclose()
        listener = await through.listen(ends.far, 0)
        for rounds in range(4):
            await cancelled(rounds, listener.accept)
        near = await through.connect(ends.near, ends.host, listener.port)
        far = await listener.accept()
        await cancelled(4, near.send, bytes(64 << 20))
        near.abort()
        far.abort()
        await listener.aclose()
        with pytest.raises(anyio.ClosedResourceError):
            await listener.accept()
        await ends.settled()

    async def cancelled(rounds: int, function: Any, *arguments: Any) -> None:
        async def call() -> None:
            result = await function(*arguments)
            if isinstance(result, through.Stream):
                result.abort()

        async with anyio.create_task_group() as group:
            group.start_soon(call)
            for _ in range(rounds):
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()

    run(test)


def test_datagrams(run: Any) -> None:
    async def test(ends: Ends) -> None:
        async with await through.udp(ends.far) as far, await through.udp(ends.near) as near:
            port = far.extra(SocketAttribute.local_port)
            await near.sendto(b"question", ends.host, port)
            data, (host, source) = await far.receive()
            assert (data, host) == (b"question", str(ends.near.addresses[0].ip))
            await far.send((b"answer", (host, source)))
            assert await near.receive() == (b"answer", (ends.host, port))
        with pytest.raises(anyio.ClosedResourceError):
            await near.receive()
        await ends.settled()

    run(test)


def test_httpx(run: Any) -> None:
    async def answer(stream: through.Stream) -> None:
        async with stream:
            head = b""
            while b"\r\n\r\n" not in head:
                head += await stream.receive()
            await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

    async def test(ends: Ends) -> None:
        async with (
            serving(ends, answer) as port,
            httpx.AsyncClient(transport=AsyncTransport(ends.near), timeout=60) as client,
        ):
            assert (await client.get(f"http://{ends.host}:{port}/")).text == "hello"
        await ends.settled()

    run(test)
