"""BerkeleySocket: a TCP socket that is made, bound, then listens or connects, as `socket.socket` does."""

from __future__ import annotations

import errno
import os
import socket as system
from typing import TYPE_CHECKING, Any

from ..io.waiter import TimedOut
from . import addresses, names, options
from .socket import Socket, connect_error

if TYPE_CHECKING:
    from ..netstack.tcp.connection import Connection
    from .network import Network
    from .shared_ports import SharedListener

ANY_HOSTS = ("", "0.0.0.0", "::")
NONBLOCK: int = getattr(system, "SOCK_NONBLOCK", 0)
CLOEXEC: int = getattr(system, "SOCK_CLOEXEC", 0)
FAMILIES = (system.AF_INET, system.AF_INET6)


def error_of(number: int) -> OSError:
    """The builtin exception of an error number."""
    return OSError(number, os.strerror(number))


def own_or_any(network: Network, address: Any) -> tuple[bytes | None, int]:
    """What `bind` is given, as an address of this node (None: all) and a port; raises OSError."""
    if not isinstance(address, tuple) or len(address) < 2 or not isinstance(address[0], str):
        raise TypeError("an address (host, port) is needed")
    host, port = address[0], address[1]
    if not 0 <= port <= 65535:
        raise OverflowError("bind(): port must be 0-65535.")
    if host in ANY_HOSTS:
        return None, port
    own = [ip for ip, _ in network._interfaces()]
    for ip in names.system(host):
        if ip in own:
            return ip, port
    raise error_of(errno.EADDRNOTAVAIL)


def unconnected(network: Network) -> Connection:
    """What stands for the connection that a socket does not have yet."""
    return network._driver.run(lambda now: network._core.unconnected(network._nwid))


