"""False alarms: DSACK (RFC 2883), Eifel detection (RFC 3522), RACK's window for reordering (RFC 8985)."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from fastzt.netstack.config import StackConfig
from fastzt.netstack.tcp.spurious import Spurious

from .bench import SECOND, Bench, Link, transfer
from .flow import Flow
from .test_fast_run import patched
from .wire import parse

MBIT = 125_000
MS = 1000


@dataclass
class Odd(Link):
    """Holds full packet number `held` (from 0) back by `hold` microseconds, and all until `stalled`."""

    hold: int = 0
    held: int = -1
    stalled: int = 0
    number: int = 0

    def arrivals(self, now: int, size: int, dice: random.Random) -> list[int]:
        at = super().arrivals(now, size, dice)
        if size > 1000:
            if self.number == self.held:
                at = [t + self.hold for t in at]
            self.number += 1
        return [max(t, self.stalled) for t in at]


def data(size: int) -> bytes:
    return random.Random(9).randbytes(size)


def test_a_duplicate_is_told_in_the_first_block() -> None:
    bench = Bench(Link(delay=1000))
    client, server, _ = bench.pair()
    sent: list[bytes] = []
    bench.spy = lambda side, packet: sent.append(packet)
    client.write(data(5000), bench.now)
    bench.run(SECOND)
    assert server.readable == 5000
    first = next(packet for packet in sent if parse(packet).payload)
    segment = parse(first)
    sent.clear()
    bench.b.take(first, bench.now)
    bench.b.stack.after_batch(bench.now)
    bench.transmit()
    (told,) = (parse(packet) for packet in sent)
    assert told.sack == [(segment.seq, segment.seq + len(segment.payload))]
    assert told.ack == (segment.seq + 5000) & 0xFFFFFFFF
    sent.clear()
    client.write(b"x", bench.now)
    bench.run(SECOND)
    assert all(not parse(packet).sack for packet in sent)  # told once


def test_a_duplicate_above_a_hole_is_told_before_the_runs() -> None:
    bench = Bench(Link(delay=1000), configs=(StackConfig(nodelay=True), StackConfig()))
    client, _, _ = bench.pair()
    sent: list[bytes] = []
    bench.spy = lambda side, packet: sent.append(packet)
    bench.a.egress.link.dark = True
    client.write(data(6000), bench.now)
    bench.transmit()
    segments = [packet for packet in sent if parse(packet).payload]
    sent.clear()
    for packet in (segments[2], segments[3], segments[2]):
        bench.b.take(packet, bench.now)
        bench.b.stack.after_batch(bench.now)
        bench.transmit()
    start, end = parse(segments[2]).seq, parse(segments[3]).seq + len(parse(segments[3]).payload)
    last = parse(sent[-1])
    assert last.sack == [(start, parse(segments[3]).seq), (start, end)]


@pytest.mark.parametrize("congestion", ["newreno", "cubic", "bbr"])
def test_a_packet_that_came_late_costs_no_window(congestion: str) -> None:
    """Held back for 12 of 40 ms: taken for lost, but its acknowledgment tells that it was not."""
    bench = Bench(Link(delay=20 * MS), config=StackConfig(congestion=congestion))
    bench.a.egress.link = Odd(delay=20 * MS, hold=12 * MS, held=40)
    client, server, _ = bench.pair()
    plain = Bench(Link(delay=20 * MS), config=StackConfig(congestion=congestion))
    other, sink, _ = plain.pair()
    sent = data(400_000)
    assert transfer(bench, client, server, sent, 60 * SECOND, close=False) == sent
    assert transfer(plain, other, sink, sent, 60 * SECOND, close=False) == sent
    assert client.tx.retransmitted == 1
    assert client.tx.recovery.reordered
    assert client.tx.controller.cwnd >= 0.9 * other.tx.controller.cwnd
    assert client.tx.controller.ssthresh == other.tx.controller.ssthresh


@pytest.mark.parametrize("congestion", ["newreno", "cubic", "bbr"])
def test_reordering_alone_costs_little(congestion: str) -> None:
    """3 % of the packets are up to half a round trip late: RACK learns to wait for them."""
    size = 10 * MBIT * 40 // 1000
    clean = Flow(Link(delay=20 * MS, rate=10 * MBIT, queue=size), congestion).run(6)
    late = Link(delay=20 * MS, rate=10 * MBIT, queue=size, reorder=0.03, reorder_delay=20 * MS)
    flow = Flow(late, congestion)
    assert flow.run(6) > 0.8 * clean
    before = flow.client.tx.retransmitted
    assert flow.client.tx.recovery.windows > 1
    flow.run(2)
    assert flow.client.tx.retransmitted - before < 20


def test_what_a_retransmission_overtook_is_no_duplicate_of_old() -> None:
    """Its timestamp is older than the one of what filled the hole."""
    path = {"delay": 20 * MS, "rate": 10 * MBIT, "queue": 10 * MBIT * 40 // 1000}
    flow = Flow(Link(**path, loss=0.01, reorder=0.05, reorder_delay=20 * MS), "cubic")
    flow.run(3)
    assert flow.client.tx.retransmitted > 5
    assert "tcp.stale_timestamp" not in flow.bench.b.stack.stats.as_dict()


@pytest.mark.parametrize(("late", "taken"), [(0, 100), (200, 100), (300, 0)])
def test_what_is_much_older_than_what_was_acknowledged_is_refused(late: int, taken: int) -> None:
    bench = Bench(Link(delay=10 * MS))
    client, server, _ = bench.pair()
    packets: list[bytes] = []
    bench.spy = lambda side, packet: packets.append(packet) if len(packet) > 100 else None
    client.write(bytes(100), bench.now)
    bench.run(SECOND)
    bench.a.egress.link.dark = True
    client.write(bytes(100), bench.now)
    bench.transmit()
    first, second = packets
    clock = int.from_bytes(first[44:48], "big") - late
    bench.b.take(patched(second, 24, clock.to_bytes(4, "big")), bench.now)
    assert server.readable == 100 + taken


def test_acknowledgments_out_of_order_tell_of_no_duplicates() -> None:
    """The SACK blocks of an old one lie below what is acknowledged now."""
    flow = Flow(Link(delay=20 * MS, rate=10 * MBIT, queue=10 * MBIT * 40 // 1000, loss=0.02), "cubic")
    back = flow.bench.b.egress.link
    back.loss, back.reorder, back.reorder_delay = 0.0, 0.2, 20 * MS
    flow.run(3)
    assert flow.client.tx.retransmitted > 20
    assert flow.client.tx.recovery.windows == 1


@pytest.mark.parametrize("congestion", ["newreno", "cubic", "bbr"])
def test_a_spike_of_delay_is_no_loss(congestion: str) -> None:
    """The path stops for 0.6 s: the timer goes off, then everything arrives, and nothing is sent again."""
    path = {"delay": 20 * MS, "rate": 10 * MBIT, "queue": 100_000}
    flow = Flow(Link(**path), congestion)
    flow.bench.a.egress.link = odd = Odd(**path)
    flow.run(2)
    tx = flow.client.tx
    window, retransmitted, flight = tx.controller.cwnd, tx.retransmitted, tx.queue.pipe()
    odd.stalled = flow.bench.now + 600 * MS
    flow.run(0.7)
    assert 1 <= tx.retransmitted - retransmitted <= 3
    assert tx.recovery.mode == 0
    assert flight > 20_000
    assert tx.controller.cwnd >= 0.8 * window
    assert flow.run(1) > 8


def test_a_path_that_is_longer_is_learned() -> None:
    """The least round trip is that of the last seconds: half a round trip of reordering stays tolerable."""
    flow = Flow(Link(delay=1 * MS, rate=10 * MBIT, queue=100_000), "cubic")
    flow.run(1)
    assert flow.client.tx.rtt.minimum < 10 * MS
    flow.link.delay = 40 * MS
    flow.run(22)
    assert flow.client.tx.rtt.minimum >= 40 * MS


def test_the_oldest_segment_gets_a_whole_timeout_when_it_is_sent_again() -> None:
    """A queue of three round trips: the copy of what was lost waits in it longer than the time-out lasts."""
    flow = Flow(Link(delay=50 * MS, rate=4 * MBIT, queue=4 * MBIT * 3 // 10), "cubic")
    flow.run(8)
    assert flow.client.tx.retransmitted > 10
    assert flow.client.tx.rtt.backoff == 0
    assert flow.client.tx.controller.cwnd > 20_000
    assert flow.run(4) > 3.5


def test_spurious_by_timestamps() -> None:
    alarm = Spurious()

    def told(repaired: bool, clear: bool, over: bool, echoed_at: int) -> bool:
        return alarm.on_advance(repaired, clear, over, echoed_at)

    assert not told(True, True, True, 5 * MS)  # no episode
    alarm.begin(1000, 9000)
    alarm.on_copy(1000, 1000, 20 * MS)
    assert not told(False, False, False, 30 * MS)  # says nothing about the copy
    assert not told(True, False, False, 19 * MS)  # there are other holes
    assert told(True, True, False, 19 * MS)
    assert not told(True, True, True, 19 * MS)  # once
    alarm.begin(1000, 9000)
    alarm.on_copy(1000, 1000, 20 * MS)
    assert not told(True, True, False, 20 * MS)  # the copy's own time: it was of use
    assert not told(True, True, True, 19 * MS)
    alarm.begin(1000, 9000)
    assert told(False, True, True, -1)  # no copy has left: nothing was lost
    alarm.begin(1000, 9000)
    alarm.on_copy(1000, 1000, 20 * MS)
    assert not told(True, True, True, -1)


def test_spurious_by_duplicates() -> None:
    alarm = Spurious()
    alarm.begin(1000, 9000)
    alarm.on_copy(3000, 1000, 20 * MS)
    assert not alarm.on_dsack(0, 1000, 1000)  # of an earlier episode
    assert not alarm.on_dsack(1000, 3000, 1000)
    assert alarm.on_dsack(3000, 4000, 1000)
    assert not alarm.on_dsack(4000, 5000, 1000)
