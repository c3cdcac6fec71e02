"""Bugs: errors of ours that cost the packets at hand, never the node."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from types import TracebackType

from .._core.stats import Stats
from . import reasons
from .events import BugSurvived, Event

MAX_PLACES = 16  # reported; each is counted


class Bugs:
    """Counts them as vl1.raised, and reports each place in the code once."""

    def __init__(self, stats: Stats, emit: Callable[[Event], None]) -> None:
        self.stats = stats
        self.emit = emit
        self.last: Exception | None = None
        self.places: set[str] = set()

    def survived(self, error: Exception) -> None:
        """One more."""
        self.stats.drop(reasons.RAISED)
        self.last = error
        place = place_of(error.__traceback__)
        if place not in self.places and len(self.places) < MAX_PLACES:
            self.places.add(place)
            self.emit(BugSurvived(f"{type(error).__name__}: {error}", place))


def place_of(trace: TracebackType | None) -> str:
    """Where an error was raised: "file.py:12, function"; empty when nothing tells."""
    place = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f"{PurePath(code.co_filename).name}:{trace.tb_lineno}, {code.co_name}"
        trace = trace.tb_next
    return place
