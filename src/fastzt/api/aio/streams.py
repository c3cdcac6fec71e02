"""Streams: asyncio's own reader and writer over the transports of this package."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from .conduit import Conduit
from .tls import start_tls
from .transport import StreamTransport

LIMIT = 1 << 16  # asyncio.streams' own
Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], "Awaitable[None] | None"]


class StreamReader(asyncio.StreamReader):
    """asyncio.StreamReader whose `read(n)` takes what has arrived straight from the connection.

    What nobody reads stays there, where it closes the receive window; only lines and exact counts pass
    through the buffer. Under TLS it is asyncio's alone.
    """

    _buffer: bytearray
    _loop: asyncio.AbstractEventLoop
    _paused: bool
    _waiter: asyncio.Future[None] | None
    source: Conduit | None = None

    async def read(self, n: int = -1) -> bytes:
        """At most `n` bytes (-1: all until the end), empty at the end."""
        while n > 0 and self.source is not None and not self._buffer and self.exception() is None:
            source = self.source
            data = source.pull(n)
            if data:
                return data
            if self._waiter is not None:
                raise RuntimeError("read() is called while another coroutine waits for data")
            if not source.when_readable(self._wakeup_waiter):  # type: ignore[attr-defined]
                break
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
                source.when_readable(None)
        return await super().read(n)

    def rest(self) -> None:
        """Take nothing until somebody waits for it."""
        if self.source is not None:
            self._paused = True
            self.source.pause()


class StreamWriter(asyncio.StreamWriter):
    """asyncio.StreamWriter whose `start_tls` works on every loop, and before Python 3.11."""

    _protocol: Any
    _loop: asyncio.AbstractEventLoop
    _transport: asyncio.Transport

    async def start_tls(
        self,
        sslcontext: ssl.SSLContext,
        *,
        server_hostname: str | None = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
        server_side: bool | None = None,
    ) -> None:
        """Upgrade the connection; the server's end is that which a server accepted."""
        if server_side is None:
            server_side = self._protocol.serves
        await self.drain()
        self._protocol.reader.source = None  # what comes is TLS's
        self._transport = await start_tls(
            self._transport,
            self._protocol,
            sslcontext,
            server_side=server_side,
            server_hostname=server_hostname,
            ssl_handshake_timeout=ssl_handshake_timeout,
            ssl_shutdown_timeout=ssl_shutdown_timeout,
        )
        self._protocol.continue_over(self._transport)

    async def wait_closed(self) -> None:
        """Until the connection is closed; raises what ended it. Another may wait when this is cancelled."""
        closed = self._protocol._get_close_waiter(self)
        await asyncio.wait([closed])
        closed.result()


class StreamProtocol(asyncio.StreamReaderProtocol):
    """Feeds `reader`. For a server (`connected`) it makes the writer too, and starts what serves it."""

    _over_ssl: bool

    def __init__(
        self, reader: StreamReader, connected: Connected | None, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(reader, loop=loop)
        self.reader = reader
        self.serves = connected is not None
        self._connected = connected
        self._own_loop = loop
        self._serving: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve, if this is a server's."""
        super().connection_made(transport)
        if isinstance(transport, StreamTransport):
            self.reader.source = transport.conduit
            self.reader.rest()
        if self._connected is None:
            return
        writer = StreamWriter(transport, self, self.reader, self._own_loop)  # type: ignore[arg-type]
        served = self._connected(self.reader, writer)
        self._connected = None
        if asyncio.iscoroutine(served):
            self._serving = self._own_loop.create_task(served)
            self._serving.add_done_callback(self._served)

    def data_received(self, data: bytes) -> None:
        """What somebody waits for."""
        self.reader.feed_data(data)
        self.reader.rest()

    def _served(self, task: asyncio.Task[None]) -> None:
        self._serving = None
        transport: Any = self._transport
        if task.cancelled():
            if transport is not None:
                transport.close()
            return
        error = task.exception()
        if error is not None:
            self._own_loop.call_exception_handler(
                {
                    "message": "an error in what serves a connection",
                    "exception": error,
                    "transport": transport,
                }
            )
            if transport is not None:
                transport.close()

    def continue_over(self, transport: asyncio.Transport) -> None:
        """The connection goes on over another transport: TLS."""
        self._transport = transport
        self._over_ssl = True
        self.reader.source = None
        self.reader._paused = False
        self.reader._transport = transport  # type: ignore[attr-defined]


def new_streams(
    loop: asyncio.AbstractEventLoop, limit: int, connected: Connected | None = None
) -> StreamProtocol:
    """A protocol with a reader that holds about `limit` bytes."""
    return StreamProtocol(StreamReader(limit=limit, loop=loop), connected, loop)
