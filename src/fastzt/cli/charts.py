"""The benchmark's report as tables with bars (on a terminal), lines (in a pipe) or a picture."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from typing import Any

from ..errors import FastztError
from .output import say

BAR = 30  # characters of the longest one


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; `note` is printed behind it."""

    label: str
    value: float
    note: str = ""


Section = tuple[str, list[Row]]

# Title, then (field, label) in the order of the rows.
SECTIONS: list[tuple[str, list[tuple[str, str]]]] = [
    (
        "throughput, Gbit/s",
        [
            ("tcp_gbit_s", "TCP"),
            ("one_flow_gbit_s", "one flow alone"),
            ("kernel_tcp_gbit_s", "the kernel's TCP, unencrypted"),
            ("udp_gbit_s", "UDP alone"),
            ("udp_one_a_call_gbit_s", "UDP alone, one datagram a call"),
        ],
    ),
    (
        "round trip of 64 bytes, median, us",
        [
            ("rtt_us_p50", "TCP"),
            ("kernel_tcp_rtt_us_p50", "the kernel's TCP"),
            ("udp_rtt_us_p50", "UDP alone"),
        ],
    ),
    (
        "connect, 64 bytes each way, close; a second",
        [("connects_per_s", "TCP"), ("kernel_connects_per_s", "the kernel's TCP")],
    ),
    ("warm start to a connected socket, ms", [("warm_start_ms", "node")]),
    (
        "idle node",
        [
            ("idle_cpu_percent", "% of a core"),
            ("idle_wakeups_per_s", "wake-ups a second"),
            ("resident_mb", "resident MB"),
        ],
    ),
    (
        "beside idle connections",
        [
            ("crowd_tcp_gbit_s", "TCP, Gbit/s"),
            ("crowd_tcp_to_alone", "as a share of TCP alone"),
            ("crowd_resident_mb_connecting", "resident MB, the connecting end"),
            ("crowd_resident_mb_accepting", "resident MB, the accepting end"),
            ("crowd_connects_per_s", "connects a second"),
        ],
    ),
    (
        "beside threads that compute, Gbit/s",
        [("busy_tcp_gbit_s", "TCP"), ("busy_kernel_tcp_gbit_s", "the kernel's TCP")],
    ),
    (
        "beside threads that compute, round trip, us",
        [("busy_rtt_us_p50", "TCP"), ("busy_kernel_tcp_rtt_us_p50", "the kernel's TCP")],
    ),
]


def sections(found: dict[str, Any]) -> list[Section]:
    """What was measured, in order."""
    made = [*armor(found)]
    for title, fields in SECTIONS:
        rows = [
            Row(label, found[name], note(found, name))
            for name, label in fields
            if found.get(name) is not None
        ]
        if rows:
            made.append((title, rows))
    return made


def armor(found: dict[str, Any]) -> list[Section]:
    """Both operations, by suite and packet size."""
    made = []
    for operation in ("armor", "dearmor"):
        suites = found.get(operation) or {}
        rows = [
            Row(f"suite {suite}, {size} bytes", rate)
            for suite, sizes in suites.items()
            for size, rate in sizes.items()
        ]
        if rows:
            made.append((f"{operation} in one core, GB/s", rows))
    return made


def note(found: dict[str, Any], name: str) -> str:
    """What belongs to a figure: its 99th percentile, its failures."""
    if name.endswith("_p50"):
        return f"p99 {found[name.replace('_p50', '_p99')]:g}"
    failed = found.get(name.replace("per_s", "failed"), 0) if name.endswith("connects_per_s") else 0
    return f"{failed:g} failed" if failed else ""


def draw(found: dict[str, Any]) -> None:
    """Print a report."""
    settings, versions = found["settings"], found["versions"]
    build = "compiled" if versions["compiled"] else "interpreted"
    say(f"fastzt {versions['fastzt']} ({build}), {versions['python']}, {found['machine']['processor']}")
    say(f"suite {settings['suite']}, median of {settings['runs']}, {settings['seconds']:g} s each")
    for title, rows in sections(found):
        if sys.stdout.isatty():
            draw_section(title, rows)
        else:
            for row in rows:
                say("\t".join((title, row.label, f"{row.value:g}", *filter(None, [row.note]))))


def draw_section(title: str, rows: list[Row]) -> None:
    """One table with bars."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        "", "", "", "", title=title, title_justify="left", box=None, show_header=False, pad_edge=False
    )
    table.columns[1].justify = "right"
    most = max(row.value for row in rows) or 1.0
    for row in rows:
        bar = "━" * max(round(row.value / most * BAR), 1) if len(rows) > 1 else ""
        table.add_row(row.label, f"{row.value:g}", bar, row.note)
    Console(highlight=False).print("", table)


def require_matplotlib() -> None:
    """Raise FastztError when matplotlib is not installed."""
    if importlib.util.find_spec("matplotlib") is None:
        raise FastztError("--plot needs matplotlib: pip install 'fastzt[plot]'")


def plot(found: dict[str, Any], path: str) -> None:
    """Draw a report into a picture file; raises OSError or FastztError when that cannot be."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    made = sections(found)
    heights = [len(rows) + 1.5 for _, rows in made]
    figure, axes = pyplot.subplots(
        len(made),
        1,
        figsize=(9, sum(heights) * 0.35),
        height_ratios=heights,
        squeeze=False,
        layout="constrained",
    )
    for (title, rows), axis in zip(made, axes[:, 0], strict=True):
        bars = axis.barh([row.label for row in rows], [row.value for row in rows], color="#3b6ea5")
        axis.bar_label(bars, [f" {row.value:g}  {row.note}" for row in rows])
        axis.set_title(title, loc="left", fontsize=10)
        axis.invert_yaxis()
        axis.margins(x=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    try:
        figure.savefig(path)
    except ValueError as error:
        raise FastztError(f"{path}: {error}") from None
    finally:
        pyplot.close(figure)
