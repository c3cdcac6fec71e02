"""Network: a ZeroTier network that a node has joined, for asyncio."""

from __future__ import annotations

import asyncio
import ssl as tls_module
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ...io.loop_driver import LoopDriver
from .. import addresses, names
from ..addresses import Address
from ..base_network import BaseNetwork
from ..lookup import RESOLUTION_DELAY
from . import tls
from .connect import connect_first
from .datagram import DatagramTransport
from .events import Events
from .resolver import Resolver, resolve
from .server import Factory, Server
from .streams import LIMIT, Connected, StreamWriter, new_streams
from .transport import StreamTransport

if TYPE_CHECKING:
    from ...netstack.tcp.connection import Connection
    from .node import Node

P = TypeVar("P", bound=asyncio.BaseProtocol)
TIMEOUT = 10.0  # seconds for a connection


class Network(BaseNetwork[LoopDriver]):
    """Made by `Node.join`. Its sockets live as long as the node. To be used in the node's event loop."""

    def __init__(self, node: Node, driver: LoopDriver, nwid: int) -> None:
        super().__init__(driver, nwid)
        self.node = node
        self._resolver = Resolver(self)

    # Connections

    async def open_connection(
        self,
        host: str,
        port: int,
        *,
        limit: int = LIMIT,
        timeout: float | None = TIMEOUT,
        ssl: tls_module.SSLContext | bool | None = None,
        server_hostname: str | None = None,
    ) -> tuple[asyncio.StreamReader, StreamWriter]:
        """A connection's streams, as `asyncio.open_connection` gives them.

        Raises NoRouteError, HostUnreachableError, ConnectionRefusedError, TimeoutError.
        """
        protocol = new_streams(self._driver.loop, limit)
        transport, _ = await self.create_connection(
            lambda: protocol, host, port, timeout=timeout, ssl=ssl, server_hostname=server_hostname
        )
        return protocol.reader, StreamWriter(transport, protocol, protocol.reader, self._driver.loop)

    async def create_connection(
        self,
        protocol_factory: Callable[[], P],
        host: str,
        port: int,
        *,
        timeout: float | None = TIMEOUT,
        ssl: tls_module.SSLContext | bool | None = None,
        server_hostname: str | None = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
    ) -> tuple[asyncio.Transport, P]:
        """A connection with a protocol, as `loop.create_connection` makes it; `timeout` bounds the handshake.

        A host may be a name (see `resolve`). Cancelling it leaves no connection behind.
        """
        self._driver.check()
        host, port = addresses.pair((host, port))
        candidates = self._candidates(host, await self.hosts(host, timeout))
        connection = await connect_first(self._driver, candidates, port, timeout)
        protocol = self._made(protocol_factory, connection)
        context = tls.client_context(ssl)
        transport: asyncio.Transport
        if context is None:
            transport = await self._begin(StreamTransport(self._driver, connection, protocol))
            return transport, protocol
        transport = await self._begin_tls(
            connection,
            protocol,
            context,
            server_hostname=server_hostname if server_hostname is not None else host,
            ssl_handshake_timeout=ssl_handshake_timeout,
            ssl_shutdown_timeout=ssl_shutdown_timeout,
        )
        return transport, protocol

    def _made(self, factory: Callable[[], P], connection: Connection) -> P:
        """A protocol; without one there is no connection."""
        try:
            return factory()
        except BaseException:
            self._driver.run(connection.abort)
            self._driver.run(connection.close)
            raise

    async def _begin(self, transport: StreamTransport) -> StreamTransport:
        """Until the protocol has heard of its connection."""
        try:
            await transport.started
        except BaseException:
            transport.abort()
            raise
        return transport

    async def _begin_tls(
        self,
        connection: Connection,
        protocol: asyncio.BaseProtocol,
        context: tls_module.SSLContext,
        **options: Any,
    ) -> asyncio.Transport:
        """Until the TLS handshake is over."""
        waiter = self._driver.loop.create_future()
        between = tls.protocol(self._driver.loop, protocol, context, waiter, **options)
        below = StreamTransport(self._driver, connection, between)
        try:
            await waiter
        except BaseException:
            below.abort()
            raise
        return between._app_transport  # type: ignore[no-any-return]

    # Servers

    async def start_server(
        self,
        client_connected_cb: Connected,
        port: int,
        host: str = "",
        *,
        limit: int = LIMIT,
        **options: Any,
    ) -> Server:
        """Call `client_connected_cb(reader, writer)` for each connection, as `asyncio.start_server` does.

        For the rest see `create_server`.
        """
        loop = self._driver.loop
        return await self.create_server(
            lambda: new_streams(loop, limit, client_connected_cb), port, host, **options
        )

    async def create_server(
        self,
        protocol_factory: Factory,
        port: int,
        host: str = "",
        *,
        backlog: int = 128,
        ssl: tls_module.SSLContext | None = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
        start_serving: bool = True,
    ) -> Server:
        """Listen on a port (0: any free one) of one or (default) all addresses, as `loop.create_server` does.

        Raises InputError for a host that is not this node's, OSError (EADDRINUSE).
        """
        server = Server(
            self._driver,
            self._listener(port, host, backlog),
            protocol_factory,
            ssl,
            ssl_handshake_timeout=ssl_handshake_timeout,
            ssl_shutdown_timeout=ssl_shutdown_timeout,
        )
        if start_serving:
            server.begin()
        return server

    async def create_datagram_endpoint(
        self,
        protocol_factory: Callable[[], Any],
        port: int = 0,
        host: str = "",
        *,
        remote_addr: tuple[str, int] | None = None,
    ) -> tuple[DatagramTransport, Any]:
        """A UDP socket with a protocol, as `loop.create_datagram_endpoint` makes it.

        `remote_addr`: send to and receive from one address alone.
        """
        remote = None
        if remote_addr is not None:
            name, remote_port = addresses.pair(remote_addr)
            remote = self._first_routed(name, await self.hosts(name, TIMEOUT)), remote_port
        endpoint = self._udp(port, host)
        try:
            if remote is not None:
                self._driver.run(lambda now: endpoint.connect(remote, now))
            transport = DatagramTransport(self._driver, endpoint, protocol_factory())
        except BaseException:
            self._driver.run(endpoint.close)
            raise
        try:
            await transport.started
        except BaseException:
            transport.abort()
            raise
        return transport, transport.get_protocol()

    # The network

    async def resolve(self, host: str, timeout: float | None = names.TIMEOUT) -> list[Address]:
        """The addresses of a host: a literal's own, from the network's DNS servers, or from the system.

        As the blocking `Network.resolve`.
        """
        self._driver.check()
        return [addresses.address(ip) for ip in await self.hosts(host, timeout, None)]

    async def hosts(
        self, host: str, timeout: float | None, delay: float | None = RESOLUTION_DELAY
    ) -> list[bytes]:
        """As `resolve`, in 16 bytes each, for connecting: IPv6 that comes `delay` late is not waited for."""
        return await resolve(self._dns, self._resolver, host, timeout, delay)

    def events(self) -> Events:
        """What happens to this network from now on, for `async for`: Joined, Denied, ConfigChanged, ..."""
        return Events(
            self._driver, self.node._queues, lambda event: getattr(event, "nwid", None) == self._nwid
        )

    async def leave(self) -> None:
        """Leave the network: its sockets fail, its stored configuration is deleted."""
        await self.node.leave(self.id)
