"""Routes: which destinations of a patched program go through which network."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..errors import InputError
from . import addresses

if TYPE_CHECKING:
    from .agent_network import AgentNetwork
    from .network import Network

Prefix = ipaddress.IPv4Network | ipaddress.IPv6Network
MAX_KNOWN = 4096  # addresses that names have led to


def prefix_of(text: str) -> Prefix | None:
    """A prefix or an address, None for what is a name; raises InputError for what is neither."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        if "/" in text or addresses.literal(text.removeprefix("*").strip(".")) is not None:
            raise InputError(f"neither a prefix nor a name: {text!r}") from None
        return None


class Route:
    """`destinations`: prefixes, names, and names that begin with `*.`; none: whatever the network knows.

    That is the addresses it has a route to, and the names in its search domain.
    """

    def __init__(self, network: Network | AgentNetwork, destinations: Iterable[str] = ()) -> None:
        self.network = network
        self._prefixes: list[Prefix] = []
        self._names: set[str] = set()
        self._suffixes: list[str] = []
        self._known: dict[str, None] = {}  # addresses that a routed name has led to
        for text in destinations:
            self._add(text)
        self._all = not (self._prefixes or self._names or self._suffixes)

    def _add(self, text: str) -> None:
        prefix = prefix_of(text)
        if prefix is not None:
            self._prefixes.append(prefix)
        elif text.startswith("*."):
            self._suffixes.append(text[1:].rstrip(".").lower())
        else:
            self._names.add(text.rstrip(".").lower())

    def leads_to(self, host: str) -> bool:
        """Whether a host, by address or name, is reached through the network."""
        try:
            ip = addresses.literal(host)
        except InputError:
            return False
        return self._knows_name(host) if ip is None else self._knows_address(ip, host)

    def _knows_address(self, ip: bytes, host: str) -> bool:
        if host in self._known:
            return True
        address = addresses.address(ip)
        if self._all:
            return not address.is_loopback and bool(self.network.routed([ip]))
        return any(address in prefix for prefix in self._prefixes)

    def _knows_name(self, host: str) -> bool:
        name = host.rstrip(".").lower()
        if self._all:
            dns = self.network.dns
            return bool(dns.domain) and dns.full_name(host) is not None and name != "localhost"
        return name in self._names or any(name.endswith(suffix) for suffix in self._suffixes)

    def resolve(self, host: str) -> list[str]:
        """The addresses of a routed host, which count as destinations from now on."""
        found = [addresses.host_text(ip) for ip in self.network.hosts(host, None)]
        for text in found:
            self._known[text] = None
        while len(self._known) > MAX_KNOWN:
            del self._known[next(iter(self._known))]
        return found


class Routes:
    """Those in force, the latest first. Safe to use from several threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._routes: tuple[Route, ...] = ()

    def add(self, route: Route) -> bool:
        """Put a route in force, once more; whether it is the only one."""
        with self._guard:
            self._routes = (route, *self._routes)
            return len(self._routes) == 1

    def remove(self, route: Route) -> bool:
        """Put it out of force, once; whether none is left."""
        with self._guard:
            routes = list(self._routes)
            routes.remove(route)
            self._routes = tuple(routes)
            return not routes

    def to(self, host: object) -> Route | None:
        """The route to a host, None where the system goes its own way."""
        if isinstance(host, (bytes, bytearray)):
            host = bytes(host).decode("ascii", "replace")
        if not isinstance(host, str) or not host:
            return None
        return next((route for route in self._routes if route.leads_to(host)), None)
