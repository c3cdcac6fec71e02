"""RecentIds: never a fresh id refused, and at least the last four of each row known."""

from __future__ import annotations

import random
from types import ModuleType

import pytest
from support.pure import twin

from fastzt.vl1 import recent_ids


@pytest.mark.parametrize("module", [recent_ids, twin("fastzt.vl1.recent_ids")], ids=["build", "pure"])
def test_replays_are_known_and_fresh_ids_pass(module: ModuleType) -> None:
    seeded = random.Random(1)
    ids = module.RecentIds()
    fresh = [seeded.getrandbits(64) | 1 for _ in range(5000)]
    assert all(ids.add(value) for value in fresh)
    assert not any(ids.add(value) for value in fresh[-200:])


def test_builds_forget_alike() -> None:
    seeded = random.Random(2)
    one, two = recent_ids.RecentIds(), twin("fastzt.vl1.recent_ids").RecentIds()
    pool = [seeded.getrandbits(64) for _ in range(4000)]
    for _ in range(20_000):
        value = seeded.choice(pool)
        assert one.add(value) == two.add(value)
