"""TimerWheel: timers come back to whom they belong, order, past and far deadlines, cancel while due."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from support.pair import pair

NEVER = 2**62


def drain(wheel: Any, now: int) -> list[int]:
    return [wheel.pop() for _ in range(wheel.expire(now))]


@pair("timer_wheel")
def test_owners_and_reuse(m: ModuleType, make: Any) -> None:
    wheel = m.TimerWheel(10**12)
    owners = [object() for _ in range(50)]
    timers = [wheel.allocate(owner) for owner in owners]
    assert len(set(timers)) == 50
    assert all(wheel.owner(timer) is owner for timer, owner in zip(timers, owners, strict=True))
    wheel.arm(timers[7], 10**12 + 5)
    wheel.free(timers[7])
    assert (wheel.owner(timers[7]), wheel.armed, wheel.minimum()) == (None, 0, NEVER)
    assert wheel.allocate("next") == timers[7]
    assert not wheel.is_armed(timers[7])


@pair("timer_wheel")
def test_deadlines_hold_to_the_microsecond(m: ModuleType, make: Any) -> None:
    wheel = m.TimerWheel(0)
    a, b, c = (wheel.allocate(None) for _ in range(3))
    wheel.arm(a, 1001)
    wheel.arm(b, 1000)
    wheel.arm(c, 70_000_000_000)
    assert wheel.minimum() == 1000
    assert drain(wheel, 999) == []
    assert drain(wheel, 1000) == [b]
    assert drain(wheel, 1000) == []
    assert (wheel.minimum(), drain(wheel, 1001)) == (1001, [a])
    assert (wheel.minimum(), wheel.armed) == (70_000_000_000, 1)
    assert drain(wheel, 69_999_999_999) == []
    assert drain(wheel, 70_000_000_000) == [c]
    assert (wheel.minimum(), wheel.armed, wheel.pop()) == (NEVER, 0, -1)


@pair("timer_wheel")
def test_a_jump_fires_in_order_of_time(m: ModuleType, make: Any) -> None:
    wheel = m.TimerWheel(123_456)
    deadlines = [(i * 7919_000) % 100_000_000 + 123_456 for i in range(200)]
    timers = {wheel.allocate(None): deadline for deadline in deadlines}
    for timer, deadline in timers.items():
        wheel.arm(timer, deadline)
    fired = [timers[timer] >> 6 for timer in drain(wheel, 10**9)]
    assert fired == sorted(deadline >> 6 for deadline in deadlines)


@pair("timer_wheel")
def test_past_deadlines_fire_at_once_and_rearming_waits_for_the_next_call(m: ModuleType, make: Any) -> None:
    wheel = m.TimerWheel(10**6)
    timer = wheel.allocate(None)
    wheel.arm(timer, 5)
    assert wheel.minimum() == 5
    assert wheel.expire(10**6) == 1
    assert wheel.pop() == timer
    wheel.arm(timer, 10**6)
    assert wheel.pop() == -1
    assert drain(wheel, 10**6) == [timer]


@pair("timer_wheel")
def test_what_is_due_can_still_be_cancelled_or_moved(m: ModuleType, make: Any) -> None:
    wheel = m.TimerWheel(0)
    a, b, c = (wheel.allocate(None) for _ in range(3))
    for timer in (a, b, c):
        wheel.arm(timer, 10)
    assert wheel.expire(10) == 3
    assert wheel.minimum() == 10
    wheel.cancel(a)
    wheel.arm(b, 500)
    assert (wheel.pop(), wheel.pop()) == (c, -1)
    assert (wheel.minimum(), wheel.armed, wheel.deadline_of(a)) == (500, 1, NEVER)


@pair("timer_wheel")
@pytest.mark.parametrize("deadline", [NEVER, NEVER + 1, 2**63 - 1])
def test_never_is_not_armed(m: ModuleType, make: Any, deadline: int) -> None:
    wheel = m.TimerWheel(0)
    timer = wheel.allocate(None)
    wheel.arm(timer, 100)
    wheel.arm(timer, deadline)
    assert (wheel.is_armed(timer), wheel.minimum(), wheel.armed) == (False, NEVER, 0)
    wheel.arm(timer, NEVER - 1)
    assert (wheel.minimum(), drain(wheel, 2**61)) == (NEVER - 1, [])


@pair("timer_wheel")
def test_time_that_stands_still_or_goes_back_loses_nothing(m: ModuleType, make: Any) -> None:
    wheel = m.TimerWheel(10**6)
    timer = wheel.allocate(None)
    wheel.arm(timer, 10**6 + 100)
    for now in (10**6, 0, 10**6 + 99, 500):
        assert drain(wheel, now) == []
    assert wheel.minimum() == 10**6 + 100
    assert drain(wheel, 10**6 + 100) == [timer]


@pair("timer_wheel")
def test_a_crowded_bucket_is_never_late(m: ModuleType, make: Any) -> None:
    """minimum() may be early for many timers far away, and expire() then gets on; it is never late."""
    wheel = m.TimerWheel(0)
    for i in range(500):
        wheel.arm(wheel.allocate(None), 60_000_000 + i)
    wakes = now = fired = 0
    while wheel.armed:
        now = wheel.minimum()
        assert now <= 60_000_000 + fired
        fired += len(drain(wheel, now))
        wakes += 1
        assert wakes < 520
    assert (fired, now) == (500, 60_000_499)
