"""NewReno, CUBIC (RFC 9438) and HyStart++ (RFC 9406), fed acknowledgment by acknowledgment."""

from __future__ import annotations

import pytest

from fastzt.netstack.tcp.congestion.base import Controller
from fastzt.netstack.tcp.congestion.cubic import Cubic
from fastzt.netstack.tcp.congestion.hystart import HyStart
from fastzt.netstack.tcp.congestion.newreno import NewReno
from fastzt.netstack.tcp.congestion.registry import CONTROLLERS, check, make
from fastzt.netstack.tcp.congestion.sample import RateSample
from fastzt.node.config import NodeConfig

from .bench import Bench, Link

MSS = 1000
MS = 1000
SECOND = 1_000_000


class Path:
    """Acknowledges a window each round trip, two segments at a time, and keeps the clock."""

    def __init__(self, controller: Controller, rtt: int = 100 * MS) -> None:
        self.controller = controller
        self.rtt = rtt
        self.now = 1_000 * SECOND
        self.sample = RateSample()
        self.sample.limited = True

    def ack(self, n: int = 2 * MSS, rtt: int | None = None, window: int | None = None) -> None:
        s = self.sample
        s.acked = n
        s.rtt = s.smoothed = self.rtt if rtt is None else rtt
        s.delivered += n
        s.since = s.in_flight = self.controller.cwnd if window is None else window
        self.controller.on_ack(s, self.now)

    def round(self, rtt: int | None = None) -> None:
        """One window in one round trip."""
        window = self.controller.cwnd
        begin = self.now
        for done in range(0, window, 2 * MSS):
            n = min(2 * MSS, window - done)
            self.now = begin + (self.rtt if rtt is None else rtt) * (done + n) // window
            self.ack(n, rtt=rtt, window=window)

    def lose(self) -> None:
        """A loss, and its repair."""
        self.controller.on_loss(self.controller.cwnd, self.now)
        self.now += self.rtt
        self.controller.on_recovered(False, self.now)

    def segments(self) -> float:
        return self.controller.cwnd / MSS


@pytest.mark.parametrize("name", ["newreno", "cubic"])
def test_slow_start_doubles_and_an_unused_window_does_not_grow(name: str) -> None:
    path = Path(make(name, MSS))
    path.round()
    path.round()
    assert path.segments() == 40
    path.sample.limited = False
    path.round()
    assert path.segments() == 40


def test_newreno_adds_a_segment_a_round_and_halves() -> None:
    path = Path(NewReno(MSS))
    path.controller.on_loss(40 * MSS, path.now)
    path.controller.on_recovered(False, path.now)
    assert path.segments() == 20
    for _ in range(10):
        path.round()
    assert path.segments() == 30
    path.controller.on_timeout(30 * MSS, path.now)
    assert (path.segments(), path.controller.ssthresh) == (1, 15 * MSS)


@pytest.mark.parametrize("name", ["newreno", "cubic"])
def test_a_spurious_episode_changes_nothing(name: str) -> None:
    path = Path(make(name, MSS))
    path.round()
    path.lose()
    for _ in range(40):
        path.round()
    before, threshold = path.controller.cwnd, path.controller.ssthresh
    path.controller.on_timeout(before, path.now)
    assert path.controller.cwnd == MSS
    path.controller.on_undo(path.now)
    assert path.controller.cwnd == before
    assert threshold <= path.controller.ssthresh <= before
    path.round()
    assert before < path.controller.cwnd < 1.2 * before


def test_cubic_is_back_after_k() -> None:
    """Figure 2 of RFC 9438: K = cubic_root(W_max (1 - beta) / C), and W_cubic(K) = W_max."""
    path = Path(Cubic(MSS))
    path.controller.cwnd = path.controller.ssthresh = 1000 * MSS
    path.lose()
    assert path.segments() == 700
    begun = path.now
    path.round()
    k = (1000 * 0.3 / 0.4) ** (1 / 3)
    assert path.controller.k == pytest.approx(k)  # type: ignore[attr-defined]
    seen = {}
    while path.now < begun + 2 * k * SECOND:
        path.round()
        seen[round((path.now - begun) / SECOND, 1)] = path.segments()
    assert seen[round(k, 1)] == pytest.approx(1000, rel=0.01)
    # Concave before, flat around, convex behind; at 2 K as far above as the loss had thrown it below.
    assert seen[round(k / 2, 1)] == pytest.approx(1000 - 0.4 * (k / 2) ** 3, rel=0.02)
    assert seen[round(2 * k - 0.2, 1)] == pytest.approx(1000 + 0.4 * (k - 0.2) ** 3, rel=0.03)


def test_cubic_is_as_fast_as_reno_on_a_short_path() -> None:
    """Section 4.3: 1 ms of round trip leaves the cubic no time, W_est grows by 0.53 segments a round."""
    path = Path(Cubic(MSS), rtt=1 * MS)
    path.controller.cwnd = path.controller.ssthresh = 100 * MSS
    path.lose()
    for _ in range(40):
        path.round()
    assert path.segments() == pytest.approx(70 + 40 * 3 * 0.3 / 1.7, rel=0.03)


