"""What httpcore and httpcore2 call a network backend, over a network; they look at its methods alone."""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from ..api.socket import Socket
from .tls import TlsSession


class Dialer(Protocol):
    """What connects: a Network, or a Node."""

    def connect(self, address: tuple[Any, ...], timeout: float | None = ...) -> Socket:
        """A connected socket."""
        ...


Kinds = dict[type[Exception], Any]


class Errors:
    """The exceptions of an httpcore (or httpcore2) for the builtin ones, the first kind that fits."""

    def __init__(self, library: Any) -> None:
        self.connect: Kinds = {TimeoutError: library.ConnectTimeout, OSError: library.ConnectError}
        self.read: Kinds = {TimeoutError: library.ReadTimeout, OSError: library.ReadError}
        self.write: Kinds = {TimeoutError: library.WriteTimeout, OSError: library.WriteError}


@contextlib.contextmanager
def mapped(errors: Kinds) -> Iterator[None]:
    """Raise httpcore's exception for the builtin one."""
    try:
        yield
    except (OSError, ValueError) as error:
        for kind, other in errors.items():
            if isinstance(error, kind):
                raise other(str(error)) from error
        raise


class Stream:
    """One connection; TLS is a session over it."""

    def __init__(self, socket: Socket, errors: Errors, session: TlsSession | None = None) -> None:
        self._socket = socket
        self._errors = errors
        self._session = session

    def _receive(self, size: int, timeout: float | None) -> bytes:
        self._socket.settimeout(timeout)
        return self._socket.recv(size)

    def _send(self, data: bytes, timeout: float | None) -> None:
        self._socket.settimeout(timeout)
        self._socket.sendall(data)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """At most `max_bytes`, empty at the end."""
        with mapped(self._errors.read):
            return (self._session.read if self._session else self._receive)(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of the buffer."""
        with mapped(self._errors.write):
            (self._session.write if self._session else self._send)(buffer, timeout)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> Stream:
        """The same connection under TLS (over TLS already there, if any)."""
        lower = self._session
        read, write = (lower.read, lower.write) if lower else (self._receive, self._send)
        try:
            with mapped(self._errors.connect):
                session = TlsSession(read, write, ssl_context, server_hostname)
                session.handshake(timeout)
        except BaseException:
            self.close()
            raise
        return Stream(self._socket, self._errors, session)

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


class Backend:
    """Connects through a network."""

    def __init__(self, network: Dialer, errors: Errors) -> None:
        self._network = network
        self._errors = errors

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> Stream:
        """A connection to an address of the network."""
        with mapped(self._errors.connect):
            socket = self._network.connect((host.strip("[]"), port), timeout)
            for option in socket_options or ():
                socket.setsockopt(*option)
            return Stream(socket, self._errors)

    def connect_unix_socket(self, path: str, timeout: float | None = None, socket_options: Any = None) -> Any:
        """There is none on a network."""
        raise ValueError("a network has no Unix sockets")

    def sleep(self, seconds: float) -> None:
        """Between two tries."""
        time.sleep(seconds)
