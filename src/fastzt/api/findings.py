"""Finding: one thing that the doctor has seen."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARNING, PROBLEM = "ok", "warning", "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """`level`: ok, warning (it works, badly) or problem; `advice`: what to do, empty when nothing is."""

    check: str
    level: str
    what: str
    advice: str = ""
