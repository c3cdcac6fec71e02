"""Server: a listening port of a network, whose connections get protocols, as asyncio.Server."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import tls
from .facts import ListenerFacts
from .transport import StreamTransport

if TYPE_CHECKING:
    from ...io.loop_driver import LoopDriver
    from ...netstack.tcp.connection import Connection
    from ...netstack.tcp.listener import TcpListener

ACCEPTED_AT_ONCE = 64  # connections taken before others have their turn
Factory = Callable[[], asyncio.BaseProtocol]


class Server(asyncio.AbstractServer):
    """Made by `Network.create_server`; connections that it has not taken when it closes are reset."""

    def __init__(
        self,
        driver: LoopDriver,
        listener: TcpListener,
        factory: Factory,
        context: ssl.SSLContext | None = None,
        **timeouts: Any,
    ) -> None:
        self._driver = driver
        self._loop = driver.loop
        self._listener = listener
        self._id = listener.id
        self._port = listener.port
        self._facts = ListenerFacts(listener)
        self._factory = factory
        self._context = context
        self._timeouts = timeouts
        self._transports: set[StreamTransport] = set()
        self._serving = False
        self._closed = False
        self._waiters: list[asyncio.Future[None]] = []
        self._forever: asyncio.Future[None] | None = None

    @property
    def port(self) -> int:
        """The local port."""
        return self._port

    @property
    def sockets(self) -> tuple[ListenerFacts, ...]:
        """The address and port, as what has `getsockname`; none once it is closed."""
        return () if self._closed else (self._facts,)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Its event loop."""
        return self._loop

    def is_serving(self) -> bool:
        """Whether it takes connections."""
        return self._serving

    def begin(self) -> None:
        """Take connections from now on. Harmless when repeated."""
        if not self._serving and not self._closed:
            self._serving = True
            self._driver.watchers.add(self._id, self._accept)
            self._loop.call_soon(self._accept, 0)

    async def start_serving(self) -> None:
        """Take connections from now on."""
        self.begin()

    async def serve_forever(self) -> None:
        """Take connections until this is cancelled; then it is closed."""
        if self._forever is not None:
            raise RuntimeError("the server serves for ever already")
        if self._closed:
            raise RuntimeError("the server is closed")
        self.begin()
        self._forever = self._loop.create_future()
        try:
            await self._forever
        finally:
            self._forever = None
            self.close()

    def _accept(self, bits: int) -> None:
        """Take the connections that wait."""
        if self._driver.closed:
            self.close()
        for _ in range(ACCEPTED_AT_ONCE):
            connection = None if self._closed else self._listener.accept()
            if connection is None:
                return
            self._take(connection)
        self._loop.call_soon(self._accept, 0)

    def _take(self, connection: Connection) -> None:
        try:
            protocol = self._factory()
            if self._context is not None:
                protocol = tls.protocol(
                    self._loop, protocol, self._context, None, server_side=True, **self._timeouts
                )
            StreamTransport(self._driver, connection, protocol, self)
        except Exception as error:
            self._driver.run(connection.abort)
            self._driver.run(connection.close)
            self._loop.call_exception_handler(
                {"message": "no protocol could be made for a connection", "exception": error, "server": self}
            )

    def attach(self, transport: StreamTransport) -> None:
        """A connection of it has begun."""
        self._transports.add(transport)

    def detach(self, transport: StreamTransport) -> None:
        """A connection of it has ended."""
        self._transports.discard(transport)
        self._check_end()

    # The end

    def close(self) -> None:
        """Free the port; the connections that it has taken go on."""
        if self._closed:
            return
        self._closed = True
        self._serving = False
        self._driver.watchers.remove(self._id, self._accept)
        if not self._driver.closed and not self._driver.forked:
            self._driver.run(self._listener.close)
        if self._forever is not None and not self._forever.done():
            self._forever.cancel()
        self._check_end()

    def close_clients(self) -> None:
        """Close its connections."""
        for transport in list(self._transports):
            transport.close()

    def abort_clients(self) -> None:
        """Reset its connections."""
        for transport in list(self._transports):
            transport.abort()

    def _check_end(self) -> None:
        if self._closed and not self._transports:
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(None)
            self._waiters.clear()

    async def wait_closed(self) -> None:
        """Until it is closed and its connections have ended."""
        if not self._closed or self._transports:
            waiter = self._loop.create_future()
            self._waiters.append(waiter)
            await waiter

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"port={self._port}"
        return f"<fastzt.aio.Server {state}>"

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(self, *error: Any) -> None:
        self.close()
        await self.wait_closed()
