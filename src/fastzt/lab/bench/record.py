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

    def fact(self, name: str, value: Any) -> None:
        """What holds for all runs."""
        self.facts[name] = value

    def median(self, name: str) -> float | None:
        """The median of the runs, None when there was none."""
        found = self.values.get(name)
        return rounded(statistics.median(found)) if found else None

    def medians(self) -> dict[str, float]:
        """Every name with its median."""
        return {name: rounded(statistics.median(found)) for name, found in self.values.items()}

    def runs(self) -> dict[str, list[float]]:
        """Every name with its values in the order of the runs."""
        return {name: [rounded(value) for value in found] for name, found in self.values.items()}


def rounded(value: float) -> float:
    """To four significant digits."""
    return float(f"{value:.{DIGITS}g}")
