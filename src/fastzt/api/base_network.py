"""BaseNetwork: what a joined network tells and allows, whatever drives its node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from ..errors import InputError, NoRouteError
from . import addresses, names, report
from .addresses import Interface
from .happy_eyeballs import Candidate, order

if TYPE_CHECKING:
    from ..io.driver import Driver
    from ..netstack.tcp.connection import Connection
    from ..netstack.tcp.listener import TcpListener
    from ..netstack.udp import UdpEndpoint
    from ..node.core import Core

D = TypeVar("D", bound="Driver")


class BaseNetwork(Generic[D]):
    """Its sockets live as long as the node."""

    def __init__(self, driver: D, nwid: int) -> None:
        self._driver = driver
        self._nwid = nwid

    @property
    def _core(self) -> Core:
        return self._driver.core

    @property
    def id(self) -> str:
        """The network id: 16 hex digits."""
        return f"{self._nwid:016x}"

    @property
    def name(self) -> str:
        """The network's name, as its controller gives it."""
        return self._driver.ask(lambda: report.name_of(self._core.network(self._nwid)))

    @property
    def addresses(self) -> list[Interface]:
        """This node's addresses on the network."""
        return [addresses.interface(ip, prefix) for ip, prefix in self._interfaces()]

    @property
    def status(self) -> str:
        """REQUESTING, OK, DENIED, NOT_FOUND or AUTHENTICATION_REQUIRED."""
        return self._driver.ask(lambda: self._core.network(self._nwid).status.name)

    @property
    def dns(self) -> names.Dns:
        """The network's search domain and DNS servers."""
        return self._dns()

    def _dns(self) -> names.Dns:
        return self._driver.ask(lambda: names.dns_of(self._core.network(self._nwid)))

    def routed(self, hosts: list[bytes]) -> list[bytes]:
        """Those addresses that the network has a route to."""
        return self._driver.ask(lambda: [ip for ip in hosts if self._core.routes(self._nwid, ip)])

    def _candidates(self, host: str, hosts: list[bytes]) -> list[Candidate]:
        """Where to try to reach a host: those of its addresses that there is a route to, in order.

        Raises NoRouteError.
        """
        routed = order(self.routed(hosts))
        if not routed:
            raise NoRouteError(f"network {self.id} has no route to {host}")
        return [(self._nwid, ip) for ip in routed]

    def _first_routed(self, host: str, hosts: list[bytes]) -> bytes:
        """The first of a host's addresses that there is a route to; raises NoRouteError."""
        return self._candidates(host, hosts)[0][1]

    def _connection(self, ip: bytes, port: int) -> Connection:
        """A connection that begins its handshake."""
        return self._driver.run(lambda now: self._core.connect(self._nwid, ip, port, now))

    def _listener(self, port: int, host: str, backlog: int) -> TcpListener:
        self._driver.check()
        addresses.check_port(port, 0)
        ip = self._own(host)
        return self._driver.run(lambda now: self._core.listen(self._nwid, ip, port, backlog, now))

    def _udp(self, port: int, host: str) -> UdpEndpoint:
        self._driver.check()
        addresses.check_port(port, 0)
        ip = self._own(host)
        return self._driver.run(lambda now: self._core.udp(self._nwid, ip, port, now))

    def _own(self, host: str) -> bytes | None:
        """An address of this node; None for no host. Raises InputError for another's."""
        ip = addresses.ip16(host) if host else None
        if ip is not None and not any(ip == own for own, _ in self._interfaces()):
            raise InputError(f"{host} is not an address of this node on network {self.id}")
        return ip

    def _interfaces(self) -> list[tuple[bytes, int]]:
        return list(self._driver.ask(lambda: self._core.network(self._nwid).addresses))

    def __repr__(self) -> str:
        return f"<fastzt.{type(self).__name__} {self.id}>"
