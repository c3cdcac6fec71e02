"""BBR (draft-ietf-ccwg-bbr): its states and its model over links of a known rate; cases of the draft."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from fastzt.netstack.config import StackConfig
from fastzt.netstack.tcp.congestion.bbr import Bbr
from fastzt.netstack.tcp.congestion.sample import RateSample

from .bench import SECOND, Bench, Link, transfer
from .flow import Flow

STARTUP, DRAIN, DOWN, CRUISE, REFILL, UP, PROBE_RTT = range(7)
MBIT = 125_000
DELAY = 20_000  # one way
TRIP = 2 * DELAY
MSS = 1342
GOODPUT = MSS / 1394  # of a link's bytes


def link(rate: float = 8, queue: float = 1.0, **more: float) -> Link:
    """`rate` in Mbit/s, `queue` in bandwidth-delay products."""
    volume = int(queue * rate * MBIT * TRIP / SECOND)
    return Link(delay=DELAY, rate=int(rate * MBIT), queue=max(volume, 4 * 1394), **more)  # type: ignore[arg-type]


def mbit(rate: float) -> float:
    return rate / MBIT


def test_startup_ends_on_a_plateau_and_drains() -> None:
    flow = Flow(link(8, queue=4))
    flow.run(1.5)
    order = [mode for _, mode in flow.modes]
    assert order[:2] == [STARTUP, DRAIN]
    assert set(order[2:]) <= {DOWN, CRUISE}  # DOWN lasts no longer than an ACK when the queue is gone
    assert order[-1] == CRUISE
    assert flow.client.tx.retransmitted == 0
    assert mbit(flow.bbr.max_bw) == pytest.approx(8 * GOODPUT, rel=0.03)
    assert flow.bbr.min_rtt == pytest.approx(TRIP, rel=0.05)
    # Drained: no more in flight than the path holds.
    assert flow.client.tx.queue.pipe() <= 1.3 * 8 * MBIT * TRIP / SECOND
    assert mbit(flow.bbr.pacing_rate) == pytest.approx(0.99 * 8 * GOODPUT, rel=0.03)


def test_bandwidth_is_probed_in_turns_and_the_link_is_filled() -> None:
    flow = Flow(link(8))
    assert flow.run(1) > 4
    assert flow.run(9) > 0.93 * 8 * GOODPUT
    ups = flow.spans(UP)
    assert len(ups) >= 3
    # T_probe: 2 to 3 s, but no longer than a Reno flow takes to fill this path: 30 round trips.
    assert all(25 * 0.04 < later[0] - earlier[1] < 40 * 0.04 for earlier, later in pairwise(ups))
    order = [mode for _, mode in flow.modes]
    for i, mode in enumerate(order):
        if mode == UP:
            assert order[i - 1] == REFILL
            assert order[i + 1 : i + 2] in ([], [DOWN], [PROBE_RTT])


def test_probe_rtt_comes_after_five_seconds_and_is_short() -> None:
    flow = Flow(link(4))
    flow.run(8)
    ((begin, end),) = flow.spans(PROBE_RTT)
    assert begin == pytest.approx(5, abs=0.5)
    assert 0.2 <= end - begin < 0.45
    assert flow.modes[[m for _, m in flow.modes].index(PROBE_RTT) + 1][1] == CRUISE


def test_a_silent_application_spares_the_path_probe_rtt() -> None:
    flow = Flow(link(4))
    flow.run(1)
    flow.source, flow.written = 1, int(flow.time) + 1  # nothing to write from now on
    flow.run(5)
    flow.source = 0
    flow.run(1)
    assert not flow.spans(PROBE_RTT)


def test_ten_times_the_bandwidth_is_found() -> None:
    flow = Flow(link(1, queue=4))
    flow.run(3)
    flow.link.rate *= 10
    flow.link.queue *= 10
    flow.run(9)
    assert mbit(flow.bbr.max_bw) > 8
    assert flow.run(1) > 8


def test_a_tenth_of_the_bandwidth_is_accepted() -> None:
    flow = Flow(link(10))
    flow.run(3)
    flow.link.rate //= 10
    flow.link.queue //= 10
    flow.run(8)
    assert mbit(flow.bbr.bw) < 1.1
    assert flow.run(4) > 0.8 * GOODPUT


def test_an_application_that_limits_itself_stays_in_startup() -> None:
    flow = Flow(link(8))
    flow.source = MBIT // 2
    rate = flow.run(4)
    assert {mode for _, mode in flow.modes} == {STARTUP}
    assert not flow.bbr.full_bw_reached
    assert rate == pytest.approx(0.5, rel=0.05)
    assert flow.client.tx.queue.app_limited


def test_startup_ends_on_losses_that_say_too_much() -> None:
    """A buffer of a tenth: the rate still grows when every round loses far more than 2 %."""
    flow = Flow(link(20, queue=0.1))
    flow.run(2)
    assert flow.bbr.full_bw_reached
    assert flow.bbr.inflight_longterm < 1 << 40
    assert flow.run(6) > 0.8 * 20 * GOODPUT


@pytest.mark.parametrize(("loss", "share"), [(0.005, 0.85), (0.01, 0.75), (0.05, 0.2)])
def test_random_losses_cost_little_below_the_threshold(loss: float, share: float) -> None:
    flow = Flow(link(8, loss=loss), seed=5)
    flow.run(1)
    assert flow.run(9) > share * 8 * GOODPUT


def test_little_in_flight_on_a_tiny_path() -> None:
    """The path holds less than a segment: four are in flight, and it is full."""
    flow = Flow(Link(delay=500, rate=MBIT // 2, queue=20 * 1394))
    flow.run(2)
    assert flow.run(4) > 0.95 * 0.5 * GOODPUT
    assert flow.bbr.cwnd <= 8 * MSS


def test_after_idleness_the_model_is_as_it_was() -> None:
    flow = Flow(link(8))
    flow.run(2)
    before, window = flow.bbr.bw, flow.bbr.cwnd
    flow.bench.run(2 * SECOND)
    flow.write()
    assert flow.bbr.bw == pytest.approx(before, rel=0.01)
    assert flow.bbr.cwnd > window // 2
    assert flow.run(1) > 0.85 * 8 * GOODPUT


def test_after_a_timeout_the_window_is_back_at_once() -> None:
    flow = Flow(link(8))
    flow.run(2)
    flow.link.dark = True
    flow.run(2)
    assert flow.bbr.cwnd == MSS
    flow.link.dark = False
    flow.run(2.5)
    assert flow.run(2) > 0.85 * 8 * GOODPUT


def sample(delivered: int, since: int, rate: float, in_flight: int) -> RateSample:
    made = RateSample()
    made.acked = 2 * MSS
    made.rtt = made.smoothed = TRIP
    made.delivered, made.since, made.rate = delivered, since, rate
    made.in_flight = made.sent_in_flight = in_flight
    made.limited = True
    return made


def filled(rounds: int = 8) -> tuple[Bbr, int, int]:
    """A controller whose path is full at 1 MB/s: (controller, bytes delivered, now)."""
    bbr, delivered, now = Bbr(MSS), 0, SECOND
    for _ in range(rounds):
        begin = delivered
        for _ in range(15):
            delivered += 2 * MSS
            now += TRIP // 15
            bbr.on_ack(sample(delivered, delivered - begin, 1e6, 60_000), now)
    return bbr, delivered, now


def test_losses_while_cruising_lower_the_short_term_bounds_only() -> None:
    bbr, delivered, now = filled(14)
    while bbr.mode != CRUISE:
        delivered += 2 * MSS
        now += 2000
        bbr.on_ack(sample(delivered, 40_000, 1e6, 20_000), now)
    for i in range(3):  # rounds
        bbr.on_lost(2 * i * MSS, (2 * i + 1) * MSS, 40_000, MSS, False, now)
        for _ in range(16):
            delivered += 2 * MSS
            now += 2000
            bbr.on_ack(sample(delivered, 40_000, 0.9e6, 20_000), now)
    assert bbr.bw_shortterm == pytest.approx(0.9e6)
    assert bbr.bw == pytest.approx(0.9e6)
    assert bbr.max_bw == pytest.approx(1e6)
    assert bbr.inflight_longterm == 1 << 60


def test_a_false_alarm_in_startup_goes_back_to_startup() -> None:
    bbr, delivered, now = filled(2)
    assert bbr.mode == STARTUP
    now += 1000
    bbr.on_loss(60_000, now)
    for i in range(8):  # ranges that do not touch
        bbr.on_lost(2 * i * MSS, (2 * i + 1) * MSS, 60_000, (i + 1) * MSS, False, now)
    for _ in range(60):
        delivered += 2 * MSS
        now += 1500
        lossy = sample(delivered, 40_000, 1e6, 50_000)
        lossy.lost, lossy.repairing = 8 * MSS, True
        bbr.on_ack(lossy, now)
        if bbr.mode != STARTUP:
            break
    assert bbr.full_bw_reached
    assert bbr.inflight_longterm < 1 << 60
    bbr.on_undo(now)
    assert (bbr.mode, bbr.full_bw_reached, bbr.inflight_longterm) == (STARTUP, False, 1 << 60)


def test_another_controller_hands_its_window_over() -> None:
    flow = Flow(link(8), "cubic")
    flow.run(2)
    window = flow.client.tx.controller.cwnd
    flow.client.set_option("congestion", "bbr", flow.bench.now)
    assert flow.client.get_option("congestion") == "bbr"
    assert isinstance(flow.bbr, Bbr)
    assert flow.bbr.cwnd == window
    assert flow.run(4) > 0.85 * 8 * GOODPUT
    flow.client.set_option("congestion", "reno", flow.bench.now)
    assert flow.client.get_option("congestion") == "newreno"
    assert flow.run(4) > 0.85 * 8 * GOODPUT


def test_a_path_without_delay_has_a_rate() -> None:
    bench = Bench(config=StackConfig(congestion="bbr"))
    client, server, _ = bench.pair()
    sent = random.Random(4).randbytes(1 << 20)
    assert transfer(bench, client, server, sent, SECOND) == sent
    assert client.tx.controller.max_bw > 1e9
