"""Poly1305 (RFC 8439 section 2.5) over bytes and over slabs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .slab import Slab

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .kernels.poly1305 import setup, tag_data, tag_range


def tag(key: bytes, message: bytes) -> bytes:
    """The 16-byte tag of `message` under a 32-byte one-time key; raises ValueError on another key length."""
    if len(key) != 32:
        raise ValueError("Poly1305 takes a key of 32 bytes")
    return tag_data(key, message)


def tag_of(slab: Slab, offset: int, length: int, key: bytes) -> bytes:
    """The tag of a range of the slab; raises ValueError on another key length and a range outside."""
    if len(key) != 32:
        raise ValueError("Poly1305 takes a key of 32 bytes")
    if offset < 0 or length < 0 or offset > slab.size - length:
        raise ValueError("the range lies outside the slab")
    return tag_range(slab, offset, length, key)


setup()
