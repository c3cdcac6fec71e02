"""RoutedSocket: what `socket.socket` is while `fastzt.patched` is in force."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .datagram_relay import HERE, DatagramRelay
from .relayed_socket import RelayedSocket
from .routes import Routes
from .system_socket import SYSTEM, SystemSocket

if TYPE_CHECKING:
    from .agent_connecting import AgentConnecting
    from .berkeley import BerkeleySocket
    from .routes import Route

FAMILIES = (socket.AF_INET, socket.AF_INET6)
routes = Routes()
# What a program may have set before it connects, and what that is on the network's side.
CARRIED = [
    (getattr(socket, level), getattr(socket, option))
    for level, option in (
        ("IPPROTO_TCP", "TCP_NODELAY"),
        ("SOL_SOCKET", "SO_KEEPALIVE"),
        ("IPPROTO_TCP", "TCP_KEEPIDLE"),
        ("IPPROTO_TCP", "TCP_KEEPINTVL"),
        ("IPPROTO_TCP", "TCP_KEEPCNT"),
    )
    if hasattr(socket, option)
]


class Kind(type):
    """What was `socket.socket` before is still an instance, or a subclass, of what it is now."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, SYSTEM)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, SYSTEM)


class RoutedSocket(RelayedSocket, metaclass=Kind):
    """A socket of the system, which a routed connect makes the end of a connection through a network.

    A connect that may not block waits nevertheless for the other end's answer; asyncio's does not.
    """

    _connecting: BerkeleySocket | AgentConnecting | None = None
    _by_network: Mapping[Any, DatagramRelay] = MappingProxyType({})  # of datagrams to any address
    _is_local = False  # an agent's: its descriptor is a Unix socket

    def connect(self, address: Any) -> None:
        """Connect through the network that leads there, else as any socket of the system."""
        route = self.route_to(address)
        if route is None:
            super().connect(self._relayed(address))
            return
        near = self.begin(route)
        near.settimeout(self.gettimeout() or None)
        self.finish(near, address)

    def connect_ex(self, address: Any) -> int:
        """As `connect`; the error number, 0 when there is none."""
        if self.route_to(address) is None and self._datagrams_to(address) is None:
            return super().connect_ex(address)
        try:
            self.connect(address)
        except socket.gaierror:
            raise
        except OSError as error:
            return error.errno or errno.EAGAIN
        return 0

    def route_to(self, address: Any) -> Route | None:
        """The route of a TCP connection to an address, None for any other."""
        if self.family not in FAMILIES or self.type != socket.SOCK_STREAM or not isinstance(address, tuple):
            return None
        return routes.to(address[0]) if address else None

    def _datagrams_to(self, address: Any) -> Route | None:
        """The route of datagrams to an address, None for any other."""
        if self.family not in FAMILIES or self.type != socket.SOCK_DGRAM or not isinstance(address, tuple):
            return None
        return routes.to(address[0]) if address else None

    def _relay_to(self, address: Any) -> DatagramRelay | None:
        route = self._datagrams_to(address)
        if route is None:
            return None
        known = self._by_network.get(route.network)
        if known is None:
            if not self.getsockname()[1]:
                self.bind(("", 0))
            known = DatagramRelay(route.network.udp(), self)
            self._by_network = {**self._by_network, route.network: known}
            self._relays = (*self._relays, known)
        return known

    def _relayed(self, address: Any) -> Any:
        """The address of this host that stands for one of a network; any other as it is."""
        route = self._datagrams_to(address)
        if route is None:
            return address
        bound = route.network.udp()
        try:
            bound.connect((address[0], address[1]))
            if not SYSTEM.getsockname(self)[1]:
                self.bind((HERE[self.family], 0))
            relay = DatagramRelay(bound, self)
        except BaseException:
            bound.close()
            raise
        before, self._relays, self._by_network = self._relays, (relay,), {}
        for other in before:
            other.close()
        self._names = bound.getsockname(), relay.remote
        return relay.address

    def begin(self, route: Route) -> BerkeleySocket | AgentConnecting:
        """The network's socket for a connection, which closing this one ends."""
        near = route.network.connecting(self.family)
        self._connecting = near
        for level, option in CARRIED:
            with contextlib.suppress(OSError):
                near.setsockopt(level, option, self.getsockopt(level, option))
        return near

    def finish(self, near: BerkeleySocket | AgentConnecting, address: Any) -> None:
        """Connect, and take the system's end of the connection's place. May be called on another thread."""
        try:
            near.connect((address[0], address[1]))
            made = near.to_socket()
        except BaseException:
            near.close()
            raise
        finally:
            self._connecting = None
        with made:
            self._become(made)

    def _become(self, made: SystemSocket) -> None:
        """Put another socket behind this one's descriptor, which stays the same."""
        with _swapping:
            descriptor = self.fileno()
            if descriptor < 0:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            os.dup2(made.fileno(), descriptor, inheritable=os.get_inheritable(descriptor))
            self._names, self.peer_id = made._names, made.peer_id
            self._is_local = made.family not in FAMILIES
        self.settimeout(self.gettimeout())  # the descriptor's own mode was the other's

    def plain(self) -> SystemSocket:
        """This, or where its descriptor is a Unix socket, a socket that says so."""
        if not self._is_local:
            return self
        made = SystemSocket(fileno=self.detach())
        made._names, made.peer_id = self._names, self.peer_id
        return made

    def setsockopt(self, level: int, optname: int, *value: Any) -> None:
        """As of any socket; the options of TCP are the agent's where there is one."""
        if not (self._is_local and (level, optname) in CARRIED):
            super().setsockopt(level, optname, *value)

    def getsockopt(self, level: int, optname: int, *buflen: Any) -> Any:
        """As of any socket."""
        if self._is_local and (level, optname) in CARRIED:
            return struct.pack("i", 0)[: buflen[0]] if buflen else 0
        return super().getsockopt(level, optname, *buflen)

    def _real_close(self, *arguments: Any) -> None:
        with _swapping:
            super()._real_close(*arguments)
        near = self._connecting
        if near is not None:
            near.close()

    def detach(self) -> int:
        """The descriptor, which the caller has to close."""
        with _swapping:
            return super().detach()


_swapping = threading.Lock()  # a descriptor that another thread closes may be another file's by then
