"""Salsa20 against the reference vectors, and both builds against each other."""

from __future__ import annotations

import random
from typing import Any

import pytest
from support.pure import twin
from support.vectors import parametrize

from fastzt._core.salsa20 import Salsa20, xor
from fastzt._core.slab import Slab


@parametrize("salsa_poly", "salsa20")
def test_vectors(case: dict[str, Any]) -> None:
    key, iv, calls = bytes.fromhex(case["key"]), bytes.fromhex(case["iv"]), case["calls"]
    data = bytes.fromhex(case.get("input") or "00" * sum(calls))
    cipher = Salsa20(key, iv, case["rounds"])
    slab = Slab(len(data) + 32)
    slab.view[16:-16] = data
    made, at, block = b"", 0, 0
    for n in calls:
        made += cipher.crypt(data[at : at + n])
        xor(slab, 16 + at, n, key, iv, block, case["rounds"])
        at += n
        block += (n + 63) // 64
    assert made.hex() == case["output"]
    assert bytes(slab.view).hex() == "00" * 16 + case["output"] + "00" * 16


@pytest.mark.parametrize("rounds", [12, 20])
def test_every_length_in_both_builds(rounds: int) -> None:
    pure, rng = twin("fastzt._core.salsa20"), random.Random(rounds)
    for n in [*range(300), 511, 512, 513, 1023, 1024, 1025, 1373, 1537, 4097, 20000]:
        key, iv, data = rng.randbytes(32), rng.randbytes(8), rng.randbytes(n)
        assert Salsa20(key, iv, rounds).crypt(data) == pure.Salsa20(key, iv, rounds).crypt(data), n


@pytest.mark.parametrize("start", [2**32 - 1, 2**32 - 5, 2**32 - 17, 2**33, 2**64 - 3])
def test_the_counter_has_64_bits(start: int) -> None:
    pure, slabs, rng = twin("fastzt._core.salsa20"), twin("fastzt._core.slab"), random.Random(start)
    key, iv = rng.randbytes(32), rng.randbytes(8)
    whole, pieces, other = Slab(64 * 40), Slab(64 * 40), slabs.Slab(64 * 40)
    xor(whole, 0, 64 * 40, key, iv, start, 12)
    pure.xor(other, 0, 64 * 40, key, iv, start, 12)
    for i in range(40):
        xor(pieces, 64 * i, 64, key, iv, (start + i) % 2**64, 12)
    assert bytes(whole.view) == bytes(pieces.view) == bytes(other.view)


def test_many_blocks_in_both_builds() -> None:
    pure = twin("fastzt._core.salsa20")
    key, iv, data = bytes(range(32)), bytes(range(8)), bytes(64 * 700 + 5)
    assert Salsa20(key, iv, 20).crypt(data) == pure.Salsa20(key, iv, 20).crypt(data)


@pytest.mark.parametrize(("key", "iv", "rounds"), [(31, 8, 12), (32, 7, 12), (32, 8, 8), (16, 8, 20)])
def test_bad_arguments(key: int, iv: int, rounds: int) -> None:
    with pytest.raises(ValueError, match="Salsa20 takes"):
        Salsa20(bytes(key), bytes(iv), rounds)
    with pytest.raises(ValueError, match="Salsa20 takes"):
        xor(Slab(10), 0, 5, bytes(key), bytes(iv), 0, rounds)


@pytest.mark.parametrize(("offset", "length"), [(-1, 5), (0, 11), (6, 5), (0, -1), (2**62, 2**62)])
def test_range_outside(offset: int, length: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        xor(Slab(10), offset, length, bytes(32), bytes(8), 0, 12)
