"""16 MiB through a bad link between whole nodes, both builds, the same for the same seed."""

from __future__ import annotations

import hashlib
import random

import pytest

import fastzt

from .lab import Lab
from .world import MS, Link

BAD = Link(loss=0.05, delay=40 * MS, jitter=1 * MS, reorder=0.02, held=8 * MS, duplicate=0.01)
SIZE = 16 << 20 if fastzt.is_compiled() else 1 << 20


def transfer(seed: int, size: int) -> tuple[int, int]:
    """Send `size` seeded bytes over the bad link; returns the time it took and the datagrams carried."""
    lab = Lab(seed=seed)
    a, b = lab.members
    lab.join(a, b)
    near, far = lab.connect(a, b)
    lab.set_link("a", "b", BAD)
    begin, carried = lab.now, lab.carried
    data = random.Random(seed).randbytes(size)
    digest, window = hashlib.sha256(), bytearray(1 << 16)
    done = {"sent": 0, "received": 0}

    def write(now: int) -> None:
        done["sent"] += near.write(memoryview(data)[done["sent"] : done["sent"] + 65536], now)

    def read(now: int) -> None:
        n = far.read_into(window, now)
        digest.update(window[:n])
        done["received"] += n

    while done["received"] < size:
        if done["sent"] < size:
            a.act(write)
        lab.run_until(lambda: far.readable or (done["sent"] < size and near.writable), 120)
        while far.readable:
            b.act(read)
    assert digest.digest() == hashlib.sha256(data).digest()
    assert near.error == far.error == 0
    return lab.now - begin, lab.carried - carried


@pytest.mark.parametrize("seed", [1, 2])
def test_a_transfer_over_a_bad_link_is_intact(seed: int) -> None:
    elapsed, _ = transfer(seed, SIZE)
    assert elapsed > 0


def test_a_transfer_is_deterministic() -> None:
    assert transfer(3, 1 << 18) == transfer(3, 1 << 18)
