"""IdSource: random 64-bit packet ids, taken from a pool so that a packet costs no call for entropy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .._core.salsa20 import Salsa20
from .._core.slab import Slab, is_compiled

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .._core.access import be64

    POOL = 4096


SEED = 40  # bytes: a key and a nonce


class IdSource:
    """Ids are nonces of the ciphers: all 64 bits are random (PROTOCOL-VL1 3.5)."""

    if not cython.compiled:
        __slots__ = ("entropy", "pool", "used")

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self.entropy = entropy
        self.pool = Slab(POOL)
        self.used = POOL

    def take(self) -> int:
        """The next id."""
        if self.used >= POOL:
            self.refill()
        value = be64(self.pool, self.used)
        self.used += 8
        return value

    def refill(self) -> None:
        """Begin with fresh ones."""
        self.pool.view[:] = self.entropy(POOL)
        self.used = 0


def stretched(entropy: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """A source that stretches a new seed by Salsa20 each time.

    The system's own takes several times as long for as much. Interpreted it is the other way round, and the
    source itself is returned.
    """
    if not is_compiled():
        return entropy

    def draw(n: int) -> bytes:
        seed = entropy(SEED)
        return Salsa20(seed[:32], seed[32:]).crypt(bytes(n))

    return draw
