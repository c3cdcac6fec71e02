"""The Internet checksum (RFC 1071) over ranges of a slab, and the pseudo headers of TCP, UDP and ICMPv6.

A sum is 16 bits wide, 0xffff over data that carries its right checksum; the checksum is its complement.
Ranges are not checked: the caller knows its packet. A range of odd length may only be the last of a sum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .slab import Slab

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .kernels.checksum import copy_range, setup, sum_data, sum_range


def sum16(slab: Slab, offset: int, length: int, initial: int = 0) -> int:
    """One's complement sum of the big-endian words of a range, added to `initial` (another sum)."""
    return sum_range(slab, offset, length, initial)


def checksum(slab: Slab, offset: int, length: int, initial: int = 0) -> int:
    """The checksum to write into a range whose checksum field is zero."""
    return 0xFFFF ^ sum_range(slab, offset, length, initial)


def copy_sum(target: Slab, to: int, source: Slab, offset: int, length: int, initial: int = 0) -> int:
    """`sum16` of a range while it is copied to another slab."""
    return copy_range(target, to, source, offset, length, initial)


def verify(slab: Slab, offset: int, length: int, initial: int = 0) -> bool:
    """Whether a range that includes its checksum sums up to 0xffff."""
    return sum_range(slab, offset, length, initial) == 0xFFFF


def pseudo_header(source: bytes, destination: bytes, protocol: int, length: int) -> int:
    """The sum of a pseudo header (RFC 9293 section 3.1, RFC 8200 section 8.1); addresses of 16 bytes.

    One form serves IPv4 too: the ffff of a mapped address is zero in one's complement. `length` is that of
    the upper-layer header and payload; it may be 0 here and be added to the result, as an initial value.
    """
    if len(source) != 16 or len(destination) != 16:
        raise ValueError("addresses have 16 bytes here")
    return sum_data(source, sum_data(destination, protocol + length))


def pseudo_sum(slab: Slab, offset: int, length: int, protocol: int, upper_length: int) -> int:
    """The same from source and destination as they lie in a packet: 8 bytes of IPv4 or 32 of IPv6."""
    return sum_range(slab, offset, length, protocol + upper_length)


setup()
