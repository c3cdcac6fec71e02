"""Packet armor: suites 0, 1 (Salsa20/12 + Poly1305) and 3 (AES-GMAC-SIV) over packets in a slab, in place.

VL1 section 3. A packet that suite 3 rejects is left as garbage: it has to be decrypted to be verified.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .gmac_siv import siv_keys
from .slab import Slab

if TYPE_CHECKING:
    import cython

    from .kernels.gmac_siv import SivKey
else:
    from .. import _cython as cython

if not cython.compiled:
    from .kernels.armor import (
        choose_level,
        level_in_use,
        mask_tail,
        octets,
        open_batch,
        open_one,
        refuse,
        seal_batch,
        session_init,
        session_part,
        session_wipe,
        setup,
    )

    MIN_PACKET = 28  # the header up to and with the verb
    MAX_PACKET = 65535


LEVELS = ("portable", "sse2", "avx2", "vaes", "avx512")  # sse2 is NEON on ARM, vaes AVX2 with VAES


def cpu_level() -> str:
    """The level of instructions in use: one of LEVELS, at most that of the environment's FASTZT_CPU."""
    return LEVELS[level_in_use()]


def use_cpu_level(name: str) -> bool:
    """Take the kernels of another level, for tests and benchmarks; False, and no change, if there are none.

    Other threads must not use this module meanwhile. A session key keeps the AES that it was made with.
    """
    if name not in LEVELS:
        raise ValueError(f"no level of instructions is called {name}")
    level, before = LEVELS.index(name), level_in_use()
    if choose_level(level) == level:
        return True
    choose_level(before)
    return False


class SessionKey:
    """What two peers share: Salsa20 key, AES schedules and hash powers, made from the 48 agreed bytes."""

    if not cython.compiled:
        __slots__ = ("keys", "siv")
        keys: tuple[bytes, bytes, bytes]
        siv: SivKey

    def __init__(self, key: bytes) -> None:
        if len(key) != 48:
            raise ValueError("a session key is made from 48 bytes")
        k0, k1 = siv_keys(key)
        session_init(self, key[:32], k0, k1)

    def __dealloc__(self) -> None:
        session_wipe(self)

    @property
    def salsa_key(self) -> bytes:
        """The 32-byte key of suites 0 and 1, before the header is mixed in."""
        return session_part(self, 0)

    @property
    def siv_keys(self) -> tuple[bytes, bytes]:
        """K0 (GMAC) and K1 (AES-CTR) of suite 3, 32 bytes each."""
        return session_part(self, 1), session_part(self, 2)


def valid_range(slab: Slab, offset: int, stride: int, count: int, last: int) -> bool:
    """Whether `count` packets from `offset` on lie in the slab and have the length of a packet."""
    if offset < 0 or count < 0 or last < MIN_PACKET or last > MAX_PACKET:
        return False
    if count < 2:
        return last <= slab.size and offset <= slab.size - last
    if stride < last or stride > MAX_PACKET or count - 1 > slab.size // stride:
        return False
    return last <= slab.size and offset <= slab.size - last - (count - 1) * stride


def armor(slab: Slab, offset: int, length: int, key: SessionKey, suite: int) -> None:
    """Seal one packet: sets the suite bits and MAC, clears the hops, and for suite 3 replaces the packet id.

    Raises ValueError on another suite than 0, 1, 3, on fewer than 28 bytes and on a range outside the slab.
    """
    armor_batch(slab, offset, length, 1, length, key, suite)


def dearmor(slab: Slab, offset: int, length: int, key: SessionKey) -> bool:
    """Verify one packet by its header's suite, and decrypt it; False for a forged or impossible one."""
    if not valid_range(slab, offset, length, 1, length):
        return False
    return open_one(key, slab, offset, length)


def armor_run(
    slab: Slab, offset: int, stride: int, count: int, last_length: int, key: SessionKey, suite: int
) -> bool:
    """Seal `count` packets, `stride` bytes each and the last one `last_length`; False if impossible.

    For the data path: it raises nothing and needs no GIL. On False nothing is written.
    """
    if suite != 0 and suite != 1 and suite != 3:
        return False
    if not valid_range(slab, offset, stride, count, last_length):
        return False
    seal_batch(key, slab, offset, stride, count, last_length, suite)
    return True


def dearmor_run(
    slab: Slab, offset: int, stride: int, count: int, last_length: int, key: SessionKey, verdicts: bytearray
) -> int:
    """Verify and decrypt `count` packets laid out as in `armor_run`, each by its header's suite.

    verdicts[i] becomes 1 or 0 and must have room for `count`; returns how many were genuine. Raises nothing.
    """
    if count <= 0:
        return 0
    if not valid_range(slab, offset, stride, count, last_length):
        refuse(verdicts, count)
        return 0
    return open_batch(key, slab, offset, stride, count, last_length, verdicts)


def armor_batch(
    slab: Slab, offset: int, stride: int, count: int, last_length: int, key: SessionKey, suite: int
) -> None:
    """Seal `count` packets, `stride` bytes each and the last one `last_length`; raises as `armor` does."""
    if suite != 0 and suite != 1 and suite != 3:
        raise ValueError("the cipher suites are 0, 1 and 3")
    if not armor_run(slab, offset, stride, count, last_length, key, suite):
        raise ValueError("the packets are too short or lie outside the slab")


def dearmor_batch(
    slab: Slab, offset: int, stride: int, count: int, last_length: int, key: SessionKey, verdicts: bytearray
) -> int:
    """Verify and decrypt `count` packets laid out as in `armor_batch`; returns how many were genuine.

    verdicts[i] becomes 1 or 0. Raises ValueError when `verdicts` has fewer than `count` bytes.
    """
    if len(verdicts) < count:
        raise ValueError("verdicts is shorter than the batch")
    return dearmor_run(slab, offset, stride, count, last_length, key, octets(verdicts))


def mask_hello_tail(slab: Slab, offset: int, length: int, start: int, key: SessionKey) -> None:
    """XOR bytes [start, length) of the packet with the plain key's stream (VL1 section 3.2); its own inverse.

    A start outside the packet leaves it as it is. Raises ValueError on a range outside the slab.
    """
    if not valid_range(slab, offset, length, 1, length):
        raise ValueError("the packet is too short or lies outside the slab")
    if MIN_PACKET <= start < length:
        mask_tail(key, slab, offset, start, length)


setup()
