"""What happens to networks, as frozen dataclasses: `Networks.events()` drains them."""

from __future__ import annotations

from dataclasses import dataclass

from .status import Status

# (IP as 16 bytes, IPv4 mapped; prefix length counted in the address's own family)
Address = tuple[bytes, int]


@dataclass(frozen=True, slots=True)
class Joined:
    """The network's first valid config is in use (again, after a denial)."""

    nwid: int
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Denied:
    """The controller refused; with AUTHENTICATION_REQUIRED comes the `url` if it gave one."""

    nwid: int
    reason: Status
    url: str = ""


@dataclass(frozen=True, slots=True)
class ConfigChanged:
    """Another config is in use; `config` is its dictionary, fit for the store.

    `changed` names what it changes: addresses, routes, rules, mtu, dns, name, tags, capabilities, access
    (private or public), flags, multicast_limit, specialists. Fresh certificates alone change nothing.
    """

    nwid: int
    config: bytes
    revision: int
    changed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AddressChanged:
    """The network's own addresses are others than before."""

    nwid: int
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Revoked:
    """The controller has taken back what a member (`address`, which may be this node) held until `threshold`.

    `threshold` is in the controller's milliseconds.
    """

    nwid: int
    address: int
    threshold: int


Event = Joined | Denied | ConfigChanged | AddressChanged | Revoked
