"""Poly1305 when interpreted: OpenSSL's, through `cryptography`."""

from __future__ import annotations

from cryptography.hazmat.primitives.poly1305 import Poly1305

from ..slab import Slab


def tag_data(key: bytes, message: bytes) -> bytes:
    """The tag of `message`: 16 bytes."""
    return Poly1305.generate_tag(key, message)


def tag_range(s: Slab, o: int, n: int, key: bytes) -> bytes:
    """The tag of slab[o : o + n]."""
    return tag_data(key, bytes(s.view[o : o + n]))


def setup() -> None:
    """Nothing to choose."""
