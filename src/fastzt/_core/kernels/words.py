"""Words of bytes objects, for interpreted modules."""

from __future__ import annotations


def word(data: bytes, offset: int) -> int:
    """The big-endian word of 64 bits at an offset."""
    return int.from_bytes(data[offset : offset + 8], "big")
