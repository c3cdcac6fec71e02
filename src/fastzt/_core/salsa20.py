"""Salsa20 with 12 or 20 rounds (eSTREAM's Salsa20, 256-bit key, 64-bit nonce) over bytes and over slabs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .slab import Slab

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .kernels.salsa20 import setup, xor_data, xor_range


def check(key: bytes, iv: bytes, rounds: int) -> None:
    """Raise ValueError unless the key has 32 bytes, the nonce 8, and the rounds are 12 or 20."""
    if len(key) != 32 or len(iv) != 8 or rounds not in (12, 20):
        raise ValueError("Salsa20 takes a key of 32 bytes, a nonce of 8 and 12 or 20 rounds")


class Salsa20:
    """A cipher object: every call begins at a fresh 64-byte block, an empty call uses none."""

    if not cython.compiled:
        __slots__ = ("_counter", "_iv", "_key", "_rounds")

    def __init__(self, key: bytes, iv: bytes, rounds: int = 20) -> None:
        check(key, iv, rounds)
        self._key = key
        self._iv = iv
        self._rounds = rounds
        self._counter = 0

    def crypt(self, data: bytes) -> bytes:
        """`data` XOR the key stream."""
        result = xor_data(self._key, self._iv, self._counter, self._rounds, data)
        self._counter += (len(data) + 63) // 64
        return result


def xor(slab: Slab, offset: int, length: int, key: bytes, iv: bytes, counter: int, rounds: int) -> None:
    """XOR a range of the slab with the key stream from block `counter` on.

    Raises ValueError on a wrong key, nonce or number of rounds, and on a range outside the slab.
    """
    check(key, iv, rounds)
    if offset < 0 or length < 0 or offset > slab.size - length:
        raise ValueError("the range lies outside the slab")
    xor_range(slab, offset, length, key, iv, counter, rounds)


setup()
