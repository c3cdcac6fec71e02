"""Listener: accepts TCP connections on a ZeroTier network."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

from ..io.threaded import ThreadedDriver
from . import addresses
from .socket import Socket, Timeouts

if TYPE_CHECKING:
    from ..netstack.tcp.connection import Connection
    from ..netstack.tcp.listener import TcpListener


class Listener(Timeouts):
    """A listening port. `accept` follows the listener's timeout; accepted sockets begin in blocking mode."""

    def __init__(self, driver: ThreadedDriver, listener: TcpListener) -> None:
        self._driver = driver
        self._listener = listener
        self._closed = False

    def accept(self) -> tuple[Socket, tuple[Any, ...]]:
        """The next connection and the address of its other end."""

        def attempt(now: int) -> Connection | None:
            self._check()
            return self._listener.accept()

        connection = self._wait(self._listener.id, attempt, self._timeout)
        return Socket(self._driver, connection), addresses.socket_address(*connection.remote_address)

    def getsockname(self) -> tuple[Any, ...]:
        """The (host, port) that is listened on; 0.0.0.0 stands for every address of the network."""
        self._check()
        ip, port = self._listener.address, self.port
        return addresses.socket_address(ip, port) if ip else ("0.0.0.0", port)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._listener.port

    def close(self) -> None:
        """Stop listening; connections that nobody accepted are reset, a blocked `accept` raises OSError."""
        was_closed, self._closed = self._closed, True
        if was_closed or self._driver.closed or self._driver.forked:
            return
        number = self._listener.id

        def end(now: int) -> None:
            self._listener.close(now)
            self._driver.waiters.wake(number)

        self._driver.run(end)

    def fileno(self) -> int:
        """-1: there is no descriptor to poll."""
        return -1

    def _check(self) -> None:
        self._driver.check()
        if self._closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def __repr__(self) -> str:
        return "<fastzt.Listener closed>" if self._closed else f"<fastzt.Listener port={self.port}>"
