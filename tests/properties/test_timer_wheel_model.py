"""TimerWheel: both builds against a dictionary of deadlines."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pair import PROPERTY, SEEDS, modules

DELAYS = st.one_of(
    st.integers(-100, 300),
    st.integers(0, 10**5),
    st.integers(0, 10**9),
    st.integers(0, 2**61),
    st.just(2**62),
)
STEPS = st.one_of(st.integers(0, 200), st.integers(0, 10**6), st.integers(0, 10**10))
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("arm"), st.integers(0, 39), DELAYS),
        st.tuples(st.just("cancel"), st.integers(0, 39)),
        st.tuples(st.just("advance"), STEPS),
        st.tuples(st.just("next")),
    ),
    max_size=80,
)


def drain(wheel: Any, now: int) -> list[int]:
    """The timers that expire, in order."""
    n = wheel.expire(now)
    found = [wheel.pop() for _ in range(n)]
    assert wheel.pop() == -1
    return found


@PROPERTY
@given(st.integers(0, 2**50), OPERATIONS)
def test_wheel_against_model(now: int, operations: list[tuple[Any, ...]]) -> None:
    check(now, operations)


@SEEDS
@pytest.mark.parametrize("span", [150, 10_000, 10**6, 10**10])
def test_long_run(seed: int, span: int) -> None:
    """Timers armed, moved, cancelled and fired over and over, near and far."""
    random = Random(seed)
    operations: list[tuple[Any, ...]] = []
    for _ in range(400):
        timer = random.randint(0, 39) if seed % 2 else random.randint(0, 5)
        near = random.choice([1, 1, 10, 100])
        operations.append(
            random.choice(
                [
                    ("arm", timer, random.randint(-10, span // near)),
                    ("arm", timer, random.randint(0, 64)),
                    ("cancel", timer),
                    ("advance", random.randint(0, span // near // 4)),
                    ("next",),
                ]
            )
        )
    check(random.randint(0, 10**13), operations)


def check(now: int, operations: list[tuple[Any, ...]]) -> None:
    """Both builds and the model agree after each operation."""
    wheels = [m.TimerWheel(now) for m in modules("timer_wheel")]
    for wheel in wheels:
        assert [wheel.allocate(i) for i in range(40)] == list(range(16)) + list(range(16, 40))
    model: dict[int, int] = {}
    for operation in operations:
        match operation:
            case ("arm", timer, delay):
                deadline = min(now + delay, 2**62)
                model[timer] = deadline
                if deadline == 2**62:
                    del model[timer]
                for wheel in wheels:
                    wheel.arm(timer, deadline)
            case ("cancel", timer):
                model.pop(timer, None)
                for wheel in wheels:
                    wheel.cancel(timer)
            case _:
                earliest = min(model.values(), default=now)
                now = now + operation[1] if operation[0] == "advance" else max(now, min(earliest, 2**60))
                due = [timer for timer, deadline in model.items() if deadline <= now]
                found = [drain(wheel, now) for wheel in wheels]
                assert found[0] == found[1]
                assert sorted(found[0]) == sorted(due)
                for timer in due:
                    del model[timer]
        for wheel in wheels:
            assert wheel.armed == len(model)
            assert {t: wheel.deadline_of(t) for t in range(40) if wheel.is_armed(t)} == model
            exact = min(model.values(), default=2**62)
            assert wheel.minimum() == exact if len(model) <= 32 else wheel.minimum() <= exact


@PROPERTY
@given(st.lists(st.integers(0, 10**9), min_size=33, max_size=120))
def test_sleeping_until_the_minimum_always_gets_on(deadlines: list[int]) -> None:
    """With more timers in a bucket than minimum() looks at, each wake-up is useful and none is late."""
    for m in modules("timer_wheel"):
        wheel = m.TimerWheel(0)
        for deadline in deadlines:
            wheel.arm(wheel.allocate(None), deadline)
        fired = []
        now = 0
        for _ in range(10 * len(deadlines)):
            now = wheel.minimum()
            if now == 2**62:
                break
            for timer in drain(wheel, now):
                assert deadlines[timer] == now
                fired.append(timer)
        assert sorted(fired) == list(range(len(deadlines)))
