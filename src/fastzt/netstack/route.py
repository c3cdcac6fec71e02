"""Which neighbor address a packet goes to, and from which of our addresses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

V4_BITS = 96  # IPv4 prefixes lie below ::ffff:0:0/96
V4_MAPPED = bytes(10) + b"\xff\xff"
MAX_WAYS = 1024  # destinations whose way is remembered
EVERYBODY = V4_MAPPED + b"\xff\xff\xff\xff"
Way = tuple[bytes | None, bytes | None]


@dataclass(frozen=True)
class Route:
    """`prefix` counts bits of the 16-byte `target` (96 more than of an IPv4 address); `via` None: on link."""

    target: bytes
    prefix: int
    via: bytes | None = None
    metric: int = 0

    def covers(self, ip: bytes) -> bool:
        """Whether an address lies in the target."""
        shift = 128 - self.prefix
        return int.from_bytes(ip, "big") >> shift == int.from_bytes(self.target, "big") >> shift


def mapped_prefix(ip: bytes, prefix: int) -> int:
    """A prefix length as the network gives it (0 to 32 for IPv4), counted in the 16-byte address."""
    limit = 32 if ip.startswith(V4_MAPPED) else 128
    if len(ip) != 16 or not 0 <= prefix <= limit:
        raise ValueError("an address has 16 bytes and a prefix that fits its family")
    return prefix + V4_BITS if limit == 32 else prefix


def last_of(ip: bytes, prefix: int) -> bytes:
    """The last address of an IPv4 subnet, in 16 bytes."""
    number = int.from_bytes(ip, "big") | 0xFFFFFFFF >> prefix
    return number.to_bytes(16, "big")


class RouteTable:
    """Local addresses with their on-link prefixes, and routes; longest prefix first, then lowest metric."""

    __slots__ = ("_addresses", "_ordered", "_routes", "_ways", "broadcasts")

    def __init__(self) -> None:
        self._addresses: dict[bytes, int] = {}
        self._routes: list[Route] = []
        self._ordered: list[Route] = []
        self._ways: dict[bytes, Way] = {}
        self.broadcasts = frozenset((EVERYBODY,))  # to all on a link (RFC 919, RFC 922)

    @property
    def addresses(self) -> list[tuple[bytes, int]]:
        """Local addresses with the prefix length of their family."""
        return [(ip, p - V4_BITS if ip.startswith(V4_MAPPED) else p) for ip, p in self._addresses.items()]

    def is_local(self, ip: bytes) -> bool:
        """Whether an address is ours."""
        return ip in self._addresses

    def add_address(self, ip: bytes, prefix: int) -> None:
        """Add an address of ours with its on-link prefix; raises ValueError."""
        self._addresses[ip] = mapped_prefix(ip, prefix)
        self._order()

    def remove_address(self, ip: bytes) -> None:
        """Forget an address of ours."""
        self._addresses.pop(ip, None)
        self._order()

    def set_routes(self, routes: Iterable[tuple[bytes, int, bytes | None, int]]) -> None:
        """Replace the routes: (target, prefix of its family, via or None, metric); raises ValueError."""
        self._routes = [
            Route(ip, mapped_prefix(ip, prefix), via, metric) for ip, prefix, via, metric in routes
        ]
        self._order()

    def way(self, ip: bytes) -> Way:
        """`next_hop` and `source_for` of an address, remembered until an address or a route changes."""
        found = self._ways.get(ip)
        if found is None:
            if len(self._ways) >= MAX_WAYS:
                self._ways.clear()
            found = self._ways[ip] = (self.next_hop(ip), self.source_for(ip))
        return found

    def next_hop(self, ip: bytes) -> bytes | None:
        """The neighbor's address on the way to `ip`, or None without a route."""
        route = self._find(ip)
        return None if route is None else (route.via or ip)

    def prefix_for(self, ip: bytes) -> int:
        """How many bits of a 16-byte address its route matches; -1 without a route."""
        route = self._find(ip)
        return -1 if route is None else route.prefix

    def source_for(self, ip: bytes) -> bytes | None:
        """Our address to speak from: on the next hop's link if there is one, else any of the family."""
        hop = self.next_hop(ip)
        if hop is None:
            return None
        own = [a for a in self._addresses if a.startswith(V4_MAPPED) == ip.startswith(V4_MAPPED)]
        on_link = [a for a in own if Route(a, self._addresses[a]).covers(hop)]
        best = sorted(on_link, key=lambda a: -self._addresses[a]) or own
        return best[0] if best else None

    def _find(self, ip: bytes) -> Route | None:
        return next((route for route in self._ordered if route.covers(ip)), None)

    def _order(self) -> None:
        self._ways.clear()
        of_links = (last_of(ip, p) for ip, p in self.addresses if ip.startswith(V4_MAPPED) and p < 31)
        self.broadcasts = frozenset((EVERYBODY, *of_links))
        on_link = [Route(ip, prefix) for ip, prefix in self._addresses.items()]
        self._ordered = sorted([*on_link, *self._routes], key=lambda route: (-route.prefix, route.metric))
