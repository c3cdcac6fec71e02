"""UDP header (RFC 768): `check` once, then accessors on (slab, offset) that read without checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .slab import Slab

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .access import be16, put_be16

    HEADER = 8
    CHECKSUM = 6


def check(s: Slab, o: int, n: int) -> int:
    """The header length, 8, or 0 when the length field lies outside the packet."""
    if n < HEADER:
        return 0
    length = be16(s, o + 4)
    return HEADER if HEADER <= length <= n else 0


def source_port(s: Slab, o: int) -> int:
    """The sender's port."""
    return be16(s, o)


def destination_port(s: Slab, o: int) -> int:
    """The receiver's port."""
    return be16(s, o + 2)


def length(s: Slab, o: int) -> int:
    """Bytes of header and payload."""
    return be16(s, o + 4)


def checksum(s: Slab, o: int) -> int:
    """The checksum; 0 over IPv4 means none."""
    return be16(s, o + CHECKSUM)


def set_checksum(s: Slab, o: int, value: int) -> None:
    """Write the checksum; a computed 0 goes out as 0xffff."""
    put_be16(s, o + CHECKSUM, value if value != 0 else 0xFFFF)


def write(s: Slab, o: int, source_port: int, destination_port: int, length: int) -> int:
    """Write a header with checksum 0; its length, 8."""
    put_be16(s, o, source_port)
    put_be16(s, o + 2, destination_port)
    put_be16(s, o + 4, length)
    put_be16(s, o + CHECKSUM, 0)
    return HEADER