class BerkeleySocket(Socket):
    """Made by `Network.socket`. Bound to no host it hears all this node's addresses of its family, an IPv6
    one those of IPv4 as well, unless IPV6_V6ONLY is set.

    Names of hosts are looked up as `Network.resolve` does. A timeout begins as `socket.getdefaulttimeout()`.
    """

    _listener: SharedListener | None = None

    def __init__(
        self, network: Network, family: int = system.AF_INET, type: int = system.SOCK_STREAM
    ) -> None:
        self._network = network
        self._unconnected = unconnected(network)
        super().__init__(network._driver, self._unconnected, system.getdefaulttimeout())
        self.family = system.AddressFamily(family)
        self._bound: tuple[bytes | None, int] | None = None
        self._options: dict[tuple[int, int], Any] = {}
        if type & NONBLOCK:
            self._timeout = 0.0

    # The passive side

    def bind(self, address: Any) -> None:
        """Take a port (0: any free one) of one or all of this node's addresses; raises OSError."""
        self._check()
        if self._bound is not None or self._connection is not self._unconnected:
            raise error_of(errno.EINVAL)
        ip, port = own_or_any(self._network, address)
        self._bound = self._network._ports.bind(ip, port, self._shares_port())

    def _shares_port(self) -> bool:
        option = getattr(system, "SO_REUSEPORT", None)
        return option is not None and bool(self._options.get((system.SOL_SOCKET, option)))

    def listen(self, backlog: int = 128) -> None:
        """Let others connect from now on; raises OSError."""
        self._check()
        if self._connection is not self._unconnected:
            raise error_of(errno.EINVAL)
        if self._listener is None:
            if self._bound is None:
                self._bound = self._network._ports.bind(None, 0, False)
            self._listener = self._network._ports.listen(*self._bound, max(1, backlog))

    def accept(self) -> tuple[Socket, tuple[Any, ...]]:
        """The next connection, with the default timeout, and the address of its other end."""
        self._check()
        if self._listener is None:
            raise error_of(errno.EINVAL)
        listener = self._listener.listener

        def attempt(now: int) -> Connection | None:
            self._check()
            while (connection := listener.accept()) is not None and not self._takes(connection):
                connection.abort(now)
            return connection

        connection = self._wait(listener.id, attempt, self._timeout)
        made = Socket(self._driver, connection, system.getdefaulttimeout())
        return made, addresses.socket_address(*connection.remote_address)

    def _takes(self, connection: Connection) -> bool:
        """Whether a connection is of this socket's family, or of any."""
        is_v4 = addresses.is_v4(connection.remote_address[0])
        if self.family == system.AF_INET or not is_v4:
            return is_v4 == (self.family == system.AF_INET)
        return not self._options.get((system.IPPROTO_IPV6, system.IPV6_V6ONLY))

    # The active side

    def connect(self, address: Any) -> None:
        """Connect to (host, port); raises OSError.

        After a timeout the attempt goes on. Without blocking it begins and raises BlockingIOError
        (EINPROGRESS); a later call tells what became of it: EALREADY, EISCONN or the failure.
        """
        self._check()
        if self._listener is not None:
            raise error_of(errno.EISCONN)
        connection = self._connection
        if connection is self._unconnected:
            self._begin(address)
        elif connection.connected:
            raise error_of(errno.EISCONN)
        elif self._timeout == 0.0 and not connection.error:
            raise error_of(errno.EALREADY)
        self._await_connection(f"{address[0]} port {address[1]}")

    def _begin(self, address: Any) -> None:
        host, port = addresses.pair(address)
        if host in ANY_HOSTS[1:]:
            host = str(self._network.addresses[0].ip)
        hosts = self._network.hosts(host, self._timeout)
        fitting = [ip for ip in hosts if addresses.is_v4(ip) == (self.family == system.AF_INET)]
        ip = self._network._first_routed(host, fitting or hosts)
        local = self._bound[1] if self._bound else 0
        network, driver = self._network._nwid, self._driver

        def begin(now: int) -> Connection:
            made = driver.core.connect(network, ip, port, now, local)
            for (level, option), value in self._options.items():
                options.set_option(made, level, option, value, now)
            return made

        self._connection = driver.run(begin)

    def _await_connection(self, where: str) -> None:
        connection = self._connection

        def attempt(now: int) -> bool | None:
            self._check()
            if connection.error:
                self._connection = self._unconnected
                raise connect_error(connection.error, where)
            return True if connection.connected else None

        try:
            self._driver.wait(connection.id, attempt, self._timeout)
        except TimedOut:
            if self._timeout == 0.0:
                raise error_of(errno.EINPROGRESS) from None
            raise TimeoutError("timed out") from None

    def connect_ex(self, address: Any) -> int:
        """As `connect`; the error number, 0 when there is none. Raises what is no OSError of the network."""
        try:
            self.connect(address)
        except system.gaierror:
            raise
        except OSError as error:
            return error.errno or errno.EAGAIN
        return 0

    # Facts

    def getpeername(self) -> tuple[Any, ...]:
        """The remote (host, port); OSError (ENOTCONN) without one."""
        self._check()
        if not self._connection.connected and self._connection.error:
            raise error_of(errno.ENOTCONN)
        return super().getpeername()

    def getsockname(self) -> tuple[Any, ...]:
        """The local (host, port); 0.0.0.0 stands for every address of the network, port 0 for none yet."""
        self._check()
        if self._connection is not self._unconnected:
            return super().getsockname()
        ip, port = self._bound or (None, 0)
        if ip is not None:
            return addresses.socket_address(ip, port)
        return ("0.0.0.0", port) if self.family == system.AF_INET else ("::", port, 0, 0)

    def setsockopt(self, level: int, optname: int, value: Any, optlen: int | None = None) -> None:
        """As of any Socket; what is set before the connection begins counts for it."""
        self._check()
        if self._connection is self._unconnected:
            options.check(level, optname)
            self._options[level, optname] = value
        super().setsockopt(level, optname, value, optlen)

    def getsockopt(self, level: int, optname: int, buflen: int = 0) -> Any:
        """As of any Socket."""
        if (level, optname) == (system.SOL_SOCKET, system.SO_ERROR) and self._connection is self._unconnected:
            return 0
        if (level, optname) in options.ACCEPTED:
            self._check()
            return int(bool(self._options.get((level, optname), 0)))
        return super().getsockopt(level, optname, buflen)

    def _close(self) -> None:
        super()._close()
        if not self._driver.closed and not self._driver.forked:
            self._driver.run(self._release)

    def _release(self, now: int) -> None:
        """Free the port, and what stands for the missing connection."""
        self._unconnected.close(now)
        place, self._bound = self._bound, None
        if place is not None:
            self._network._ports.release(place, self._listener is not None, now)

    def __repr__(self) -> str:
        if self._closed or self._connection is not self._unconnected:
            return super().__repr__()
        state = "unconnected" if self._listener is None else "listening"
        return f"<fastzt.BerkeleySocket {state} {self._bound[1] if self._bound else 0}>"
