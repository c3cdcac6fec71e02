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
    """Another config is in use; `config` is its dictionary, fit for the store."""

    nwid: int
    config: bytes
    revision: int


@dataclass(frozen=True, slots=True)
class AddressChanged:
    """The network's own addresses are others than before."""

    nwid: int
    addresses: tuple[Address, ...]


Event = Joined | Denied | ConfigChanged | AddressChanged
