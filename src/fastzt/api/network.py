"""Network: a ZeroTier network that a node has joined."""

from __future__ import annotations

import contextlib
import errno
import os
import socket as system
import time
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..io.threaded import EVERY, ThreadedDriver
from ..io.waiter import TimedOut
from . import addresses, names
from .addresses import Address
from .base_network import BaseNetwork
from .connecting import Connecting
from .datagram import DatagramSocket
from .echo import Pinging, PingResult
from .happy_eyeballs import Candidate, Race
from .listener import Listener
from .lookup import RESOLUTION_DELAY
from .resolver import Resolver
from .shared_ports import SharedPorts
from .socket import Socket

if TYPE_CHECKING:
    from ..netstack.tcp.connection import Connection
    from .berkeley import BerkeleySocket
    from .berkeley_datagram import BerkeleyDatagramSocket
    from .forwarded import Forwarded
    from .node import Node


class Network(BaseNetwork[ThreadedDriver]):
    """Made by `Node.join`. Its sockets live as long as the node."""

    def __init__(self, node: Node, driver: ThreadedDriver, nwid: int) -> None:
        super().__init__(driver, nwid)
        self.node = node
        self._resolver = Resolver(self._reach, self._reach_by_udp)
        self._ports = SharedPorts(driver, nwid)

    def connect(self, address: tuple[Any, ...], timeout: float | None = 10) -> Socket:
        """A TCP connection to (host, port) on this network; `timeout` (seconds) stays the socket's timeout.

        A host may be a name (see `resolve`), several addresses of which are tried as RFC 8305 says, unique
        local IPv6 after IPv4. Raises NoRouteError, HostUnreachableError,
        ConnectionRefusedError, TimeoutError.
        """
        self._driver.check()
        host, port = addresses.pair(address)
        return open_first(self._driver, self._candidates(host, self.hosts(host, timeout)), port, timeout)

    def resolve(self, host: str, timeout: float | None = names.TIMEOUT) -> list[Address]:
        """The addresses of a host: a literal's own, from the network's DNS servers, or from the system.

        The servers are asked for names in the network's search domain and for single labels, to which it is
        added; where there is no domain, for every name. Needs `fastzt[dns]` for those. Raises InputError,
        NameResolutionError, socket.gaierror.
        """
        self._driver.check()
        return [addresses.address(ip) for ip in self.hosts(host, timeout, None)]

    def hosts(self, host: str, timeout: float | None, delay: float | None = RESOLUTION_DELAY) -> list[bytes]:
        """As `resolve`, in 16 bytes each, for connecting: IPv6 that comes `delay` late is not waited for."""
        return names.resolve(self._dns, self._resolver, host, timeout, delay)

    def _reach(self, server: bytes, port: int, timeout: float) -> Socket:
        """A connection to a DNS server of the network."""
        self._first_routed(addresses.host_text(server), [server])
        return open_connection(self._driver, self._nwid, server, port, timeout)

    def _reach_by_udp(self, server: bytes, port: int) -> DatagramSocket:
        """A socket connected to a DNS server of the network; raises NoRouteError."""
        socket = self.udp()
        try:
            socket.connect((addresses.host_text(server), port))
        except BaseException:
            socket.close()
            raise
        return socket

    def listen(self, port: int, host: str = "", backlog: int = 128) -> Listener:
        """Listen for TCP connections on a port (0: any free one) of one or (default) all addresses."""
        return Listener(self._driver, self._listener(port, host, backlog))

    def udp(self, port: int = 0, host: str = "") -> DatagramSocket:
        """A UDP socket on a port (0: any free one) of one or (default) all addresses."""
        return DatagramSocket(self._driver, self._udp(port, host))

    def socket(
        self, family: int = system.AF_INET, type: int = system.SOCK_STREAM, proto: int = 0
    ) -> BerkeleySocket | BerkeleyDatagramSocket:
        """A TCP or UDP socket to be bound and to listen or connect, with the arguments of `socket.socket`."""
        from . import berkeley, berkeley_datagram

        kind = type & ~(berkeley.NONBLOCK | berkeley.CLOEXEC)
        if family not in berkeley.FAMILIES:
            raise berkeley.error_of(errno.EAFNOSUPPORT)
        if kind == system.SOCK_STREAM and proto in (0, system.IPPROTO_TCP):
            return berkeley.BerkeleySocket(self, family, type)
        if kind == system.SOCK_DGRAM and proto in (0, system.IPPROTO_UDP):
            return berkeley_datagram.BerkeleyDatagramSocket(self, family, type)
        raise berkeley.error_of(errno.EPROTONOSUPPORT)

    def connecting(self, family: int) -> BerkeleySocket:
        """A connection to be made, as `patched` wants it."""
        from .berkeley import BerkeleySocket

        return BerkeleySocket(self, family)

    def forwarded(
        self, host: str, port: int, path: str | os.PathLike[str] | None = None, timeout: float = 10
    ) -> Forwarded:
        """A port of 127.0.0.1 that leads to a service: `with net.forwarded(host, port) as (h, p)`.

        For clients that connect in C. Every user of this machine can connect to it; `path` makes it a Unix
        socket (0600) instead. `timeout` (seconds) bounds each connect.
        """
        from .forwarded import Forwarded

        self._driver.check()
        return Forwarded(self, addresses.pair((host, port)), path, timeout)

    def ping(
        self, host: str, count: int = 4, timeout: float = 2.0, interval: float = 1.0, size: int = 56
    ) -> PingResult:
        """Send ICMP echo requests with `size` bytes; `timeout` (seconds) bounds the wait for each reply.

        Raises NoRouteError, NameResolutionError. A host that does not answer is no exception.
        """
        if count < 1:
            raise InputError("a ping sends at least one request")
        with contextlib.closing(self.pinging(host, timeout, interval, size)) as pinging:
            return PingResult(pinging.address, size, list(pinging.echoes(count)))

    def pinging(self, host: str, timeout: float = 2.0, interval: float = 1.0, size: int = 56) -> Pinging:
        """As `ping`, for echoes one after the other; to be closed."""
        self._driver.check()
        ip = self._first_routed(host, self.hosts(host, timeout))
        return Pinging(self._driver, self._nwid, ip, size, timeout, interval)

    def leave(self) -> None:
        """Leave the network: its sockets fail, its stored configuration is deleted."""
        self.node.leave(self.id)


