"""Assembler: both builds against a set of positions."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pair import PROPERTY, SEEDS, modules

LIMIT = 64


class Model:
    """Positions received above `edge`; `touched` remembers where each range began, the latest first."""

    def __init__(self, edge: int) -> None:
        self.edge = edge
        self.held: set[int] = set()
        self.touched: list[int] = []

    def runs(self, held: set[int]) -> list[tuple[int, int]]:
        starts = sorted(p for p in held if p - 1 not in held)
        ends = sorted(p + 1 for p in held if p + 1 not in held)
        return list(zip(starts, ends, strict=True))

    def add(self, start: int, end: int) -> bool:
        start = max(start, self.edge)
        wanted = self.held | set(range(start, end))
        if start > self.edge and len(self.runs(wanted)) > LIMIT:
            return False
        if end > start:
            self.touched.insert(0, start)
        self.held = wanted
        while self.edge in self.held:
            self.held.remove(self.edge)
            self.edge += 1
        return True

    def blocks(self, most: int) -> list[tuple[int, int]]:
        runs, found = self.runs(self.held), []
        for p in self.touched:
            if len(found) >= min(most, 4, len(runs)):
                break
            found += [run for run in runs if run[0] <= p < run[1] and run not in found]
        return found


RANGES = st.lists(st.tuples(st.integers(-5, 400), st.integers(0, 6)), max_size=150)


@PROPERTY
@given(st.integers(0, 2**40), RANGES, st.integers(0, 6))
def test_assembler_against_model(edge: int, ranges: list[tuple[int, int]], most: int) -> None:
    check(edge, ranges, most)


@SEEDS
@pytest.mark.parametrize(("span", "longest"), [(30, 3), (150, 6), (400, 2)])
def test_long_run(seed: int, span: int, longest: int) -> None:
    """From dense, where runs touch, to sparse, where they run out."""
    random = Random(seed)
    for most in (3, 5):
        ranges = [
            (random.randint(1 - (random.random() < 0.05) * 6, span), random.randint(0, longest))
            for _ in range(150)
        ]
        check(1000 * seed, ranges, most)


def check(edge: int, ranges: list[tuple[int, int]], most: int) -> None:
    """Both builds and the model say the same after each range."""
    model = Model(edge)
    both = [m.Assembler(edge, LIMIT) for m in modules("assembler")]
    for offset, n in ranges:
        start = edge + offset
        wanted = model.add(start, start + n)
        for a in both:
            assert a.add(start, start + n) == wanted
            assert a.contiguous() == model.edge
            assert a.runs() == model.runs(model.held)
            assert a.blocks(most) == model.blocks(most)
            assert a.highest() == max((p + 1 for p in model.held), default=model.edge)