def test_cubic_converges_fast_when_others_come() -> None:
    """Section 4.7: a loss below the last W_max means that there is less for us."""
    path = Path(Cubic(MSS))
    path.controller.cwnd = path.controller.ssthresh = 100 * MSS
    path.lose()
    path.lose()
    assert path.segments() == 49
    assert path.controller.w_max == pytest.approx(70 * 1.7 / 2)  # type: ignore[attr-defined]


def test_time_in_which_the_window_is_not_used_does_not_count() -> None:
    """Section 5.8."""
    used, paused = Path(Cubic(MSS)), Path(Cubic(MSS))
    for path in (used, paused):
        path.controller.cwnd = path.controller.ssthresh = 200 * MSS
        path.lose()
        path.round()
    paused.sample.limited = False
    for _ in range(100):
        paused.round()
    paused.sample.limited = True
    for path in (used, paused):
        for _ in range(20):
            path.round()
    assert paused.segments() == pytest.approx(used.segments(), rel=0.01)


def rounds(start: HyStart, sample: RateSample, trips: list[int], acks: int = 10) -> list[int]:
    """Rounds of `acks` acknowledgments each, by their round trips in ms; what the window may grow by."""
    grown = []
    for rtt in trips:
        begin = sample.delivered
        total = 0
        for _ in range(acks):
            sample.delivered += 100
            sample.since = sample.delivered - begin
            sample.acked = 100
            sample.rtt = rtt * MS
            total += start.allowed(sample)
        grown.append(total)
    return grown


def test_hystart_slows_down_when_the_round_trip_grows() -> None:
    start, sample = HyStart(), RateSample()
    # 48 ms: an eighth of it is 6 ms. The eighth sample of the round that is longer slows down to a quarter.
    assert rounds(start, sample, [48, 53, 48]) == [1000] * 3
    assert not start.cautious
    assert rounds(start, sample, [54]) == [7 * 100 + 3 * 25]
    assert start.cautious
    assert rounds(start, sample, [54] * 4) == [250] * 4
    assert not start.is_over
    rounds(start, sample, [54], 1)
    assert start.is_over


def test_hystart_goes_back_when_the_delay_was_none_of_ours() -> None:
    start, sample = HyStart(), RateSample()
    rounds(start, sample, [40, 50, 50])
    assert start.cautious
    rounds(start, sample, [41])
    assert not start.cautious
    assert rounds(start, sample, [42]) == [1000]


@pytest.mark.parametrize(
    ("trips", "acks", "slows"),
    [
        ([10, 13], 10, False),  # 4 ms at least, though an eighth is less
        ([10, 14], 10, True),
        ([400, 415], 10, False),  # 16 ms at most, though an eighth is more
        ([400, 416], 10, True),
        ([40, 60], 7, False),  # too few samples
        ([40, 60], 8, True),
    ],
)
def test_hystart_ignores_little_and_few(trips: list[int], acks: int, slows: bool) -> None:
    start, sample = HyStart(), RateSample()
    rounds(start, sample, trips, acks)
    assert start.cautious == slows


@pytest.mark.parametrize("name", ["newreno", "cubic"])
def test_hystart_ends_the_first_slow_start_only(name: str) -> None:
    path = Path(make(name, MSS))
    for rtt in (40, 40, 60, 60, 60, 60, 60, 60, 60):
        path.round(rtt * MS)
    left = path.controller.ssthresh
    assert left < 1 << 30
    path.controller.on_timeout(path.controller.cwnd, path.now)
    for rtt in (40, 80, 160, 320):  # below ssthresh it doubles whatever the round trip does
        path.round(rtt * MS)
    assert path.segments() == 16


def test_the_pace_leaves_room_to_grow() -> None:
    path = Path(Cubic(MSS))
    path.round()
    assert path.controller.pacing_rate == pytest.approx(2.0 * path.controller.cwnd * 10, rel=0.1)
    path.lose()
    path.round()
    assert path.controller.pacing_rate == pytest.approx(1.2 * path.controller.cwnd * 10, rel=0.1)


def test_the_configuration_refuses_an_unknown_name() -> None:
    with pytest.raises(ValueError, match="no congestion control 'vegas'"):
        NodeConfig(congestion="vegas")


def test_an_option_of_connect_and_listen() -> None:
    bench = Bench(Link(delay=1 * MS))
    client, server, _ = bench.pair(congestion="bbr")
    assert client.get_option("congestion") == server.get_option("congestion") == "bbr"
    with pytest.raises(ValueError, match="vegas"):
        client.set_option("congestion", "vegas", bench.now)
    assert client.get_option("congestion") == "bbr"


def test_names() -> None:
    assert sorted(CONTROLLERS) == ["bbr", "cubic", "newreno"]
    assert check("reno") == "newreno"
    with pytest.raises(ValueError, match="'vegas': there are bbr, cubic, newreno"):
        check("vegas")
    for name in CONTROLLERS:
        assert make(name, MSS).cwnd == 10 * MSS
