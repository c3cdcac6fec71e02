"""RelayedSocket: a UDP socket of this host whose datagrams come and go through networks."""

from __future__ import annotations

import errno
import operator
import os
import socket
from typing import TYPE_CHECKING, Any

from . import addresses, names
from .agent_datagram import head
from .agent_wire import DATAGRAM, HEAD
from .datagram_relay import HERE, DatagramRelay
from .system_socket import SystemSocket

if TYPE_CHECKING:
    from .datagram import DatagramSocket


class RelayedSocket(SystemSocket):
    """Made by `DatagramSocket.to_socket`; its descriptor carries a connected socket's datagrams as they are.

    What goes to and comes from any address does so by its methods alone.
    """

    _relays: tuple[DatagramRelay, ...] = ()

    def _relay_to(self, address: Any) -> DatagramRelay | None:
        """What leads to an address, None for none of them."""
        return self._relays[0] if self._relays else None

    # Out

    def sendto(self, data: Any, *arguments: Any) -> int:
        """`sendto(data, address)` or `sendto(data, flags, address)`; returns the length."""
        relay = self._relay_to(arguments[-1]) if arguments else None
        if relay is None or relay.remote is not None:
            return super().sendto(data, *arguments)
        relay.raise_error()
        host, port = addresses.pair(arguments[-1])
        message = head(DATAGRAM, names.system(host)[0], port) + bytes(data)
        flags = operator.index(arguments[0]) if len(arguments) == 2 else 0
        return max(super().sendto(message, flags, relay.address) - HEAD, 0)

    def send(self, data: Any, flags: int = 0) -> int:
        """Send to where the socket is connected to."""
        for relay in self._relays:
            relay.raise_error()
        return super().send(data, flags)

    # In

    def recvfrom(self, bufsize: int, flags: int = 0) -> tuple[bytes, Any]:
        """The next datagram, at most `bufsize` bytes of it, and where it came from."""
        data, source = super().recvfrom(bufsize + HEAD if self._relays else bufsize, flags)
        for relay in self._relays:
            if source == relay.address:
                return relay.read(data, bufsize)
            if not data and relay.remote is not None:
                relay.raise_error()
        return data[:bufsize], source

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """The next datagram, at most `bufsize` bytes of it; of a stream, what has come."""
        return self.recvfrom(bufsize, flags)[0] if self._relays else super().recv(bufsize, flags)

    def recvfrom_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> tuple[int, Any]:
        """The next datagram into a writable buffer; length and source."""
        if not self._relays:
            return super().recvfrom_into(buffer, nbytes, flags)
        view = memoryview(buffer).cast("B")
        data, source = self.recvfrom(nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data), source

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """As `recv`, into a writable buffer; the length."""
        if not self._relays:
            return super().recv_into(buffer, nbytes, flags)
        return self.recvfrom_into(buffer, nbytes, flags)[0]

    def getpeername(self) -> Any:
        """Where it is connected to on the network; OSError (ENOTCONN) when it is not."""
        if self._names is not None and self._names[1] is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return super().getpeername()

    def _real_close(self, *arguments: Any) -> None:
        super()._real_close(*arguments)  # type: ignore[misc]
        for relay in self._relays:
            relay.close()


def to_socket(given: DatagramSocket) -> RelayedSocket:
    """What `DatagramSocket.to_socket` does."""
    family = socket.AF_INET
    made = RelayedSocket(family, socket.SOCK_DGRAM)
    try:
        made.bind((HERE[family], 0))
        own = given.getsockname()
        relay = DatagramRelay(given._hand_over(), made)
        made.connect(relay.address)
    except BaseException:
        made.close()
        raise
    made._relays = (relay,)
    made._names = own, relay.remote
    made.settimeout(given.gettimeout())
    return made
