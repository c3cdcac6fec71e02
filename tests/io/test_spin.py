"""Spin: it looks where waits end soon, stops where that does not pay, and never on one core."""

from __future__ import annotations

import os

import pytest

from fastzt.io.spin import Spin, usable_cores

SOON = 80_000  # the other end was asleep and had to be woken
AT_ONCE = 9_000
LATE = 5_000_000
LONGEST = 250_000


def cost(spin: Spin, waits: list[int]) -> int:
    """Nanoseconds looked without any gain over waits that take so long whether it looks or not."""
    lost = 0
    for waited in waits:
        allowed = spin.allowance()
        spin.note(allowed, waited)
        lost += min(allowed, waited) if waited > 50_000 else 0
    return lost


def test_it_sleeps_until_a_wait_has_ended_soon() -> None:
    spin = Spin(cores=2)
    assert spin.allowance() == 0
    spin.note(0, LATE)
    assert spin.allowance() == 0
    spin.note(0, SOON)
    assert spin.allowance() == LONGEST


def test_it_goes_on_while_looking_pays() -> None:
    spin = Spin(cores=2)
    spin.note(0, SOON)
    for _ in range(10_000):
        assert spin.allowance() == LONGEST
        spin.note(LONGEST, AT_ONCE)


def test_nothing_came_is_not_soon() -> None:
    spin = Spin(cores=2)
    spin.note(0, SOON)
    spin.note(LONGEST, -1)
    assert spin.allowance() == 0
    spin.note(0, -1)
    assert spin.allowance() == 0


def test_it_bears_late_answers_for_a_while() -> None:
    spin = Spin(cores=2)
    spin.note(0, SOON)
    for _ in range(1000):
        assert spin.allowance() == LONGEST
        spin.note(LONGEST, SOON)
    spin.note(LONGEST, AT_ONCE)
    for _ in range(1000):
        assert spin.allowance() == LONGEST
        spin.note(LONGEST, SOON)


def test_it_hardly_looks_where_that_does_not_pay() -> None:
    spin = Spin(cores=2)
    cost(spin, [SOON] * 10_000)
    assert cost(spin, waits := [SOON] * 20_000) < 0.07 * sum(waits)
    spin = Spin(cores=2)
    vain = [2 * LONGEST] * 10_000
    assert cost(spin, vain) < 0.002 * sum(vain)
    assert cost(Spin(cores=2), [LATE] * 1000) == 0


def test_two_that_woke_each_other_find_together() -> None:
    """Each looks now and then for as long as the other takes to wake; both looking is what pays."""
    ends = [Spin(cores=2), Spin(cores=2)]
    cost(ends[0], [2 * LONGEST] * 3000)
    cost(ends[1], [2 * LONGEST] * 5555)
    trips = 0
    while not all(spin.penalty == 0 and spin.allowance() for spin in ends):
        looks = [spin.allowance() for spin in ends]
        for spin, allowed, other in zip(ends, looks, reversed(looks), strict=True):
            spin.note(allowed, AT_ONCE if allowed and other else SOON)
        trips += 1
        assert trips < 20_000


def test_it_comes_back_when_it_pays_again() -> None:
    spin = Spin(cores=2)
    cost(spin, [2 * LONGEST] * 10_000)
    waits = 0
    while spin.allowance() == 0:
        spin.note(0, SOON)
        waits += 1
        assert waits <= 1023
    spin.note(LONGEST, AT_ONCE)
    assert spin.allowance() == LONGEST
    spin.note(LONGEST, LATE)  # one exception in between costs one wait
    spin.note(0, SOON)
    assert spin.allowance() == LONGEST


def test_it_moves_away_from_a_shared_core_and_ever_less_often() -> None:
    spin = Spin(cores=2)
    spin.note(0, SOON)
    moves = [n for n in range(10_000) if spin.note(LONGEST, AT_ONCE, True)]
    assert moves[0] == 31
    assert all(b - a >= 2 * (a - z) - 32 for z, a, b in zip(moves, moves[1:], moves[2:], strict=False))
    assert len(moves) < 12
    while spin.rest:
        assert not spin.note(LONGEST, AT_ONCE)
    spin.note(LONGEST, AT_ONCE)
    assert [n for n in range(100) if spin.note(LONGEST, AT_ONCE, True)][:2] == [31, 63]


def test_it_moves_soon_when_the_other_keeps_the_core() -> None:
    spin = Spin(cores=2)
    waits = 0
    moved = False
    while not moved:
        allowed = spin.allowance()
        moved = spin.note(allowed, 2 * LONGEST, allowed > 0)
        waits += 1
        assert waits < 20


def test_who_does_not_look_does_not_move() -> None:
    spin = Spin(cores=2)
    assert not any(spin.note(0, SOON, True) for _ in range(100))


def test_never_on_one_core() -> None:
    spin = Spin(cores=1)
    spin.note(0, SOON)
    assert spin.allowance() == 0


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinities here")
def test_the_cores_are_those_that_the_process_may_use() -> None:
    before = os.sched_getaffinity(0)
    assert usable_cores() == len(before)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cores() == 1
        spin = Spin()
        spin.note(0, SOON)
        assert spin.allowance() == 0
    finally:
        os.sched_setaffinity(0, before)
