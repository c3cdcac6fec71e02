"""Which physical addresses may be a path: one pure function over scopes (PROTOCOL-VL1 7.2)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .._core.endpoint import V4_PREFIX, Endpoint
from ..wire import inetaddress
from ..wire.inetaddress import Scope

USABLE = frozenset({Scope.PSEUDO_PRIVATE, Scope.GLOBAL, Scope.SHARED, Scope.PRIVATE})

Prefix = tuple[bytes, int]  # 16-byte address, bits of 128

_HURRICANE_ELECTRIC = (bytes.fromhex("20010470") + bytes(12), 32)  # tunnels: the reference refuses them


def contains(prefix: Prefix, ip16: bytes) -> bool:
    """Whether the address lies inside the prefix."""
    network, bits = prefix
    shift = 128 - bits
    return int.from_bytes(network, "big") >> shift == int.from_bytes(ip16, "big") >> shift


def scope_of(ip16: bytes) -> int:
    """The scope of an address as a number in order of preference, NONE 0 to PRIVATE 7; IPv4 comes mapped."""
    return int(inetaddress.scope_of(ip16[12:] if ip16.startswith(V4_PREFIX) else ip16))


def is_usable(
    endpoint: Endpoint,
    root_endpoints: Sequence[Endpoint] = (),
    refused: Collection[Prefix] = (),
    loopback: bool = False,
) -> bool:
    """Whether the endpoint may be a path (PROTOCOL-VL1 7.2).

    `root_endpoints` are the planet's endpoints of the peer when it is a root: its IP must be one of them.
    `refused` are prefixes of our own networks' addresses and of overlay interfaces. `loopback` is true only
    when the node's own planet lists loopback endpoints.
    """
    scope = scope_of(endpoint.ip)
    if scope not in USABLE and not (loopback and scope == Scope.LOOPBACK):
        return False
    if endpoint.port == 0 or contains(_HURRICANE_ELECTRIC, endpoint.ip):
        return False
    if root_endpoints and all(listed.ip != endpoint.ip for listed in root_endpoints):
        return False
    return not any(contains(prefix, endpoint.ip) for prefix in refused)
