"""The clock: monotonic, in microseconds, and its offset to the time of day."""

from __future__ import annotations

import time

from fastzt.io.clock import monotonic_us, wall_offset_ms


def test_clock_agrees_with_the_system() -> None:
    before = time.monotonic_ns() // 1000
    now = monotonic_us()
    assert before <= now <= time.monotonic_ns() // 1000


def test_offset_gives_the_time_of_day() -> None:
    before = time.time_ns() // 1_000_000
    wall = monotonic_us() // 1000 + wall_offset_ms()
    assert before - 1 <= wall <= time.time_ns() // 1_000_000 + 1
