"""Packet ids: 64 random bits each, none twice, whatever pool they come from."""

from __future__ import annotations

import random
from collections import Counter

from fastzt.vl1.id_source import IdSource, stretched


def test_ids_are_random_and_never_repeat() -> None:
    dice = random.Random(11)
    source = IdSource(stretched(dice.randbytes))
    ids = [source.take() for _ in range(20_000)]
    assert len(set(ids)) == len(ids)
    ones = Counter(bit for value in ids for bit in range(64) if value >> bit & 1)
    assert all(9_500 < ones[bit] < 10_500 for bit in range(64))


def test_ids_depend_on_all_of_the_entropy() -> None:
    first, second = IdSource(stretched(bytes)), IdSource(stretched(lambda n: bytes(n - 1) + b"\1"))
    assert {first.take() for _ in range(512)}.isdisjoint({second.take() for _ in range(512)})
