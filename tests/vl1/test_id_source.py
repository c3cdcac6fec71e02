"""Packet ids: each is new, and a seed gives the same ones as Salsa20 says."""

from __future__ import annotations

import random

from fastzt._core.salsa20 import Salsa20
from fastzt._core.slab import is_compiled
from fastzt.vl1.id_source import IdSource, stretched


def test_ids_come_from_the_entropy_in_order_and_do_not_repeat() -> None:
    source = random.Random(3)
    asked: list[int] = []

    def entropy(n: int) -> bytes:
        asked.append(n)
        return source.randbytes(n)

    ids = IdSource(entropy)
    taken = [ids.take() for _ in range(2000)]
    assert len(set(taken)) == 2000
    again = random.Random(3)
    expected = b"".join(again.randbytes(n) for n in asked)
    assert taken == [int.from_bytes(expected[i : i + 8], "big") for i in range(0, 16000, 8)]


def test_each_draw_stretches_a_new_seed() -> None:
    seeds = [bytes(range(40)), bytes(range(1, 41))]
    given = iter(seeds)
    draw = stretched(lambda n: next(given) if n == 40 else random.Random(n).randbytes(n))
    if not is_compiled():
        assert draw(4096) == random.Random(4096).randbytes(4096)
        return
    for seed in seeds:
        assert draw(4096) == Salsa20(seed[:32], seed[32:]).crypt(bytes(4096))
