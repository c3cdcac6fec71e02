"""Serial arithmetic around the wrap, and Stats."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from support.pair import pair

TOP = 2**32 - 1


@pair("seqnum")
@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        (0, 0, 0),
        (1, 0, 1),
        (0, 1, -1),
        (0, TOP, 1),
        (TOP, 0, -1),
        (5, TOP - 4, 10),
        (2**31 - 1, 0, 2**31 - 1),
    ],
)
def test_order(m: ModuleType, make: Any, a: int, b: int, distance: int) -> None:
    assert m.diff(a, b) == distance
    assert m.lt(a, b) == (distance < 0)
    assert m.leq(a, b) == (distance <= 0)
    assert m.add(b, distance) == a


@pair("seqnum")
def test_half_way_and_between(m: ModuleType, make: Any) -> None:
    assert m.diff(2**31, 0) == -(2**31)
    assert m.between(TOP - 1, 0, 5)
    assert m.between(7, 7, 8)
    assert not m.between(7, 8, 8)
    assert not m.between(7, 6, 8)


@pair("seqnum")
def test_unwrap(m: ModuleType, make: Any) -> None:
    for near in (0, 2**32 - 3, 2**32 + 5, 7 * 2**32 - 1, 2**40):
        for step in (-5, 0, 1, 2**30):
            assert m.unwrap((near + step) % 2**32, near) == near + step


@pair("stats")
def test_counters(m: ModuleType, make: Any) -> None:
    a, b = m.register("test.a"), m.register("test.b")
    assert (m.register("test.a"), a != b, m.names()[b]) == (a, True, "test.b")
    stats = m.Stats()
    stats.drop(a)
    stats.add(b, 2**40)
    stats.add(b)
    for outside in (-1, 256, 10**6):
        stats.drop(outside)
        stats.add(outside, 5)
        assert stats.value(outside) == 0
    assert stats.as_dict() == {"test.a": 1, "test.b": 2**40 + 1}
    assert (stats.value(a), stats.total("test."), stats.total("other.")) == (1, 2**40 + 2, 0)
    stats.clear()
    assert stats.as_dict() == {}


@pair("stats")
def test_names_are_capped(m: ModuleType, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(m, "_NAMES", [str(i) for i in range(256)])
    with pytest.raises(RuntimeError):
        m.register("one more")
