"""Pacing: bursts of a millisecond, no timer for whoever stays below the rate, and late timers forgiven."""

from __future__ import annotations

from collections import Counter

import pytest

from fastzt.netstack.tcp.pacer import Pacer

from .bench import Link
from .flow import Flow

MBIT = 125_000
MS = 1000


def drive(pacer: Pacer, rate: float, step: int, late: int = 0, n: int = 1000, until: int = 1_000_000) -> int:
    """Send `n` bytes whenever allowed, asking every `step`, and waking `late` after `resume_at`."""
    now, sent = 5_000_000, 0
    end = now + until
    while now < end:
        if pacer.resume_at > now:
            now = pacer.resume_at + late
            continue
        pacer.sent(n, rate, now)
        sent += n
        now += step
    return sent


@pytest.mark.parametrize("late", [0, 200, 1000])
@pytest.mark.parametrize("rate", [1e5, 1e6, 25e6, 125e6])
def test_the_rate_is_kept_whatever_the_timers_do(rate: float, late: int) -> None:
    assert drive(Pacer(), rate, 0, late) == pytest.approx(rate, rel=0.03)


def test_a_sender_below_the_rate_is_never_stopped() -> None:
    pacer = Pacer()
    drive(pacer, 2e6, 1000)  # 1000 bytes a millisecond, half the rate
    assert pacer.resume_at == 0
    pacer = Pacer()
    drive(pacer, 1e12, 1, n=65536)
    assert pacer.resume_at == 0
    pacer.sent(1 << 20, 0.0, 1)  # no rate, no pacing
    assert pacer.resume_at == 0


def test_bursts_are_short_and_idleness_saves_nothing_up() -> None:
    pacer, now = Pacer(), 1_000_000
    burst = 0
    while pacer.resume_at <= now:
        pacer.sent(1000, 10e6, now)
        burst += 1000
    assert burst <= 10e6 * 0.0021
    now += 10_000_000
    again = 0
    while pacer.resume_at <= now:
        pacer.sent(1000, 10e6, now)
        again += 1000
    assert again <= burst


@pytest.mark.parametrize("congestion", ["cubic", "bbr"])
def test_a_paced_flow_spreads_its_window(congestion: str) -> None:
    flow = Flow(Link(delay=20 * MS, rate=20 * MBIT, queue=200_000), congestion)
    flow.run(1)
    at: Counter[int] = Counter()
    flow.bench.spy = lambda side, packet: at.update({flow.bench.now: len(packet)} if side == 0 else {})
    assert flow.run(1) > 17
    bursts = sorted(at.values())
    assert bursts[-1] <= 2.2 * flow.bbr.pacing_rate / 1000
    assert len(bursts) > 400
