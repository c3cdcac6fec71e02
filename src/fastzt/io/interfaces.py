"""Interfaces: which addresses this host has, and which of them lead into an overlay network."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from ipaddress import ip_address

from .._core.endpoint import V4_PREFIX
from . import netlink
from .capabilities import source_address

MAX_ADDRESSES = 256
# Names that mesh networks like ours give their interfaces: a path inside of one would carry one in the other.
OVERLAYS = ("zt", "feth", "tailscale", "ham", "nebula")
# Bridges for containers and virtual machines: each host has the same addresses there, nobody is told of them.
BRIDGES = ("docker", "br-", "virbr", "podman", "cni", "lxcbr", "lxdbr")


@dataclass(frozen=True, slots=True)
class Address:
    """One address of an interface: IP in 16 bytes, and the bits of its prefix in 128."""

    interface: str
    ip: bytes
    bits: int

    @property
    def is_v4(self) -> bool:
        """Whether it is an IPv4 address."""
        return self.ip.startswith(V4_PREFIX)

    @property
    def is_overlay(self) -> bool:
        """Whether it leads into an overlay network."""
        return self.interface.startswith(OVERLAYS)

    @property
    def is_reachable(self) -> bool:
        """Whether other hosts may reach this one by it."""
        if self.interface.startswith((*OVERLAYS, *BRIDGES)):
            return False
        found = ip_address(self.ip[12:] if self.is_v4 else self.ip)
        return not (found.is_loopback or found.is_link_local or found.is_multicast or found.is_unspecified)


def of(interface: str, packed: bytes, bits: int) -> Address:
    """From an IP of either family."""
    mapped = len(packed) == 4
    return Address(interface, V4_PREFIX + packed if mapped else packed, bits + 96 if mapped else bits)


def addresses() -> tuple[Address, ...]:
    """The addresses of this host; where the system lists none, those that its default routes leave from."""
    with contextlib.suppress(OSError, AttributeError):
        return tuple(of(*found) for found in netlink.addresses()[:MAX_ADDRESSES])
    sources = [source_address(family) for family in (socket.AF_INET, socket.AF_INET6)]
    return tuple(Address("", source.ip, 128) for source in sources if source is not None)
