"""As `http_streams`, without blocking: under asyncio or trio, by the streams of `integrations.anyio`."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterable, Iterator
from typing import Any

import anyio
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSAttribute, TLSStream

from .anyio import AnyNetwork, Stream, connect
from .http_streams import Errors, Kinds

BROKEN = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream)

__all__ = ["AnyNetwork", "AsyncBackend", "AsyncStream"]


@contextlib.contextmanager
def mapped(errors: Kinds, timeout: float | None) -> Iterator[None]:
    """Within a time (seconds), raise httpcore's exception for what went wrong."""
    try:
        with anyio.fail_after(timeout):
            yield
    except TimeoutError as error:
        raise errors[TimeoutError](str(error)) from error
    except (*BROKEN, OSError) as error:
        raise errors[OSError](str(error)) from error


class AsyncStream:
    """One connection, or the TLS session over it; `below` is the connection itself."""

    def __init__(self, stream: ByteStream, below: Stream, errors: Errors) -> None:
        self._stream = stream
        self._below = below
        self._errors = errors

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """At most `max_bytes`, empty at the end."""
        with mapped(self._errors.read, timeout):
            try:
                return await self._stream.receive(max_bytes)
            except anyio.EndOfStream:
                return b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of the buffer."""
        if buffer:
            with mapped(self._errors.write, timeout):
                await self._stream.send(buffer)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> AsyncStream:
        """The same connection under TLS."""
        try:
            with mapped(self._errors.connect, timeout):
                over = await TLSStream.wrap(
                    self._stream,
                    ssl_context=ssl_context,
                    hostname=server_hostname,
                    standard_compatible=False,
                    server_side=False,
                )
        except BaseException:
            self._below.abort()
            raise
        return AsyncStream(over, self._below, self._errors)

    def get_extra_info(self, info: str) -> Any:
        """`ssl_object`, `client_addr`, `server_addr`, `is_readable`; None for others."""
        if info == "ssl_object":
            return self._stream.extra(TLSAttribute.ssl_object, None)
        if info == "client_addr":
            return self._stream.extra(SocketAttribute.local_address, None)
        if info == "server_addr":
            return self._stream.extra(SocketAttribute.remote_address, None)
        return self._below.is_readable() if info == "is_readable" else None


class AsyncBackend:
    """Connects through a network."""

    def __init__(self, network: AnyNetwork, errors: Errors) -> None:
        self._network = network
        self._errors = errors

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncStream:
        """A connection to an address of the network."""
        with mapped(self._errors.connect, timeout):
            stream = await connect(self._network, host.strip("[]"), port, timeout=timeout)
            for option in socket_options or ():
                stream.set_option(*option)
        return AsyncStream(stream, stream, self._errors)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Any = None
    ) -> Any:
        """There is none on a network."""
        raise ValueError("a network has no Unix sockets")

    async def sleep(self, seconds: float) -> None:
        """Between two tries."""
        await anyio.sleep(seconds)
