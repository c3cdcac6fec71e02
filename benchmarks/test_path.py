"""The whole way of a byte: from core to core in memory, and between two processes through sockets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from memory_path import Flow

import fastzt
from fastzt.lab.bench.rig import Rig
from fastzt.lab.bench.settings import Settings
from fastzt.lab.bench.throughput import tcp

VOLUME = 16 << 20 if fastzt.is_compiled() else 1 << 19
SECONDS = 1.0


def test_flow_in_memory(benchmark: Any) -> None:
    """Two whole nodes in one thread; each byte is compared."""
    flow = Flow()
    packets = benchmark.pedantic(flow.transfer, (VOLUME,), rounds=5, warmup_rounds=1)
    assert packets >= VOLUME // 1354
    benchmark.extra_info["Gbit/s"] = round(VOLUME * 8 / benchmark.stats.stats.median / 1e9, 3)
    benchmark.extra_info["ns a packet"] = round(benchmark.stats.stats.median / packets * 1e9)


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with Rig(Settings(("tcp",), seconds=SECONDS)) as made:
        made.pair()
        yield made


def test_flow_between_processes(benchmark: Any, rig: Rig) -> None:
    found: list[dict[str, Any]] = []
    benchmark.pedantic(lambda: found.append(tcp(rig, "overlay")), rounds=3)
    assert all(flow["bytes"] > 0 for flow in found)
    benchmark.extra_info["Gbit/s"] = [round(flow["gbit_s"], 3) for flow in found]


def test_round_trips(benchmark: Any, rig: Rig) -> None:
    near, _ = rig.pair()
    where = {"side": "overlay", "host": rig.hosts["overlay"], "port": rig.echo("overlay"), "seconds": SECONDS}
    found = benchmark.pedantic(lambda: near.call("ping", **where), rounds=3)
    assert 0 < found["p50"] <= found["p99"]
    benchmark.extra_info.update(found)


def test_connects(benchmark: Any, rig: Rig) -> None:
    near, _ = rig.pair()
    where = {"side": "overlay", "host": rig.hosts["overlay"], "port": rig.echo("overlay"), "seconds": SECONDS}
    found = benchmark.pedantic(lambda: near.call("connects", **where), rounds=3)
    assert (found["failed"], found["last_error"]) == (0, "")
    benchmark.extra_info.update(found)
