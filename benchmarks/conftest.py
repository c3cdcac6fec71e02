"""Benchmarks run when asked for, and then alone: `pytest --benchmark-only`."""

from __future__ import annotations

from pathlib import Path

import pytest
from rates import found

HERE = Path(__file__).parent
MAX_TIME = 0.3  # seconds for the rounds of one benchmark that does not say how many it wants


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    mine = [item for item in items if HERE in item.path.parents]
    others = [item for item in items if HERE not in item.path.parents]
    wanted, unwanted = (mine, others) if config.getoption("benchmark_only") else (others, mine)
    for item in mine:
        if item.get_closest_marker("benchmark") is None:
            item.add_marker(pytest.mark.benchmark(max_time=MAX_TIME))
    if unwanted:
        config.hook.pytest_deselected(items=unwanted)
        items[:] = wanted


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if found:
        terminalreporter.section("GB/s, quickest round")
        width = max(map(len, found))
        for name, rate in found.items():
            terminalreporter.write_line(f"{name:{width}}  {rate:8.3f}")
