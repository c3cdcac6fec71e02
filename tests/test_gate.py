"""The gates of the benchmarks: a regression of 25 % fails, noise does not, processors are told apart."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SOURCE = Path(__file__).parent.parent / "benchmarks" / "gate.py"


class Benchmark:
    """As much of pytest-benchmark's fixture as a gate uses."""

    def __init__(self) -> None:
        self.extra_info: dict[str, Any] = {}

    def pedantic(self, work: Any, rounds: int) -> None:
        for _ in range(rounds):
            work()


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, its ratios in a file of the test's."""
    spec = importlib.util.spec_from_file_location("gate_under_test", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.delenv("FASTZT_RECORD_FLOORS", raising=False)
    monkeypatch.setattr(module, "FILE", tmp_path / "floors.json")
    monkeypatch.setattr(module, "level", lambda: "vaes")
    module.FILE.write_text(json.dumps({"speed": {"avx2": 10.0, "avx512": 40.0}, "count": {"any": 3.0}}))
    return module


def hold(gate: ModuleType, ratios: list[float], name: str = "speed") -> int:
    """How often a gate measures when it finds these ratios, the last one again and again."""
    found = iter(ratios)
    last = [0.0]
    calls = [0]

    def measure() -> dict[str, float]:
        calls[0] += 1
        last[0] = next(found, last[0])
        return {name: last[0]}

    gate.hold(Benchmark(), measure)
    return calls[0]


def test_noise_passes_and_is_measured_once(gate: ModuleType) -> None:
    assert hold(gate, [8.1]) == 1


def test_a_bad_moment_is_measured_again(gate: ModuleType) -> None:
    assert hold(gate, [4.0, 7.0, 9.0]) == 3


def test_a_regression_of_a_quarter_fails(gate: ModuleType) -> None:
    with pytest.raises(AssertionError, match=r"speed: 7.5, at least 8 of a committed 10"):
        hold(gate, [7.5])


def test_what_is_not_committed_holds_nothing(gate: ModuleType) -> None:
    assert hold(gate, [0.01], "unknown") == 1


def test_the_next_lower_level_counts_where_there_is_none(
    gate: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gate.committed("speed") == 10.0
    assert gate.committed("count") == 3.0
    monkeypatch.setattr(gate, "level", lambda: "avx512")
    assert gate.committed("speed") == 40.0
    for unknown in ("sse2", ""):
        monkeypatch.setattr(gate, "level", lambda unknown=unknown: unknown)
        assert gate.committed("speed") is None


def test_recording_writes_the_median_of_this_level(gate: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTZT_RECORD_FLOORS", "1")
    hold(gate, [9.0, 1.0, 30.0, 12.0, 20.0])
    assert json.loads(gate.FILE.read_text())["speed"] == {"avx2": 10.0, "avx512": 40.0, "vaes": 12.0}


@pytest.mark.parametrize(
    ("limit", "found"), [("", "vaes"), ("avx2", "avx2"), ("sse2", "sse2"), ("portable", "")]
)
def test_levels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: str, found: str) -> None:
    spec = importlib.util.spec_from_file_location("gate_of_levels", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "cpuinfo").write_text("processor: 0\nflags\t: fpu sse2 aes pclmulqdq avx2 vaes vpclmulqdq\n")
    monkeypatch.setattr(module, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setenv("FASTZT_CPU", limit)
    assert module.level() == found


def test_the_committed_file_can_be_read(gate: ModuleType) -> None:
    kept = json.loads(SOURCE.with_name("floors.json").read_text())
    assert kept
    for places in kept.values():
        assert set(places) <= {*gate.LEVELS, gate.ANY}
        assert all(ratio > 0 for ratio in places.values())
