"""Which physical addresses may be a path: one pure function over scopes (PROTOCOL-VL1 7.2)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .._core.endpoint import V4_PREFIX, Endpoint

NONE, MULTICAST, LOOPBACK, PSEUDO_PRIVATE, GLOBAL, LINK_LOCAL, SHARED, PRIVATE = range(8)
USABLE = frozenset({PSEUDO_PRIVATE, GLOBAL, SHARED, PRIVATE})

Prefix = tuple[bytes, int]  # 16-byte address, bits of 128

_PRIVATE_V4 = (
    ("0a000000", 8),
    ("64400000", 10),
    ("ac100000", 12),
    ("c0a80000", 16),
    ("c0000200", 24),
    ("c6120000", 15),
    ("c6336400", 24),
    ("cb007100", 24),
)
_PRIVATE_PREFIXES = tuple((V4_PREFIX + bytes.fromhex(text), 96 + bits) for text, bits in _PRIVATE_V4)
_PSEUDO_PRIVATE_V4 = frozenset({6, 11, 21, 22, 25, 26, 28, 29, 30, 51, 55, 56, *range(240, 255)})
_HURRICANE_ELECTRIC = (bytes.fromhex("20010470") + bytes(12), 32)  # tunnels: the reference refuses them


def contains(prefix: Prefix, ip16: bytes) -> bool:
    """Whether the address lies inside the prefix."""
    network, bits = prefix
    shift = 128 - bits
    return int.from_bytes(network, "big") >> shift == int.from_bytes(ip16, "big") >> shift


def scope_of(ip16: bytes) -> int:
    """The scope of an address as a number in order of preference, NONE 0 to PRIVATE 7."""
    return _scope_v4(ip16) if ip16.startswith(V4_PREFIX) else _scope_v6(ip16)


def _scope_v4(ip16: bytes) -> int:
    first = ip16[12]
    if first in (0, 255):
        return NONE
    if first == 127:
        return LOOPBACK
    if ip16[12:14] == b"\xa9\xfe":
        return LINK_LOCAL
    if 224 <= first < 240:
        return MULTICAST
    if first in _PSEUDO_PRIVATE_V4:
        return PSEUDO_PRIVATE
    return PRIVATE if any(contains(prefix, ip16) for prefix in _PRIVATE_PREFIXES) else GLOBAL


def _scope_v6(ip16: bytes) -> int:
    if not any(ip16[:15]) and ip16[15] <= 1:
        return LOOPBACK if ip16[15] else NONE
    if ip16[0] == 0xFF:
        return MULTICAST
    if ip16[0] == 0xFE and ip16[1] & 0xC0 == 0x80:
        return LOOPBACK if ip16 == b"\xfe\x80" + bytes(13) + b"\x01" else LINK_LOCAL
    return PRIVATE if ip16[0] & 0xFE == 0xFC else GLOBAL


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
    if scope not in USABLE and not (loopback and scope == LOOPBACK):
        return False
    if endpoint.port == 0 or contains(_HURRICANE_ELECTRIC, endpoint.ip):
        return False
    if root_endpoints and all(listed.ip != endpoint.ip for listed in root_endpoints):
        return False
    return not any(contains(prefix, endpoint.ip) for prefix in refused)
