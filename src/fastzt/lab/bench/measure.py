"""The whole of a benchmark: parts by name, as often as asked, and a report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from . import machine
from .parts import PARTS
from .record import Record, nested
from .rig import Rig
from .settings import Settings

FIELDS = (
    "armor",
    "tcp_gbit_s",
    "rtt_us_p50",
    "rtt_us_p99",
    "connects_per_s",
    "warm_start_ms",
    "idle_cpu_percent",
)


def measure(settings: Settings, tell: Callable[[str], None]) -> dict[str, Any]:
    """Measure: each run goes through all the parts, so that what is compared was measured side by side."""
    record = Record()
    with Rig(settings) as rig:
        for run in range(1, settings.runs + 1):
            for name in settings.parts:
                PARTS[name](rig, record, partial(told, tell, f"run {run} of {settings.runs}"))
                rig.check()
    return report(settings, record)


def told(tell: Callable[[str], None], where: str, text: str) -> None:
    """Say what is being measured."""
    tell(f"{where}: {text}")


def report(settings: Settings, record: Record) -> dict[str, Any]:
    """The fields that every report has, then what was measured beside them."""
    medians = {**nested(record.medians()), **record.facts}
    return {
        **{name: medians.pop(name, None) for name in FIELDS},
        **medians,
        "runs": record.runs(),
        "settings": asdict(settings),
        "machine": machine.machine(),
        "versions": machine.versions(),
    }
