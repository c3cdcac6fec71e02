"""What code that is given a transport asks its socket for: addresses and options, nothing that moves data."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from .. import addresses, options

if TYPE_CHECKING:
    from ...io.driver import Driver
    from ...netstack.tcp.connection import Connection
    from ...netstack.tcp.listener import TcpListener

EVERYWHERE = "0.0.0.0"


class ConnectionFacts:
    """The part of `socket.socket` that asyncio.trsock.TransportSocket offers."""

    type = socket.SOCK_STREAM
    proto = socket.IPPROTO_TCP

    def __init__(self, driver: Driver, connection: Connection) -> None:
        self._driver = driver
        self._connection = connection
        is_v4 = addresses.is_v4(connection.remote_address[0])
        self.family = socket.AF_INET if is_v4 else socket.AF_INET6

    def fileno(self) -> int:
        """-1: there is no descriptor."""
        return -1

    def getpeername(self) -> tuple[Any, ...]:
        """The remote (host, port)."""
        return addresses.socket_address(*self._connection.remote_address)

    def getsockname(self) -> tuple[Any, ...]:
        """The local (host, port)."""
        return addresses.socket_address(*self._connection.local_address)

    def setsockopt(self, level: int, optname: int, value: Any, optlen: int | None = None) -> None:
        """Set an option that exists (TCP_NODELAY, TCP_CONGESTION, ...); OSError (ENOPROTOOPT) for others."""
        self._driver.run(lambda now: options.set_option(self._connection, level, optname, value, now))

    def getsockopt(self, level: int, optname: int, buflen: int = 0) -> Any:
        """An option's value; raises OSError (ENOPROTOOPT) for one that does not exist."""
        return self._driver.run(lambda now: options.get_option(self._connection, level, optname, buflen))

    def extra(self) -> dict[str, Any]:
        """What the transport's `get_extra_info` gives; `peer_id`: the authenticated node, 10 hex digits."""
        peer: Any = self._connection.peer
        return {
            "peername": self.getpeername(),
            "sockname": self.getsockname(),
            "socket": self,
            "peer_id": f"{peer.address:010x}" if peer is not None else "",
        }


class ListenerFacts:
    """As ConnectionFacts, of a listening port."""

    type = socket.SOCK_STREAM
    proto = socket.IPPROTO_TCP

    def __init__(self, listener: TcpListener) -> None:
        ip, port = listener.address, listener.port
        self._name = addresses.socket_address(ip, port) if ip else (EVERYWHERE, port)
        self.family = socket.AF_INET6 if ip and not addresses.is_v4(ip) else socket.AF_INET

    def fileno(self) -> int:
        """-1: there is no descriptor."""
        return -1

    def getsockname(self) -> tuple[Any, ...]:
        """The (host, port) that is listened on; 0.0.0.0 stands for every address of the network."""
        return self._name
