"""Fields of a slab by offset, for interpreted modules; compiled ones take the same names from access.pxd.

Nothing here checks bounds: a codec checks a length once, then reads. Values wrap to their width, as in C.
"""

from __future__ import annotations

from struct import Struct

from .slab import Slab

_BE16 = Struct(">H")
_BE32 = Struct(">I")
_BE64 = Struct(">Q")


def u8(s: Slab, o: int) -> int:
    """The byte at `o`."""
    return s.buffer[o]


def be16(s: Slab, o: int) -> int:
    """The big-endian u16 at `o`."""
    value: int = _BE16.unpack_from(s.buffer, o)[0]
    return value


def be32(s: Slab, o: int) -> int:
    """The big-endian u32 at `o`."""
    value: int = _BE32.unpack_from(s.buffer, o)[0]
    return value


def be40(s: Slab, o: int) -> int:
    """The big-endian u40 at `o`: a ZeroTier address."""
    return int.from_bytes(s.buffer[o : o + 5], "big")


def be48(s: Slab, o: int) -> int:
    """The big-endian u48 at `o`: a MAC."""
    return int.from_bytes(s.buffer[o : o + 6], "big")


def be64(s: Slab, o: int) -> int:
    """The big-endian u64 at `o`."""
    value: int = _BE64.unpack_from(s.buffer, o)[0]
    return value


def put_u8(s: Slab, o: int, v: int) -> None:
    """Write a byte."""
    s.buffer[o] = v & 0xFF


def put_be16(s: Slab, o: int, v: int) -> None:
    """Write a big-endian u16."""
    _BE16.pack_into(s.buffer, o, v & 0xFFFF)


def put_be32(s: Slab, o: int, v: int) -> None:
    """Write a big-endian u32."""
    _BE32.pack_into(s.buffer, o, v & 0xFFFFFFFF)


def put_be40(s: Slab, o: int, v: int) -> None:
    """Write a big-endian u40."""
    s.buffer[o : o + 5] = (v & 0xFFFFFFFFFF).to_bytes(5, "big")


def put_be48(s: Slab, o: int, v: int) -> None:
    """Write a big-endian u48."""
    s.buffer[o : o + 6] = (v & 0xFFFFFFFFFFFF).to_bytes(6, "big")


def put_be64(s: Slab, o: int, v: int) -> None:
    """Write a big-endian u64."""
    _BE64.pack_into(s.buffer, o, v & 0xFFFFFFFFFFFFFFFF)


def take(s: Slab, o: int, n: int) -> bytes:
    """A copy of `n` bytes at `o`."""
    return bytes(s.view[o : o + n])


def put_bytes(s: Slab, o: int, data: bytes) -> None:
    """Copy `data` to `o`."""
    s.view[o : o + len(data)] = data


def move(to: Slab, to_offset: int, source: Slab, offset: int, n: int) -> None:
    """Copy `n` bytes between slabs; the ranges may overlap."""
    to.view[to_offset : to_offset + n] = source.view[offset : offset + n]


def fill(s: Slab, o: int, n: int, value: int) -> None:
    """Set `n` bytes at `o` to `value`."""
    s.view[o : o + n] = bytes([value]) * n


def same(a: Slab, ao: int, b: Slab, bo: int, n: int) -> bool:
    """Whether two ranges hold the same bytes (not constant time: never for secrets)."""
    return a.view[ao : ao + n] == b.view[bo : bo + n]
