"""The kernels by level of instructions, suite and size, through their batch interfaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from rates import note

import fastzt
from fastzt._core import checksum, poly1305, salsa20
from fastzt._core.armor import (
    LEVELS,
    SessionKey,
    armor_batch,
    cpu_level,
    dearmor_batch,
    use_cpu_level,
)
from fastzt._core.slab import Slab
from fastzt.identity.proof_of_work import memory_hard_hash

COUNT = 45  # packets of a full-size message: 45 x 1432 fill a UDP datagram's 65507 bytes
SIZES = [64, 512, 1400]
HEADER = 28
KEY = bytes(range(48))


@pytest.fixture
def level(request: pytest.FixtureRequest) -> Iterator[str]:
    """The level that the test is parametrized with; skips those that the processor has not."""
    before = cpu_level()
    if not use_cpu_level(request.param):
        pytest.skip(f"the processor, or FASTZT_CPU, has no level {request.param}")
    yield request.param
    use_cpu_level(before)


EVERY_LEVEL = pytest.mark.parametrize("level", LEVELS if fastzt.is_compiled() else LEVELS[:1], indirect=True)


def filled(size: int) -> Slab:
    """Packets with distinct ids and clean flags."""
    slab = Slab(COUNT * size)
    for i in range(COUNT):
        slab.view[i * size : i * size + 8] = i.to_bytes(8, "big")
    return slab


@EVERY_LEVEL
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("suite", [0, 1, 3])
def test_armor(benchmark: Any, suite: int, size: int, level: str) -> None:
    key, slab, verdicts = SessionKey(KEY), filled(size), bytearray(COUNT)
    benchmark(armor_batch, slab, 0, size, COUNT, size, key, suite)
    assert dearmor_batch(slab, 0, size, COUNT, size, key, verdicts) == COUNT
    note(benchmark, COUNT * (size - HEADER))


@EVERY_LEVEL
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("suite", [0, 1, 3])
def test_dearmor(benchmark: Any, suite: int, size: int, level: str) -> None:
    key, slab, sealed = SessionKey(KEY), filled(size), Slab(COUNT * size)
    armor_batch(slab, 0, size, COUNT, size, key, suite)
    sealed.view[:] = slab.view

    def open_again() -> int:
        slab.view[:] = sealed.view  # opening is in place: 20 ns a packet of copying are part of the figure
        return dearmor_batch(slab, 0, size, COUNT, size, key, verdicts)

    verdicts = bytearray(COUNT)
    assert benchmark(open_again) == COUNT
    assert verdicts == b"\1" * COUNT
    note(benchmark, COUNT * (size - HEADER))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rounds", [12, 20])
def test_salsa20(benchmark: Any, rounds: int, size: int) -> None:
    slab, whole = Slab(size), Slab(size)
    benchmark(salsa20.xor, slab, 0, size, KEY[:32], KEY[:8], 1, rounds)
    salsa20.xor(whole, 0, size, KEY[:32], KEY[:8], 1, rounds)
    assert bytes(slab.view) in (bytes(size), bytes(whole.view))
    note(benchmark, size)


@pytest.mark.parametrize("size", SIZES)
def test_poly1305(benchmark: Any, size: int) -> None:
    slab = filled(size)
    tag = benchmark(poly1305.tag_of, slab, 0, size, KEY[:32])
    assert tag == poly1305.tag(KEY[:32], bytes(slab.view[:size]))
    note(benchmark, size)


@pytest.mark.parametrize("size", SIZES)
def test_checksum(benchmark: Any, size: int) -> None:
    slab = Slab(size)
    slab.view[:] = bytes(i & 0xFF for i in range(size))
    expected = sum(int.from_bytes(slab.view[i : i + 2], "big") for i in range(0, size, 2)) % 0xFFFF
    assert benchmark(checksum.sum16, slab, 0, size) % 0xFFFF == expected
    note(benchmark, size)


def test_proof_of_work(benchmark: Any) -> None:
    made = benchmark(memory_hard_hash, bytes(64))
    assert made == memory_hard_hash(bytes(64))
    assert len(set(made)) > 16


def test_session_key(benchmark: Any) -> None:
    key = benchmark(SessionKey, KEY)
    assert key.salsa_key == KEY[:32]
