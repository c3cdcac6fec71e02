"""MaxFilter: what it gives was seen in the window, and is no less than the maximum of its newer half."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.pair import PROPERTY

from fastzt.netstack.tcp.congestion.max_filter import MaxFilter

VALUES = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 4)), min_size=1, max_size=80)


@PROPERTY
@given(VALUES, st.integers(1, 16))
def test_max_filter_against_the_values(values: list[tuple[int, int]], window: int) -> None:
    kept = MaxFilter()
    seen: list[tuple[int, int]] = []
    at = 0
    for value, step in values:
        at += step
        seen.append((at, value))
        best = kept.add(value, at, window)
        assert best in [v for t, v in seen if at - t <= window]
        assert best >= max(v for t, v in seen if at - t <= window // 2)


def test_a_maximum_is_forgotten_when_its_window_is_over() -> None:
    kept = MaxFilter()
    assert kept.add(100, 0, 10) == 100
    for at in range(1, 11):
        assert kept.add(50 + at, at, 10) == 100
    assert kept.add(40, 11, 10) == 60
