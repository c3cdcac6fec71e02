"""Gates: ratios measured within one run, against the ones committed in floors.json.

A ratio may fall to 80 % of the committed one: noise is less than that, a regression of 25 % is more. One that
falls below is measured again, up to five times; noise passes one of them. Ratios that depend on the
processor's instructions are kept by level, and a level without its own takes the next lower one's.

FASTZT_RECORD_FLOORS=1 writes what was measured (their median) instead of judging it.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("floors.json")
CPUINFO = Path("/proc/cpuinfo")
SHARE = 0.8
ATTEMPTS = 5
ANY = "any"
LEVELS = {
    "avx512": {"avx512f", "avx512bw", "avx512vl", "avx512ifma", "vaes", "vpclmulqdq"},
    "vaes": {"avx2", "vaes", "vpclmulqdq"},
    "avx2": {"avx2", "aes", "pclmulqdq"},
    "sse2": {"sse2", "aes", "pclmulqdq"},
}
LIMITS = {"": 0, "avx512": 0, "vaes": 1, "avx2": 2, "sse2": 3}  # FASTZT_CPU: the first level that it allows


def level() -> str:
    """What the processor offers and FASTZT_CPU allows; empty for one without committed ratios."""
    try:
        text = CPUINFO.read_text()
    except OSError:
        return ""
    flags = next((set(line.split()) for line in text.splitlines() if line.startswith("flags")), set())
    allowed = list(LEVELS)[LIMITS.get(os.environ.get("FASTZT_CPU", ""), len(LEVELS)) :]
    return next((name for name in allowed if LEVELS[name] <= flags), "")


def levels() -> list[str]:
    """The level and all below it."""
    names, here = list(LEVELS), level()
    return names[names.index(here) :] if here else []


def committed(name: str, at: str = "") -> float | None:
    """The ratio to be held by this machine, or by its kernels of a level; None when there is none."""
    kept: dict[str, float] = json.loads(FILE.read_text()).get(name, {})
    if ANY in kept:
        return kept[ANY]
    known = [lower for lower in levels() if lower in kept]
    if at in LEVELS:
        known = [lower for lower in known if list(LEVELS).index(lower) >= list(LEVELS).index(at)]
    return kept[known[0]] if known else None


def record(name: str, place: str, ratio: float) -> None:
    """Commit a ratio."""
    kept: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {}
    kept.setdefault(name, {})[place] = float(f"{ratio:.3g}")
    FILE.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")


Ratios = dict[str, float]


def hold(benchmark: Any, measure: Callable[[], Ratios], at: str = "") -> None:
    """Measure ratios by name and hold each, at its best attempt, against the committed one.

    `at` is the level of the kernels measured, if it is not the machine's, or ANY where levels do not matter.
    """
    if os.environ.get("FASTZT_RECORD_FLOORS"):
        keep([measure() for _ in range(ATTEMPTS)], at or level())
    best: Ratios = {}
    least: Ratios = {}

    def attempt() -> None:
        for _ in range(ATTEMPTS):
            for name, ratio in measure().items():
                best[name] = max(ratio, best.get(name, 0.0))
                least[name] = (committed(name, at) or 0.0) * SHARE
            if all(best[name] >= least[name] for name in best):
                return

    benchmark.pedantic(attempt, rounds=1)
    benchmark.extra_info.update(ratio=best, least=least)
    for name, ratio in best.items():
        assert ratio >= least[name], (
            f"{name}: {ratio:.3g}, at least {least[name]:.3g} of a committed {least[name] / SHARE:.3g}"
        )


def keep(measured: list[Ratios], place: str) -> None:
    """Commit medians."""
    assert place, "this processor has no level"
    for name in measured[0]:
        record(name, place, statistics.median(ratios[name] for ratios in measured))
