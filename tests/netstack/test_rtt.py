"""The retransmission time-out (RFC 6298) with a measurement for every acknowledgment."""

from __future__ import annotations

from fastzt.netstack.tcp.rtt import Rtt

MS = 1000
SECOND = 1_000_000


def estimate(trips: list[int], rounds: int = 1) -> Rtt:
    """An estimate after round trips in ms, each round made of all of them."""
    rtt = Rtt(200 * MS, 60 * SECOND)
    for _ in range(rounds):
        for trip in trips:
            rtt.sample(trip * MS, SECOND)
        rtt.round_over()
    return rtt


def test_before_the_first_sample() -> None:
    assert Rtt(200 * MS, 60 * SECOND).rto() == SECOND


def test_the_first_sample() -> None:
    """RFC 6298 2.2: SRTT = R, RTTVAR = R/2, RTO = SRTT + 4 RTTVAR."""
    rtt = estimate([300])
    assert (rtt.smoothed, rtt.variance) == (300 * MS, 150 * MS)
    assert rtt.rto() == 900 * MS


def test_a_steady_path_waits_a_little_longer_than_its_round_trip() -> None:
    rtt = estimate([100] * 20, rounds=60)
    assert rtt.smoothed == 100 * MS
    assert rtt.rto() == 300 * MS


def test_a_queue_that_fills_within_a_round_trip_is_followed() -> None:
    rtt = estimate([500] * 20, rounds=30)
    for trip in range(500, 1000, 10):
        rtt.sample(trip * MS, SECOND)
    assert rtt.smoothed > 850 * MS
    assert rtt.rto() > 1050 * MS


def test_a_jittery_path_keeps_its_variance_over_rounds() -> None:
    calm, nervous = estimate([100] * 30, 20), estimate([100, 300] + [110] * 28, 20)
    assert calm.variance < 1 * MS
    assert nervous.variance > 40 * MS
    assert nervous.rto() > 280 * MS


def test_shorter_round_trips_do_not_lengthen_the_time_out() -> None:
    rtt = estimate([400] * 20, rounds=40)
    before = rtt.rto()
    for _ in range(40):
        rtt.sample(100 * MS, SECOND)
        assert rtt.rto() <= before
    assert rtt.smoothed < 110 * MS


def test_back_off_and_its_end() -> None:
    rtt = estimate([100])
    first = rtt.rto()
    rtt.back_off()
    assert rtt.rto() == 2 * first
    for _ in range(40):
        rtt.back_off()
    assert rtt.rto() == 60 * SECOND
    rtt.recovered()
    assert rtt.rto() == first


def test_the_minimum_is_of_the_last_seconds() -> None:
    rtt = Rtt(200 * MS, 60 * SECOND)
    for second in range(1, 60):
        rtt.sample((5 if second < 20 else 50) * MS, second * SECOND)
        if second < 20:
            assert rtt.minimum == 5 * MS
        if second > 20 + 21:
            assert rtt.minimum == 50 * MS
