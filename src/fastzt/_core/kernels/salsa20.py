"""Salsa20 key stream when interpreted: big integers for one packet, numpy for the blocks of many.

The big-integer form keeps the four diagonals of the state as one integer each: 64-bit slots, the four lanes
of a diagonal one after another, each lane holding the 32-bit words of all blocks. One integer operation then
does a step of every quarter round of every block.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from ..slab import Slab

SIGMA = struct.unpack("<4I", b"expand 32-byte k")
MASK64 = (1 << 64) - 1
NUMPY_BLOCKS = 256  # below this many blocks the integers are faster
# Word indices of the diagonals: lanes 0 to 3 of the rows that the column round works on.
DIAGONALS = ((0, 5, 10, 15), (4, 9, 14, 3), (8, 13, 2, 7), (12, 1, 6, 11))


def words_of(key: bytes, iv: bytes) -> list[int]:
    """The 16 words of the state, the counter (words 8 and 9) zero."""
    k = struct.unpack("<8I", key)
    n = struct.unpack("<2I", iv)
    return [SIGMA[0], *k[:4], SIGMA[1], *n, 0, 0, SIGMA[2], *k[4:], SIGMA[3]]


def _lanes(words: Sequence[int], diagonal: tuple[int, ...], counters: range, ones: int, width: int) -> int:
    """One diagonal as an integer: lane l holds word diagonal[l] of every block."""
    value = 0
    for lane, index in enumerate(diagonal):
        if index in (8, 9):
            shift = 32 * (index - 8)
            slots = b"".join((c >> shift & 0xFFFFFFFF).to_bytes(8, "little") for c in counters)
            part = int.from_bytes(slots, "little")
        else:
            part = words[index] * ones
        value |= part << (lane * width)
    return value


def _rounds(a: int, b: int, c: int, d: int, rounds: int, mask: int, width: int) -> tuple[int, int, int, int]:
    """`rounds` rounds over the diagonals; `width` bits a lane."""
    low1, low2, low3 = (1 << width) - 1, (1 << 2 * width) - 1, (1 << 3 * width) - 1
    w1, w2, w3 = width, 2 * width, 3 * width
    for _ in range(rounds // 2):
        t = (a + d) & mask
        b ^= (t << 7 | t >> 25) & mask
        t = (b + a) & mask
        c ^= (t << 9 | t >> 23) & mask
        t = (c + b) & mask
        d ^= (t << 13 | t >> 19) & mask
        t = (d + c) & mask
        a ^= (t << 18 | t >> 14) & mask
        # Lanes turn so that the rows stand where the columns stood; b and d change places.
        b, d = (d >> w1) | (d & low1) << w3, (b >> w3) | (b & low3) << w1
        c = (c >> w2) | (c & low2) << w2
        t = (a + d) & mask
        b ^= (t << 7 | t >> 25) & mask
        t = (b + a) & mask
        c ^= (t << 9 | t >> 23) & mask
        t = (c + b) & mask
        d ^= (t << 13 | t >> 19) & mask
        t = (d + c) & mask
        a ^= (t << 18 | t >> 14) & mask
        b, d = (d >> w1) | (d & low1) << w3, (b >> w3) | (b & low3) << w1
        c = (c >> w2) | (c & low2) << w2
    return a, b, c, d


def stream(key: bytes, iv: bytes, counter: int, rounds: int, n: int) -> bytes:
    """`n` bytes of key stream from block `counter` on."""
    blocks = (n + 63) // 64
    if blocks == 0:
        return b""
    if blocks >= NUMPY_BLOCKS:
        return streams([(words_of(key, iv), counter, blocks)], rounds)[:n]
    words = words_of(key, iv)
    width = 64 * blocks
    ones = int.from_bytes(b"\1\0\0\0\0\0\0\0" * blocks, "little")
    counters = range(counter, counter + blocks)
    initial = [_lanes(words, diagonal, counters, ones, width) for diagonal in DIAGONALS]
    mask = int.from_bytes(b"\xff\xff\xff\xff\0\0\0\0" * (4 * blocks), "little")
    a, b, c, d = initial
    final = _rounds(a, b, c, d, rounds, mask, width)
    out = [0] * (16 * blocks)
    for diagonal, before, after in zip(DIAGONALS, initial, final, strict=True):
        # The sum stays in its slot; its low half is the word.
        slots = struct.unpack(f"<{8 * blocks}I", (before + after & mask).to_bytes(32 * blocks, "little"))
        for lane, index in enumerate(diagonal):
            out[index::16] = slots[2 * blocks * lane : 2 * blocks * (lane + 1) : 2]
    return struct.pack(f"<{16 * blocks}I", *out)[:n]


def streams(runs: Sequence[tuple[Sequence[int], int, int]], rounds: int) -> bytes:
    """The key stream of all runs (state words, first counter, blocks), one after another, by numpy."""
    import numpy as np

    lengths = np.array([blocks for _, _, blocks in runs])
    total = int(lengths.sum())
    x = np.repeat(np.array([words for words, _, _ in runs], dtype=np.uint32).T, lengths, axis=1)
    starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
    first = np.repeat(np.array([counter for _, counter, _ in runs], dtype=np.uint64), lengths)
    counters = first + (np.arange(total) - starts).astype(np.uint64)
    x[8] = (counters & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    x[9] = (counters >> np.uint64(32)).astype(np.uint32)
    rows = [np.stack([x[i] for i in diagonal]) for diagonal in DIAGONALS]
    _numpy_rounds(np, rows, rounds)
    out = np.empty((total, 16), dtype="<u4")
    for diagonal, row in zip(DIAGONALS, rows, strict=True):
        for lane, index in enumerate(diagonal):
            out[:, index] = row[lane] + x[index]
    return out.tobytes()


def _numpy_rounds(np: Any, rows: list[Any], rounds: int) -> None:
    """Rounds in place over four (4, blocks) arrays: the diagonals."""
    t = np.empty_like(rows[0])
    u = np.empty_like(rows[0])

    def step(to: Any, p: Any, q: Any, n: int) -> None:
        np.add(p, q, out=t)
        np.left_shift(t, n, out=u)
        np.right_shift(t, 32 - n, out=t)
        np.bitwise_or(t, u, out=t)
        np.bitwise_xor(to, t, out=to)

    a, b, c, d = rows
    for _ in range(rounds):
        step(b, a, d, 7)
        step(c, b, a, 9)
        step(d, c, b, 13)
        step(a, d, c, 18)
        b, c, d = np.roll(d, -1, axis=0), np.roll(c, -2, axis=0), np.roll(b, -3, axis=0)
    rows[:] = [a, b, c, d]


def xor_bytes(a: bytes, b: bytes) -> bytes:
    """The XOR of two strings of equal length."""
    return (int.from_bytes(a, "little") ^ int.from_bytes(b, "little")).to_bytes(len(a), "little")


def xor_data(key: bytes, iv: bytes, counter: int, rounds: int, data: bytes) -> bytes:
    """`data` XOR the stream from block `counter` on."""
    return xor_bytes(data, stream(key, iv, counter, rounds, len(data)))


def xor_range(s: Slab, o: int, n: int, key: bytes, iv: bytes, counter: int, rounds: int) -> None:
    """XOR slab[o : o + n] with the stream from block `counter` on."""
    s.view[o : o + n] = xor_data(key, iv, counter, rounds, bytes(s.view[o : o + n]))


def setup() -> None:
    """Nothing to choose."""
