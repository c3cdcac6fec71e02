"""An error of ours costs a packet, is counted, and is told once for each place in the code."""

from __future__ import annotations

import logging

import pytest

from fastzt._core.stats import Stats
from fastzt.api import event_log
from fastzt.vl1.bugs import MAX_PLACES, Bugs, place_of
from fastzt.vl1.events import BugSurvived, Event, Online


def fail(n: int) -> None:
    raise OverflowError(f"{n} is too large")


def fail_elsewhere() -> None:
    raise KeyError("x")


def caught(function: object, *arguments: object) -> Exception:
    try:
        function(*arguments)  # type: ignore[operator]
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def test_each_place_is_told_once_and_each_time_is_counted() -> None:
    told: list[Event] = []
    stats = Stats()
    bugs = Bugs(stats, told.append)
    for n in range(3):
        bugs.survived(caught(fail, n))
    last = caught(fail_elsewhere)
    bugs.survived(last)
    assert stats.as_dict() == {"vl1.raised": 4}
    assert bugs.last is last
    first, second = told
    assert isinstance(first, BugSurvived)
    assert isinstance(second, BugSurvived)
    assert first.error == "OverflowError: 0 is too large"
    assert first.place.startswith("test_bugs.py:")
    assert first.place.endswith(", fail")
    assert second.place.endswith(", fail_elsewhere")


def test_places_are_capped() -> None:
    told: list[Event] = []
    bugs = Bugs(Stats(), told.append)
    source = "\n".join(f"def f{i}():\n    raise ValueError" for i in range(2 * MAX_PLACES))
    names: dict[str, object] = {}
    exec(source, names)
    for i in range(2 * MAX_PLACES):
        bugs.survived(caught(names[f"f{i}"]))
    assert len(told) == MAX_PLACES
    assert bugs.stats.as_dict() == {"vl1.raised": 2 * MAX_PLACES}


def test_an_error_without_a_trace() -> None:
    assert place_of(None) == ""


def test_it_is_logged_as_an_error_and_the_rest_as_information(caplog: pytest.LogCaptureFixture) -> None:
    events = [BugSurvived("ValueError: 1", "tcp.py:7, take"), Online()]
    caplog.set_level(logging.WARNING, "fastzt.events")
    assert event_log.wanted(events) == events[:1]
    event_log.tell("0123456789", event_log.wanted(events))
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "0123456789: BugSurvived error ValueError: 1 place tcp.py:7, take"
    caplog.set_level(logging.INFO, "fastzt.events")
    assert event_log.wanted(events) == events
