"""Ethernet II header: offsets, ethertypes, accessors on (slab, offset). MACs are 48-bit ints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .slab import Slab

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .access import be16, be48, put_be16, put_be48

    HEADER = 14
    ETHERTYPE_IPV4 = 0x0800
    ETHERTYPE_ARP = 0x0806
    ETHERTYPE_IPV6 = 0x86DD


def check(s: Slab, o: int, n: int) -> int:
    """The header length, 14, or 0 when the frame is shorter."""
    return HEADER if n >= HEADER else 0


def destination(s: Slab, o: int) -> int:
    """The MAC of the receiver."""
    return be48(s, o)


def source(s: Slab, o: int) -> int:
    """The MAC of the sender."""
    return be48(s, o + 6)


def ethertype(s: Slab, o: int) -> int:
    """What the frame carries."""
    return be16(s, o + 12)


def is_multicast(mac: int) -> bool:
    """Whether a MAC is a group address (broadcast included)."""
    return (mac >> 40) & 1 != 0


def write(s: Slab, o: int, destination: int, source: int, ethertype: int) -> int:
    """Write a header; its length, 14."""
    put_be48(s, o, destination)
    put_be48(s, o + 6, source)
    put_be16(s, o + 12, ethertype)
    return HEADER
