"""Entropy: random bytes of the system, of which it makes large amounts slowly."""

from __future__ import annotations

import os

from .._core.salsa20 import Salsa20

SEED = 40  # bytes of a key and a nonce of Salsa20


def entropy(n: int) -> bytes:
    """`n` random bytes. More than a seed are the key stream of Salsa20/20 under a seed of their own.

    The system takes ten times as long for a pool of packet ids.
    """
    if n <= SEED:
        return os.urandom(n)
    seed = os.urandom(SEED)
    return Salsa20(seed[:32], seed[32:]).crypt(bytes(n))
