"""What a change must not make worse by a quarter: each figure against another of the same run."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gate import hold, levels
from support.pure import twin

import fastzt
from fastzt._core.armor import SessionKey, armor_batch, cpu_level, dearmor_batch, use_cpu_level
from fastzt._core.slab import Slab
from fastzt.lab.bench import throughput
from fastzt.lab.bench.rig import Rig
from fastzt.lab.bench.settings import Settings

HERE = Path(__file__).parent
COMPILED = pytest.mark.skipif(not fastzt.is_compiled(), reason="the compiled build's figures")
COUNT, SIZE = 45, 1432
SECRET = bytes(range(48))
ROUNDS = 200
SECONDS = 0.3
TURNS = 6


def quickest(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """Seconds of the quickest call."""
    clock, best = time.perf_counter, float("inf")
    for _ in range(rounds):
        begin = clock()
        work()
        best = min(best, clock() - begin)
    return best


@COMPILED
@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("suite", [1, 3])
@pytest.mark.parametrize("operation", ["armor", "dearmor"])
def test_armor_against_memcpy(benchmark: Any, operation: str, suite: int, level: str) -> None:
    before = cpu_level()
    try:
        assert use_cpu_level(level)
        hold(benchmark, lambda: armor_to_memcpy(operation, suite), level)
    finally:
        use_cpu_level(before)


def armor_to_memcpy(operation: str, suite: int) -> dict[str, float]:
    """Seconds to copy packets, to seconds to seal or open them."""
    key, verdicts = SessionKey(SECRET), bytearray(COUNT)
    slab, sealed, copy = Slab(COUNT * SIZE), Slab(COUNT * SIZE), Slab(COUNT * SIZE)
    armor_batch(sealed, 0, SIZE, COUNT, SIZE, key, suite)
    source, target = memoryview(bytes(slab.view)), copy.view

    def memcpy() -> None:
        target[:] = source

    def seal() -> None:
        armor_batch(slab, 0, SIZE, COUNT, SIZE, key, suite)

    def unseal() -> None:
        slab.view[:] = sealed.view
        assert dearmor_batch(slab, 0, SIZE, COUNT, SIZE, key, verdicts) == COUNT

    copying = quickest(memcpy)
    taken = quickest(seal) if operation == "armor" else quickest(unseal) - copying
    return {f"{operation} suite {suite} to memcpy": copying / taken}


@COMPILED
@pytest.mark.parametrize("suite", [1, 3])
def test_armor_compiled_against_interpreted(benchmark: Any, suite: int) -> None:
    pure, slabs = twin("fastzt._core.armor"), twin("fastzt._core.slab")
    slab, other = Slab(COUNT * SIZE), slabs.Slab(COUNT * SIZE)
    key, twin_key = SessionKey(SECRET), pure.SessionKey(SECRET)

    def ratios() -> dict[str, float]:
        compiled = quickest(lambda: armor_batch(slab, 0, SIZE, COUNT, SIZE, key, suite))
        interpreted = quickest(lambda: pure.armor_batch(other, 0, SIZE, COUNT, SIZE, twin_key, suite), 20)
        return {f"armor suite {suite} to interpreted": interpreted / compiled}

    armor_batch(slab, 0, SIZE, COUNT, SIZE, key, suite)
    pure.armor_batch(other, 0, SIZE, COUNT, SIZE, twin_key, suite)
    assert bytes(other.view) == bytes(slab.view)
    hold(benchmark, ratios)


def in_memory(mebibytes: int, **environment: str) -> float:
    """Bytes a processor second of `memory_path`."""
    done = subprocess.run(
        [sys.executable, str(HERE / "memory_path.py"), str(mebibytes)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parent / "tests"), **environment},
    )
    found = json.loads(done.stdout)
    assert found["bytes"] == mebibytes << 20
    assert found["compiled"] is not bool(environment)
    return float(found["bytes"] / found["seconds"])


@COMPILED
def test_flow_in_memory_compiled_against_interpreted(benchmark: Any) -> None:
    """Core to core in one thread: what our code costs, without the kernel."""

    def ratios() -> dict[str, float]:
        return {"flow in memory to interpreted": in_memory(256) / in_memory(2, FASTZT_PURE="1")}

    hold(benchmark, ratios)


@COMPILED
@pytest.mark.parametrize("suite", [1, 3])
def test_flow_against_udp(benchmark: Any, suite: int) -> None:
    """Between two processes, against UDP alone through the same socket code: bytes a second, the quickest of
    several each, and bytes a processor second of both processes.
    """
    settings = Settings(("tcp",), seconds=SECONDS, suite=suite)
    with Rig(settings) as rig:
        members = rig.pair()

        def spent(work: Callable[[], Any]) -> tuple[Any, float]:
            before = sum(member.call("usage")["cpu"] for member in members)
            result = work()
            return result, sum(member.call("usage")["cpu"] for member in members) - before

        def ratios() -> dict[str, float]:
            flows, floods = [], []
            for _ in range(TURNS):
                floods.append(spent(lambda: throughput.udp(members, SECONDS, None)))
                flows.append(spent(lambda: throughput.tcp(rig, "overlay")))
            rate = max(flow["gbit_s"] for flow, _ in flows) / max(udp["gbit_s"] for udp, _ in floods)
            flow_cost = statistics.median(cpu / flow["bytes"] for flow, cpu in flows)
            udp_cost = statistics.median(cpu / udp["bytes"] for udp, cpu in floods)
            return {
                f"flow suite {suite} to udp": rate,
                f"flow suite {suite} to udp, processor": udp_cost / flow_cost,
            }

        hold(benchmark, ratios)
