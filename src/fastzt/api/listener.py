"""Listener: accepts TCP connections on a ZeroTier network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..io.threaded import ThreadedDriver
from . import addresses
from .port_socket import PortSocket
from .socket import Socket

if TYPE_CHECKING:
    from ..netstack.tcp.connection import Connection
    from ..netstack.tcp.listener import TcpListener


class Listener(PortSocket):
    """A listening port. `accept` follows the listener's timeout; accepted sockets begin in blocking mode.

    Connections that nobody has accepted when it is closed are reset.
    """

    def __init__(self, driver: ThreadedDriver, listener: TcpListener) -> None:
        super().__init__(driver, listener)
        self._listener = listener

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
