"""The benchmark's report: medians, names with dots, lines in a pipe, tables on a terminal, a picture."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from fastzt.cli import charts
from fastzt.errors import FastztError
from fastzt.lab.bench.measure import FIELDS, report
from fastzt.lab.bench.record import Record, nested
from fastzt.lab.bench.settings import Settings


def recorded() -> dict[str, Any]:
    """A report of three runs."""
    record = Record()
    for run, rate in enumerate((16.0, 2.0, 12.34567)):
        record.add("tcp_gbit_s", rate)
        record.add("kernel_tcp_gbit_s", 20.0)
        record.ratio("tcp_to_kernel", "tcp_gbit_s", "kernel_tcp_gbit_s")
        record.add("armor.3.1400", 10.0 + run)
        record.add("rtt_us_p50", 15.0)
        record.add("rtt_us_p99", 40.0)
        record.add("connects_per_s", 4000.0)
        record.add("connects_failed", 2.0)
    record.fact("receive_buffer", 212992)
    return report(Settings(("tcp",), runs=3), record)


def test_a_report_holds_medians_and_the_runs_behind_them() -> None:
    found = recorded()
    assert set(FIELDS) < set(found)
    assert found["tcp_gbit_s"] == 12.35
    assert found["runs"]["tcp_gbit_s"] == [16.0, 2.0, 12.35]
    assert found["tcp_to_kernel"] == 0.6173
    assert found["runs"]["tcp_to_kernel"] == [0.8, 0.1, 0.6173]
    assert found["armor"] == {"3": {"1400": 11.0}}
    assert found["warm_start_ms"] is None
    assert found["receive_buffer"] == 212992
    assert found["settings"]["suite"] == 3
    assert {"processor", "cores", "rmem_max"} <= set(found["machine"])
    assert {"fastzt", "compiled", "python"} <= set(found["versions"])


def test_names_with_dots_nest() -> None:
    assert nested({"a.b.c": 1, "a.d": 2, "e": 3}) == {"a": {"b": {"c": 1}, "d": 2}, "e": 3}


def test_in_a_pipe_each_figure_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    charts.draw(recorded())
    out = capsys.readouterr().out
    assert "throughput, Gbit/s\tTCP\t12.35\n" in out
    assert "armor in one core, GB/s\tsuite 3, 1400 bytes\t11\n" in out
    assert "\tTCP\t15\tp99 40\n" in out
    assert "\tTCP\t4000\t2 failed\n" in out
    assert "warm start" not in out


class Terminal(io.StringIO):
    """Text output that takes itself for a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_bars_have_the_ratio_of_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    charts.draw(recorded())
    lines = terminal.getvalue().splitlines()
    (ours,) = [line for line in lines if "12.35" in line]
    (kernel,) = [line for line in lines if "unencrypted" in line]
    assert kernel.count("━") == charts.BAR
    assert ours.count("━") == round(charts.BAR * 12.35 / 20)


def test_a_picture_is_drawn_or_missed_in_one_line(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "figures.png"
    charts.plot(recorded(), str(path))
    assert path.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(FastztError, match=r"figures\.nonsense"):
        charts.plot(recorded(), str(tmp_path / "figures.nonsense"))


def test_without_matplotlib_the_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FastztError, match=r"pip install 'fastzt\[plot\]'"):
        charts.require_matplotlib()
