"""VL1 fragment header (PROTOCOL-VL1 4.2) and the arithmetic of splitting an armored packet.

A packet longer than the path MTU leaves as a head (its first `mtu` bytes, with FLAG_FRAGMENTED) and pieces of
`mtu - 16` bytes, each behind a fragment header. Piece 0 is the head.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .slab import Slab

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .access import be40, be64, put_be40, put_be64, put_u8, u8

    INDICATOR = 13
    NUMBERS = 14
    HOPS = 15
    HEADER = 16
    MAX_PIECES = 7  # PROTOCOL-VL1 1.1: receivers drop packets of more pieces


def check(s: Slab, o: int, n: int) -> int:
    """The number of pieces that a fragment announces, 2 to 7, or 0 when it must be dropped.

    Its own number must lie between 1 and that number - 1 (PROTOCOL-VL1 4.2).
    """
    if n <= HEADER or u8(s, o + INDICATOR) != 0xFF:
        return 0
    total = u8(s, o + NUMBERS) >> 4
    number = u8(s, o + NUMBERS) & 15
    return total if total <= MAX_PIECES and 0 < number < total else 0


def packet_id(s: Slab, o: int) -> int:
    """The packet id of the head as it stands on the wire."""
    return be64(s, o)


def destination(s: Slab, o: int) -> int:
    """The address of the receiver."""
    return be40(s, o + 8)


def total(s: Slab, o: int) -> int:
    """How many pieces the packet has, the head included: 0 to 15."""
    return u8(s, o + NUMBERS) >> 4


def number(s: Slab, o: int) -> int:
    """The number of this piece: 0 to 15."""
    return u8(s, o + NUMBERS) & 15


def hops(s: Slab, o: int) -> int:
    """How many relays the fragment went through, 0 to 7."""
    return u8(s, o + HOPS) & 7


def set_hops(s: Slab, o: int, value: int) -> None:
    """Write the hop count (its low 3 bits)."""
    put_u8(s, o + HOPS, value & 7)


def write_header(s: Slab, o: int, packet_id: int, destination: int, total: int, number: int) -> None:
    """Write the 16 bytes of a fragment header with no hops."""
    put_be64(s, o, packet_id)
    put_be40(s, o + 8, destination)
    put_u8(s, o + INDICATOR, 0xFF)
    put_u8(s, o + NUMBERS, (total << 4) | (number & 15))
    put_u8(s, o + HOPS, 0)


def pieces(n: int, mtu: int) -> int:
    """How many datagrams a packet of `n` bytes takes at a path MTU of `mtu` (> 16); 0: more than 7."""
    if n <= mtu:
        return 1
    step = mtu - HEADER
    count = 1 + (n - mtu + step - 1) // step
    return count if count <= MAX_PIECES else 0


def piece_start(i: int, mtu: int) -> int:
    """Where the bytes of piece `i` begin in the packet."""
    return 0 if i == 0 else mtu + (i - 1) * (mtu - HEADER)


def piece_length(i: int, n: int, mtu: int) -> int:
    """How many bytes of a packet of `n` bytes piece `i` carries, without its fragment header."""
    rest = n - piece_start(i, mtu)
    most = mtu if i == 0 else mtu - HEADER
    return most if rest > most else rest
