"""GB/s by benchmark, printed below pytest-benchmark's own tables."""

from __future__ import annotations

from typing import Any

import fastzt

found: dict[str, float] = {}


def note(benchmark: Any, octets: int) -> None:
    """Record GB/s of the quickest round and the build next to the times."""
    rate = octets / benchmark.stats.stats.min / 1e9
    found[benchmark.name] = rate
    benchmark.extra_info["GB/s"] = round(rate, 3)
    benchmark.extra_info["compiled"] = fastzt.is_compiled()
