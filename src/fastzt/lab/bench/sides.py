"""The two kinds of sockets that are compared: the node's, and the operating system's."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from ..network import HOST

if TYPE_CHECKING:
    from ...api.network import Network

PATIENCE = 60.0


class Overlay:
    """Sockets of the node."""

    def __init__(self, net: Network) -> None:
        self.net = net
        self.host = str(net.addresses[0].ip)

    def listen(self) -> tuple[Any, int]:
        listener = self.net.listen(0)
        return listener, listener.port

    def connect(self, host: str, port: int) -> Any:
        return self.net.connect((host, port), timeout=PATIENCE)


class Kernel:
    """Sockets of the operating system, on loopback."""

    host = HOST

    def listen(self) -> tuple[Any, int]:
        listener = socket.create_server((HOST, 0), backlog=128)
        return listener, listener.getsockname()[1]

    def connect(self, host: str, port: int) -> Any:
        return socket.create_connection((host, port), timeout=PATIENCE)
