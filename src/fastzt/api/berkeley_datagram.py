"""BerkeleyDatagramSocket: a UDP socket with the life of `socket.socket`: made, then bound."""

from __future__ import annotations

import errno
import socket as system
from typing import TYPE_CHECKING, Any

from .berkeley import NONBLOCK, error_of, own_or_any
from .datagram import DatagramSocket

if TYPE_CHECKING:
    from .network import Network


class BerkeleyDatagramSocket(DatagramSocket):
    """Made by `Network.socket`. It has a port from the beginning, which `bind` exchanges for another."""

    def __init__(self, network: Network, family: int = system.AF_INET, type: int = system.SOCK_DGRAM) -> None:
        self._network = network
        super().__init__(network._driver, network._udp(0, ""))
        self.family = system.AddressFamily(family)
        self._is_bound = False
        self._options: list[tuple[int, int, Any]] = []
        self._timeout = 0.0 if type & NONBLOCK else system.getdefaulttimeout()

    def bind(self, address: Any) -> None:
        """Take a port (0: any free one) of one or all of this node's addresses; raises OSError."""
        self._check()
        if self._is_bound:
            raise error_of(errno.EINVAL)
        ip, port = own_or_any(self._network, address)
        driver, nwid, before = self._driver, self._network._nwid, self._endpoint
        endpoint = driver.run(lambda now: driver.core.udp(nwid, ip, port, now))
        self._bound = self._endpoint = endpoint
        self._is_bound = True
        driver.run(before.close)
        for level, option, value in self._options:
            super().setsockopt(level, option, value)

    def setsockopt(self, level: int, optname: int, value: int | bytes) -> None:
        """As of any DatagramSocket."""
        super().setsockopt(level, optname, value)
        if not self._is_bound:
            self._options.append((level, optname, value))

    def getsockname(self) -> tuple[Any, ...]:
        """The (host, port) of this end; port 0 before `bind`, `connect` and the first datagram."""
        host, port, *rest = super().getsockname()
        return (host, port if self._is_bound else 0, *rest)

    def _send(self, data: Any, remote: Any, flags: int = 0) -> int:
        self._is_bound = True
        return super()._send(data, remote, flags)

    def connect(self, address: Any) -> None:
        """Send to, and receive from, one address alone."""
        self._is_bound = True
        super().connect(address)
