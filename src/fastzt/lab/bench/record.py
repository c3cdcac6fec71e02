"""Record: what was measured, run by run; the report holds medians and the runs behind them."""

from __future__ import annotations

import statistics
from typing import Any

DIGITS = 4  # significant ones: more would be noise


class Record:
    """Values by name, one a run, and facts that do not vary."""

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = {}
        self.facts: dict[str, Any] = {}

    def add(self, name: str, value: float) -> None:
        """One run's value."""
        self.values.setdefault(name, []).append(value)

    def ratio(self, name: str, over: str, under: str) -> None:
        """The ratio of two values of this run."""
        self.add(name, self.values[over][-1] / self.values[under][-1])

    def fact(self, name: str, value: Any) -> None:
        """What holds for all runs."""
        self.facts[name] = value

    def medians(self) -> dict[str, float]:
        """Every name with its median."""
        return {name: rounded(statistics.median(found)) for name, found in self.values.items()}

    def runs(self) -> dict[str, list[float]]:
        """Every name with its values in the order of the runs."""
        return {name: [rounded(value) for value in found] for name, found in self.values.items()}


def rounded(value: float) -> float:
    """To four significant digits."""
    return float(f"{value:.{DIGITS}g}")


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Names with dots as dictionaries in dictionaries."""
    found: dict[str, Any] = {}
    for name, value in flat.items():
        *above, last = name.split(".")
        place = found
        for key in above:
            place = place.setdefault(key, {})
        place[last] = value
    return found
