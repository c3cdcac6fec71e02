"""IPv4 header (RFC 791): `check` once, then accessors on (slab, offset) that read without checks.

Addresses are u32 ints, or 16 bytes as everywhere outside the headers (IPv4 mapped, RFC 4291 2.5.5.2), which
hot code holds as two u64: the high one is 0, the low one ::ffff:a.b.c.d.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .slab import Slab

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .access import be16, be32, put_be16, put_be32, put_u8, take, u8

    HEADER = 20
    PROTOCOL_ICMP = 1
    PROTOCOL_TCP = 6
    PROTOCOL_UDP = 17
    DONT_FRAGMENT = 0x4000
    FRAGMENT_BITS = 0x3FFF  # more-fragments and the offset: not zero in every fragment
    DEFAULT_TTL = 64  # RFC 1700

_MAPPED = bytes(10) + b"\xff\xff"


def check(s: Slab, o: int, n: int) -> int:
    """The header length, 20 to 60, or 0 when version, lengths or checksum are wrong (RFC 1122 3.2.1)."""
    if n < HEADER or u8(s, o) >> 4 != 4:
        return 0
    length = (u8(s, o) & 15) * 4
    total = be16(s, o + 2)
    if length < HEADER or length > total or total > n:
        return 0
    return length if header_sum(s, o, length) == 0xFFFF else 0


def header_sum(s: Slab, o: int, length: int) -> int:
    """The one's complement sum (RFC 1071) of a header: 0xffff when its checksum is right."""
    total = 0
    i = 0
    while i < length:
        total += be16(s, o + i)
        i += 2
    total = (total & 0xFFFF) + (total >> 16)
    return (total & 0xFFFF) + (total >> 16)


def tos(s: Slab, o: int) -> int:
    """DSCP and ECN."""
    return u8(s, o + 1)


def total_length(s: Slab, o: int) -> int:
    """Bytes of header and payload; what follows is padding."""
    return be16(s, o + 2)


def identification(s: Slab, o: int) -> int:
    """The id that fragments share."""
    return be16(s, o + 4)


def is_fragment(s: Slab, o: int) -> bool:
    """Whether the packet is a piece of one."""
    return be16(s, o + 6) & FRAGMENT_BITS != 0


def ttl(s: Slab, o: int) -> int:
    """The time to live."""
    return u8(s, o + 8)


def protocol(s: Slab, o: int) -> int:
    """What the payload is."""
    return u8(s, o + 9)


def source(s: Slab, o: int) -> int:
    """The sender as u32."""
    return be32(s, o + 12)


def destination(s: Slab, o: int) -> int:
    """The receiver as u32."""
    return be32(s, o + 16)


def source_low(s: Slab, o: int) -> int:
    """The low u64 of the sender's mapped address; the high one is 0."""
    return mapped_low(be32(s, o + 12))


def destination_low(s: Slab, o: int) -> int:
    """The low u64 of the receiver's mapped address; the high one is 0."""
    return mapped_low(be32(s, o + 16))


def mapped_low(address: int) -> int:
    """The low u64 of ::ffff:a.b.c.d."""
    low = 0xFFFF
    return (low << 32) | address


def source16(s: Slab, o: int) -> bytes:
    """The sender in 16 bytes."""
    return _MAPPED + take(s, o + 12, 4)


def destination16(s: Slab, o: int) -> bytes:
    """The receiver in 16 bytes."""
    return _MAPPED + take(s, o + 16, 4)


def write(
    s: Slab, o: int, total_length: int, identification: int, protocol: int, source: int, destination: int
) -> int:
    """Write a header without options that forbids fragments, checksum included; its length, 20."""
    put_be16(s, o, 0x4500)
    put_be16(s, o + 2, total_length)
    put_be16(s, o + 4, identification)
    put_be16(s, o + 6, DONT_FRAGMENT)
    put_u8(s, o + 8, DEFAULT_TTL)
    put_u8(s, o + 9, protocol)
    put_be16(s, o + 10, 0)
    put_be32(s, o + 12, source)
    put_be32(s, o + 16, destination)
    put_be16(s, o + 10, 0xFFFF ^ header_sum(s, o, HEADER))
    return HEADER
