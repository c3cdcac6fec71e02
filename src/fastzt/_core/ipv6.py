"""IPv6 header (RFC 8200): `check` once, then accessors on (slab, offset) that read without checks.

Addresses are 16 bytes, which hot code holds as two u64 (`source_high`, `source_low`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .slab import Slab

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .access import be16, be32, be64, put_be16, put_be32, put_be64, put_u8, take, u8

    HEADER = 40
    NEXT_HOP_BY_HOP = 0
    NEXT_TCP = 6
    NEXT_UDP = 17
    NEXT_ROUTING = 43
    NEXT_FRAGMENT = 44
    NEXT_ICMPV6 = 58
    NEXT_DESTINATION_OPTIONS = 60
    DEFAULT_HOP_LIMIT = 64
    MAX_EXTENSIONS = 8  # no sender needs more; RFC 8504 5.3 lets a receiver limit them


def check(s: Slab, o: int, n: int) -> int:
    """The header length, 40, or 0 when the version or the payload length is wrong."""
    if n < HEADER or u8(s, o) >> 4 != 6:
        return 0
    return HEADER if HEADER + be16(s, o + 4) <= n else 0


def upper(s: Slab, o: int) -> int:
    """Where the upper-layer header is and what: its distance from `o` << 8 | protocol; 0: malformed.

    Skips hop-by-hop, routing and destination options (RFC 8200 4) of a packet that `check` accepted. A
    fragment header ends the walk and is what is found. The distance may equal the packet's length.
    """
    end = HEADER + be16(s, o + 4)
    at = HEADER
    protocol = u8(s, o + 6)
    for _ in range(MAX_EXTENSIONS):
        if protocol != NEXT_HOP_BY_HOP and protocol != NEXT_ROUTING and protocol != NEXT_DESTINATION_OPTIONS:
            return (at << 8) | protocol
        if at + 8 > end:
            return 0
        protocol = u8(s, o + at)
        at += (u8(s, o + at + 1) + 1) * 8
        if at > end:
            return 0
    return 0


def payload_length(s: Slab, o: int) -> int:
    """Bytes after the 40 of the header; what follows is padding."""
    return be16(s, o + 4)


def traffic_class(s: Slab, o: int) -> int:
    """DSCP and ECN."""
    return (be16(s, o) >> 4) & 0xFF


def flow_label(s: Slab, o: int) -> int:
    """The 20-bit flow label."""
    return be32(s, o) & 0xFFFFF


def next_header(s: Slab, o: int) -> int:
    """What follows the header."""
    return u8(s, o + 6)


def hop_limit(s: Slab, o: int) -> int:
    """The hop limit."""
    return u8(s, o + 7)


def source_high(s: Slab, o: int) -> int:
    """The high u64 of the sender's address."""
    return be64(s, o + 8)


def source_low(s: Slab, o: int) -> int:
    """The low u64 of the sender's address."""
    return be64(s, o + 16)


def destination_high(s: Slab, o: int) -> int:
    """The high u64 of the receiver's address."""
    return be64(s, o + 24)


def destination_low(s: Slab, o: int) -> int:
    """The low u64 of the receiver's address."""
    return be64(s, o + 32)


def source16(s: Slab, o: int) -> bytes:
    """The sender in 16 bytes."""
    return take(s, o + 8, 16)


def destination16(s: Slab, o: int) -> bytes:
    """The receiver in 16 bytes."""
    return take(s, o + 24, 16)


def write(
    s: Slab,
    o: int,
    payload_length: int,
    next_header: int,
    source_high: int,
    source_low: int,
    destination_high: int,
    destination_low: int,
) -> int:
    """Write a header with traffic class and flow label 0; its length, 40."""
    put_be32(s, o, 0x60000000)
    put_be16(s, o + 4, payload_length)
    put_u8(s, o + 6, next_header)
    put_u8(s, o + 7, DEFAULT_HOP_LIMIT)
    put_be64(s, o + 8, source_high)
    put_be64(s, o + 16, source_low)
    put_be64(s, o + 24, destination_high)
    put_be64(s, o + 32, destination_low)
    return HEADER
