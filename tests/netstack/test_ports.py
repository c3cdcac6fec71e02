"""Ephemeral ports: late to return for one remote, whatever else was chosen meanwhile."""

from __future__ import annotations

import random

from fastzt.netstack.ports import FIRST, LAST, MAX_REMOTES, TABLE, EphemeralPorts

from .wire import v4

LOCAL, REMOTE = v4("10.0.0.1"), v4("10.0.0.2")


def ports() -> EphemeralPorts:
    dice = random.Random(3)
    return EphemeralPorts(dice.randbytes(16), dice.randbytes(2 * TABLE))


def test_one_remote_sees_every_port_before_one_comes_again() -> None:
    source = ports()
    chosen = [source.choose(LOCAL, REMOTE, 80, lambda _: False) for _ in range(LAST - FIRST + 1)]
    assert len(set(chosen)) == len(chosen)
    assert source.choose(LOCAL, REMOTE, 80, lambda _: False) == chosen[0]


def test_more_remotes_than_are_remembered_take_nothing_from_one() -> None:
    source = ports()
    first = source.choose(LOCAL, REMOTE, 80, lambda _: False)
    others = [source.choose(LOCAL, REMOTE, 81 + i, lambda _: False) for i in range(2 * MAX_REMOTES)]
    assert len(set(others)) > MAX_REMOTES, "they begin at places of their own"
    again = source.choose(LOCAL, REMOTE, 80, lambda _: False)
    assert first < again < first + 20 or again < FIRST + 20, "the counter that several share has gone on"


def test_what_is_taken_is_passed_over() -> None:
    source = ports()
    free = source.choose(LOCAL, REMOTE, 80, lambda port: port % 7 != 0)
    assert free % 7 == 0
    assert source.choose(LOCAL, REMOTE, 80, lambda _: True) == 0
