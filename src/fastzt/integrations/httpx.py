"""httpx through a ZeroTier network: `httpx.Client(transport=fastzt.integrations.httpx.Transport(net))`.

Needs the extra `fastzt[http]`.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import httpcore
import httpx

from ..api.socket import Socket
from .tls import TlsSession


class Dialer(Protocol):
    """What connects: a Network, or a Node."""

    def connect(self, address: tuple[Any, ...], timeout: float | None = ...) -> Socket:
        """A connected socket."""
        ...


Errors = dict[type[Exception], type[Exception]]
CONNECT: Errors = {TimeoutError: httpcore.ConnectTimeout, OSError: httpcore.ConnectError}
READ: Errors = {TimeoutError: httpcore.ReadTimeout, OSError: httpcore.ReadError}
WRITE: Errors = {TimeoutError: httpcore.WriteTimeout, OSError: httpcore.WriteError}


@contextlib.contextmanager
def mapped(errors: Errors) -> Iterator[None]:
    """Raise httpcore's exception for the builtin one; the first kind that fits."""
    try:
        yield
    except (OSError, ValueError) as error:
        for kind, other in errors.items():
            if isinstance(error, kind):
                raise other(str(error)) from error
        raise


class Stream(httpcore.NetworkStream):
    """One connection; TLS is a session over it."""

    def __init__(self, socket: Socket, session: TlsSession | None = None) -> None:
        self._socket = socket
        self._session = session

    def _receive(self, size: int, timeout: float | None) -> bytes:
        self._socket.settimeout(timeout)
        return self._socket.recv(size)

    def _send(self, data: bytes, timeout: float | None) -> None:
        self._socket.settimeout(timeout)
        self._socket.sendall(data)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """At most `max_bytes`, empty at the end."""
        with mapped(READ):
            return (self._session.read if self._session else self._receive)(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of the buffer."""
        with mapped(WRITE):
            (self._session.write if self._session else self._send)(buffer, timeout)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same connection under TLS (over TLS already there, if any)."""
        lower = self._session
        read, write = (lower.read, lower.write) if lower else (self._receive, self._send)
        try:
            with mapped(CONNECT):
                session = TlsSession(read, write, ssl_context, server_hostname)
                session.handshake(timeout)
        except BaseException:
            self.close()
            raise
        return Stream(self._socket, session)

    def get_extra_info(self, info: str) -> Any:
        """`ssl_object`, `client_addr`, `server_addr`, `socket`, `is_readable`; None for others."""
        if info == "ssl_object":
            return self._session.info() if self._session else None
        if info == "client_addr":
            return self._socket.getsockname()
        if info == "server_addr":
            return self._socket.getpeername()
        if info == "socket":
            return self._socket
        if info == "is_readable":
            return self._socket.is_readable()
        return None


class Backend(httpcore.NetworkBackend):
    """Connects through a network."""

    def __init__(self, network: Dialer) -> None:
        self._network = network

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to an address of the network."""
        with mapped(CONNECT):
            socket = self._network.connect((host.strip("[]"), port), timeout)
            for option in socket_options or ():
                socket.setsockopt(*option)
            return Stream(socket)


class Transport(httpx.HTTPTransport):
    """httpx.HTTPTransport whose connections go through `network` (a fastzt.Network or fastzt.Node)."""

    def __init__(
        self,
        network: Dialer,
        *,
        verify: ssl.SSLContext | str | bool = True,
        cert: Any = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        limits: httpx.Limits | None = None,
        retries: int = 0,
        socket_options: Iterable[Any] | None = None,
    ) -> None:
        limits = limits or httpx.Limits(max_connections=100, max_keepalive_connections=20)
        # HTTPTransport takes no backend, so the pool that it would make is made here; the rest is inherited.
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(verify=verify, cert=cert, trust_env=trust_env),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            http1=http1,
            http2=http2,
            retries=retries,
            socket_options=socket_options,
            network_backend=Backend(network),
        )