def open_connection(driver: ThreadedDriver, nwid: int, ip: bytes, port: int, timeout: float | None) -> Socket:
    """Connect through one network and wait until the handshake is over."""
    connecting = Connecting(driver, nwid, ip, port)
    try:
        driver.wait(connecting.connection.id, connecting.attempt, timeout)
    except BaseException as error:
        connecting.abandon()
        if isinstance(error, TimedOut):
            raise connecting.late() from None
        raise
    return Socket(driver, connecting.connection, timeout)


def open_first(
    driver: ThreadedDriver, candidates: list[Candidate], port: int, timeout: float | None
) -> Socket:
    """Connect to the first of several addresses that answers (`happy_eyeballs`), given in order."""
    if len(candidates) == 1:
        return open_connection(driver, *candidates[0], port, timeout)
    start = time.monotonic()
    race = Race(driver.core, candidates, port)
    winner: Connection | None = None
    try:
        while winner is None:
            left = None if timeout is None else start + timeout - time.monotonic()
            if left is not None and left <= 0:
                raise race.late(start)
            winner = wait_a_while(driver, race, left)
    finally:
        if not driver.closed and not driver.forked:
            driver.run(lambda now: race.cancel(now, winner))
    return Socket(driver, winner, timeout)


def wait_a_while(driver: ThreadedDriver, race: Race, left: float | None) -> Connection | None:
    """Wait until an attempt has won, or the next one is due."""
    try:
        return driver.wait(EVERY, race.step, race.patience(left))
    except TimedOut:
        return None
