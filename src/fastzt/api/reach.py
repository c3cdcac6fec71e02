"""Reach: what a node does to be reached: it watches its host's addresses, and keeps a tunnel if need be."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from .._core.datagram_batch import DatagramBatch
from .._core.endpoint import Endpoint
from ..errors import InputError
from ..io.driver import Driver
from ..io.endpoints import UdpSockets
from ..io.interfaces import Address
from ..io.port_mapping import PortMapping
from ..io.surroundings import Surroundings
from ..io.tunnel import Tunnel
from ..io.upstream import UpstreamProxy, parse_upstream
from ..vl1.events import UdpAnswered, UdpSilent
from ..wire.inetaddress import InetAddress
from ..wire.planet import default_planet

if TYPE_CHECKING:
    from ..wire.world import World

PUBLIC_RELAY = Endpoint.parse("204.80.128.1", 443)  # PROTOCOL-VL1 7.9: for the public planet


def relay_of(given: str | None, planet: World) -> Endpoint | None:
    """The TCP relay to use: the given one ("ip/port"; empty: none), else that of the public planet.

    Raises InputError.
    """
    if given is None:
        return PUBLIC_RELAY if planet.id == default_planet().id else None
    if not given:
        return None
    try:
        endpoint = InetAddress.from_text(given).endpoint
    except ValueError:
        endpoint = None
    if endpoint is None or endpoint.port == 0:
        raise InputError(f"{given!r} is not a TCP relay: ip/port expected, as in 192.0.2.1/443")
    return endpoint


def upstream_of(url: str | None, relay: Endpoint | None) -> UpstreamProxy | None:
    """The proxy that leads to the relay; raises InputError, also when there is no relay."""
    if not url:
        return None
    found = parse_upstream(url)
    if relay is None:
        raise InputError("an upstream proxy leads to a TCP relay: which? (public networks have one)")
    return found


class Reach:
    """Belongs to one node; `relay`: the TCP relay, or None; `upstream`: the proxy that leads to it.

    `mapping`: how to have the router forward the UDP port.
    """

    def __init__(
        self,
        driver: Driver,
        sockets: UdpSockets,
        relay: Endpoint | None,
        upstream: UpstreamProxy | None = None,
        mapping: tuple[str, ...] = (),
    ) -> None:
        self._driver = driver
        self._sockets = sockets
        self._surroundings = Surroundings(self._see) if sockets.is_everywhere() else None
        number = len(sockets.sockets)
        self.tunnel = None if relay is None else Tunnel(relay, number, self._receive, self._changed, upstream)
        sockets.tunnel = self.tunnel
        self._mapping = PortMapping(sockets.port, self._map, mapping) if mapping else None
        self._addresses: tuple[Address, ...] = ()
        self._mapped: Endpoint | None = None

    def start(self) -> None:
        """Begin to watch."""
        if self._mapping is not None:
            self._mapping.start()
        if self._surroundings is not None:
            self._surroundings.start()

    def heard(self, events: list[Any]) -> None:
        """Events of the core, under the node's lock."""
        for event in events:
            if self.tunnel is not None and isinstance(event, (UdpSilent, UdpAnswered)):
                self.tunnel.want(isinstance(event, UdpSilent))

    def _see(self, found: tuple[Address, ...]) -> None:
        """The addresses of this host, whenever they change."""
        self._addresses = found
        if self._mapping is not None:
            self._mapping.refresh()
        self._tell()

    def _map(self, found: Endpoint | None) -> None:
        """Where the router forwards the UDP port from, whenever that changes."""
        self._mapped = found
        self._tell()

    def _tell(self) -> None:
        found = self._addresses
        reachable = self._sockets.reachable_at(found) + ([self._mapped] if self._mapped is not None else [])
        overlays = [(address.ip, address.bits) for address in found if address.is_overlay]
        core = self._driver.core
        with contextlib.suppress(OSError):  # closed meanwhile
            self._driver.run(lambda now: core.surroundings_changed(reachable, overlays, now))

    def _receive(self, batch: DatagramBatch) -> None:
        """Datagrams through the tunnel."""
        with contextlib.suppress(OSError):
            self._driver.run(lambda now: self._driver.core.receive(batch, now))

    def _changed(self, up: bool) -> None:
        """The tunnel is one local socket more, or no longer."""
        with contextlib.suppress(OSError):
            self._driver.run(lambda now: self._driver.core.sockets_changed(self._sockets.local(), now))

    def close(self) -> None:
        """End every thread. Harmless when repeated."""
        for part in (self._surroundings, self.tunnel, self._mapping):
            if part is not None:
                part.close()

    def abandon(self) -> None:
        """In a forked child."""
        for part in (self._surroundings, self.tunnel, self._mapping):
            if part is not None:
                part.abandon()
