"""anyio through a ZeroTier network: byte streams, listeners, datagrams, under asyncio and trio.

`stream = await fastzt.integrations.anyio.connect(net, host, port)`. A network of `fastzt.aio` is used in its
own event loop, one of `fastzt.Node` under asyncio or trio, its threads driving. Needs `fastzt[anyio]`.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import anyio
from anyio.abc import (
    ByteStream,
    ByteStreamConnectable,
    Listener,
    SocketAttribute,
    TaskGroup,
    UDPSocket,
)
from anyio.lowlevel import cancel_shielded_checkpoint, checkpoint, checkpoint_if_cancelled

from ..api import addresses, options
from ..api.aio.connect import connect_first
from ..api.base_network import BaseNetwork
from .anyio_tasks import AnyNetwork, candidates_of, driver_of

if TYPE_CHECKING:
    from ..io.driver import AsyncDriver
    from ..netstack.tcp.connection import Connection
    from ..netstack.tcp.listener import TcpListener
    from ..netstack.udp import Address, UdpEndpoint

__all__ = ["AnyNetwork", "Connectable", "Datagrams", "Stream", "TcpListening", "connect", "listen", "udp"]

CHUNK = 1 << 16
TIMEOUT = 10.0


class Stream(ByteStream):
    """A TCP connection. Its attributes are those of `anyio.abc.SocketAttribute`, but for `raw_socket`."""

    def __init__(self, driver: AsyncDriver, connection: Connection) -> None:
        self._driver = driver
        self._connection = connection
        self._closed = False
        self._reading = anyio.ResourceGuard("reading from")
        self._writing = anyio.ResourceGuard("writing to")

    @property
    def peer_id(self) -> str:
        """The authenticated node at the other end: 10 hex digits."""
        peer: Any = self._connection.peer
        return f"{peer.address:010x}" if peer is not None else ""

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """Addresses, ports and family."""
        local, remote = self._connection.local_address, self._connection.remote_address
        return {
            SocketAttribute.family: lambda: family_of(remote[0]),
            SocketAttribute.local_address: lambda: addresses.socket_address(*local),
            SocketAttribute.local_port: lambda: local[1],
            SocketAttribute.remote_address: lambda: addresses.socket_address(*remote),
            SocketAttribute.remote_port: lambda: remote[1],
        }

    def is_readable(self) -> bool:
        """Whether `receive` would return or raise at once."""
        connection = self._connection
        return bool(self._closed or connection.readable or connection.eof or connection.error)

    def set_option(self, level: int, option: int, value: Any) -> None:
        """As `socket.setsockopt`, for the options that exist."""
        self._driver.run(lambda now: options.set_option(self._connection, level, option, value, now))

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """At most `max_bytes`; raises EndOfStream, BrokenResourceError, ClosedResourceError."""
        if max_bytes < 1:
            raise ValueError("max_bytes must be positive")
        connection = self._connection

        def attempt(now: int) -> bytes | None:
            self._check()
            data = bytearray(min(connection.readable, max_bytes))
            n = connection.read_into(data, now)
            if n:
                return bytes(data)
            return b"" if connection.eof else None

        with self._reading:
            data: bytes = await self._wait(attempt)
        if not data:
            raise anyio.EndOfStream
        return data

    async def send(self, item: bytes) -> None:
        """All of `item`; raises BrokenResourceError, ClosedResourceError."""
        view, connection = memoryview(item).cast("B"), self._connection
        with self._writing:
            while len(view):
                piece = view[:CHUNK]

                def attempt(now: int, piece: memoryview = piece) -> int | None:
                    self._check()
                    return connection.write(piece, now) or None

                view = view[await self._wait(attempt) :]
            if connection.held:
                self._driver.run(connection.push)

    async def _wait(self, attempt: Callable[[int], Any]) -> Any:
        await checkpoint_if_cancelled()
        try:
            result = await self._driver.wait(self._connection.id, attempt, None)
        except OSError as error:
            raise anyio.BrokenResourceError(str(error)) from error
        await cancel_shielded_checkpoint()
        return result

    def _check(self) -> None:
        if self._closed:
            raise anyio.ClosedResourceError

    async def send_eof(self) -> None:
        """End this direction."""
        with self._writing:
            self._check()
            self._driver.run(self._connection.shutdown_write)
        await checkpoint()

    async def aclose(self) -> None:
        """Close: what was sent is still delivered; whoever waits gets ClosedResourceError."""
        self._end(self._connection.close)
        await checkpoint()

    def abort(self) -> None:
        """Reset the connection."""
        self._end(self._connection.abort, self._connection.close)

    def _end(self, *steps: Callable[[int], Any]) -> None:
        if self._closed:
            return
        self._closed = True
        if not self._driver.closed and not self._driver.forked:
            for step in steps:
                self._driver.run(step)
            self._driver.wake(self._connection.id)


class TcpListening(Listener[Stream]):
    """A listening port; made by `listen`."""

    def __init__(self, driver: AsyncDriver, listener: TcpListener) -> None:
        self._driver = driver
        self._listener = listener
        self._id = listener.id
        self._closed = False
        self.port = listener.port

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """The address and port that is listened on."""
        ip = self._listener.address
        return {
            SocketAttribute.family: lambda: family_of(ip),
            SocketAttribute.local_address: lambda: (
                addresses.socket_address(ip, self.port) if ip else ("0.0.0.0", self.port)
            ),
            SocketAttribute.local_port: lambda: self.port,
        }

    async def accept(self) -> Stream:
        """The next connection; raises ClosedResourceError."""

        def attempt(now: int) -> Connection | None:
            if self._closed:
                raise anyio.ClosedResourceError
            return self._listener.accept()

        await checkpoint_if_cancelled()
        stream = Stream(self._driver, await self._driver.wait(self._id, attempt, None))
        await cancel_shielded_checkpoint()
        return stream

    async def serve(self, handler: Callable[[Stream], Any], task_group: TaskGroup | None = None) -> None:
        """Start `handler(stream)` for each connection, until this is cancelled or closed."""
        async with contextlib.AsyncExitStack() as stack:
            group = task_group
            if group is None:
                group = await stack.enter_async_context(anyio.create_task_group())
            while True:
                group.start_soon(handler, await self.accept())

    async def aclose(self) -> None:
        """Free the port; connections not accepted are reset."""
        if not self._closed:
            self._closed = True
            if not self._driver.closed and not self._driver.forked:
                self._driver.run(self._listener.close)
                self._driver.wake(self._id)
        await checkpoint()


class Datagrams(UDPSocket):
    """A UDP port; items are (data, (host, port)). Made by `udp`."""

    def __init__(self, driver: AsyncDriver, endpoint: UdpEndpoint) -> None:
        self._driver = driver
        self._endpoint = endpoint
        self._id = endpoint.id
        self._closed = False

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """The local address and port."""
        ip, port = self._endpoint.local_address
        return {
            SocketAttribute.family: lambda: family_of(ip),
            SocketAttribute.local_address: lambda: addresses.socket_address(ip, port),
            SocketAttribute.local_port: lambda: port,
        }

    @property
    def _raw_socket(self) -> socket.socket:
        raise AttributeError("a network's port has no socket of the system")

    async def receive(self) -> tuple[bytes, tuple[str, int]]:
        """The next datagram and where it came from."""

        def attempt(now: int) -> tuple[bytes, Address] | None:
            return None if self._is_closed() else self._endpoint.receive()

        data, source = await self._wait(attempt)
        return data, (addresses.host_text(source[0]), source[1])

    async def send(self, item: tuple[bytes, tuple[str, int]]) -> None:
        """Send a datagram to an address and port."""
        data, (host, port) = item
        remote = addresses.ip16(host), port
        await self._wait(
            lambda now: None if self._is_closed() else self._endpoint.send(bytes(data), remote, now) or None
        )

    def _is_closed(self) -> bool:
        if self._closed:
            raise anyio.ClosedResourceError
        return False

    async def _wait(self, attempt: Callable[[int], Any]) -> Any:
        await checkpoint_if_cancelled()
        try:
            result = await self._driver.wait(self._id, attempt, None)
        except OSError as error:
            raise anyio.BrokenResourceError(str(error)) from error
        await cancel_shielded_checkpoint()
        return result

    async def aclose(self) -> None:
        """Free the port."""
        if not self._closed:
            self._closed = True
            if not self._driver.closed and not self._driver.forked:
                self._driver.run(self._endpoint.close)
                self._driver.wake(self._id)
        await checkpoint()


class Connectable(ByteStreamConnectable):
    """Where to connect to, for what takes an `anyio.abc.ByteStreamConnectable`."""

    def __init__(self, network: AnyNetwork, host: str, port: int) -> None:
        self._where = network, host, port

    async def connect(self) -> Stream:
        """A connection; raises anyio.ConnectionFailed."""
        try:
            return await connect(*self._where)
        except OSError as error:
            raise anyio.ConnectionFailed(str(error)) from error


async def connect(network: AnyNetwork, host: str, port: int, *, timeout: float | None = TIMEOUT) -> Stream:
    """A connection through a network, or a node's network that has a route; raises as its `connect`."""
    driver = driver_of(network)
    driver.check()
    host, port = addresses.pair((host, port))
    candidates = await candidates_of(network, host, timeout)
    return Stream(driver, await connect_first(driver, candidates, port, timeout))


async def listen(network: BaseNetwork[Any], port: int, host: str = "", backlog: int = 128) -> TcpListening:
    """Listen on a port (0: any free one) of one or (default) all of this node's addresses."""
    listener = TcpListening(driver_of(network), network._listener(port, host, backlog))
    await checkpoint()
    return listener


async def udp(network: BaseNetwork[Any], port: int = 0, host: str = "") -> Datagrams:
    """A UDP port (0: any free one) of one or (default) all of this node's addresses."""
    socket = Datagrams(driver_of(network), network._udp(port, host))
    await checkpoint()
    return socket


def family_of(ip: bytes | None) -> socket.AddressFamily:
    """AF_INET6 for an address of that family."""
    return socket.AF_INET if not ip or addresses.is_v4(ip) or not any(ip) else socket.AF_INET6
