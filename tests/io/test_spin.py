"""Spin: it looks where waits end soon, stops where that does not pay, and never on one core."""

from __future__ import annotations

import os

import pytest

from fastzt.io.spin import Spin, usable_cores

SOON = 80_000  # a sleep of two ends that answer each other at once
LATE = 5_000_000


def cost(spin: Spin, waits: list[int]) -> int:
    """Nanoseconds looked in vain over waits that take so long whether it looks or not."""
    lost = 0
    for waited in waits:
        allowed = spin.allowance()
        spin.note(allowed, waited)
        lost += allowed if waited > allowed else 0
    return lost


def test_it_sleeps_until_a_wait_has_ended_soon() -> None:
    spin = Spin(cores=2)
    assert spin.allowance() == 0
    spin.note(0, LATE)
    assert spin.allowance() == 0
    spin.note(0, SOON)
    assert spin.allowance() == 50_000


def test_it_goes_on_while_looking_pays() -> None:
    spin = Spin(cores=2)
    spin.note(0, SOON)
    for _ in range(1000):
        assert spin.allowance() == 50_000
        spin.note(50_000, 9_000)


def test_nothing_came_is_not_soon() -> None:
    spin = Spin(cores=2)
    spin.note(0, SOON)
    spin.note(50_000, -1)
    assert spin.allowance() == 0
    spin.note(0, -1)
    assert spin.allowance() == 0


def test_it_hardly_looks_where_that_does_not_pay() -> None:
    spin = Spin(cores=2)
    waits = [SOON] * 10_000
    assert cost(spin, waits) < 0.002 * sum(waits)
    spin = Spin(cores=2)
    assert cost(spin, [LATE] * 1000) == 0


def test_it_comes_back_when_it_pays_again() -> None:
    spin = Spin(cores=2)
    cost(spin, [SOON] * 10_000)
    waits = 0
    while spin.allowance() == 0:
        spin.note(0, SOON)
        waits += 1
        assert waits <= 1023
    spin.note(50_000, 9_000)
    assert spin.allowance() == 50_000
    spin.note(50_000, LATE)  # one exception in between costs one wait
    spin.note(0, SOON)
    assert spin.allowance() == 50_000


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
