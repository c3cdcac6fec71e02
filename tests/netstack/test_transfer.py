"""Bulk transfer over good and bad links: everything arrives intact, and the same way each time for a seed."""

from __future__ import annotations

import hashlib
import random

import pytest

from fastzt.netstack.config import StackConfig

from .bench import SECOND, A, B, Bench, Link, transfer

MIB = 1 << 20


def data(size: int, seed: int = 7) -> bytes:
    return random.Random(seed).randbytes(size)


def run(size: int, link: Link, seed: int = 1, **settings: object) -> tuple[Bench, bytes, bytes, int]:
    bench = Bench(link, seed=seed, config=StackConfig(**settings))  # type: ignore[arg-type]
    client, server, _ = bench.pair()
    begun = bench.now
    sent = data(size)
    received = transfer(bench, client, server, sent, 3600 * SECOND)
    return bench, sent, received, bench.now - begun


def test_sixteen_mebibytes_through_loss_reordering_and_duplication() -> None:
    link = Link(delay=40_000, loss=0.05, reorder=0.02, duplicate=0.01)
    bench, sent, received, took = run(16 * MIB, link)
    assert hashlib.sha256(received).digest() == hashlib.sha256(sent).digest()
    assert bench.lost > 500
    # 16 MiB at 1.22 mss / (rtt sqrt(p)), the throughput of Reno at this loss, with room for the seed.
    assert took < 500 * SECOND


@pytest.mark.parametrize("congestion", ["cubic", "newreno"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_bad_link_by_congestion_control_and_seed(seed: int, congestion: str) -> None:
    link = Link(delay=40_000, loss=0.05, reorder=0.02, duplicate=0.01)
    _, sent, received, _ = run(MIB, link, seed, congestion=congestion)
    assert received == sent


def test_the_same_seed_gives_the_same_packets() -> None:
    link = Link(delay=10_000, loss=0.03, reorder=0.05, duplicate=0.05)
    first, _, _, took = run(MIB // 2, link, 9)
    second, _, _, again = run(MIB // 2, link, 9)
    assert (took, first.count, first.lost) == (again, second.count, second.lost)


def test_a_good_link_needs_no_retransmission() -> None:
    bench = Bench(Link(delay=20_000))
    client, server, _ = bench.pair()
    sent = data(4 * MIB)
    assert transfer(bench, client, server, sent, 60 * SECOND) == sent
    assert client.tx.retransmitted == 0
    assert bench.b.stack.stats.as_dict() == {}


@pytest.mark.parametrize("mtu", [1280, 1394, 2800, 576])
def test_segments_fit_the_room_of_either_end(mtu: int) -> None:
    bench = Bench(Link(delay=1000, mtu=mtu))
    bench.b.egress.link.mtu = 1000
    client, server, _ = bench.pair()
    assert client.tx.mss == min(mtu, 1000) - 52
    sent = data(100_000)
    assert transfer(bench, client, server, sent, 60 * SECOND) == sent


def test_both_directions_at_once_under_loss() -> None:
    bench = Bench(Link(delay=5_000, loss=0.02, reorder=0.02), seed=4)
    client, server, _ = bench.pair()
    there, back = data(300_000, 1), data(300_000, 2)
    got = {client: bytearray(), server: bytearray()}
    left = {client: memoryview(there), server: memoryview(back)}
    buffer = bytearray(65536)

    def pump() -> bool:
        for end in (client, server):
            left[end] = left[end][end.write(left[end], bench.now) :]
            while n := end.read_into(buffer, bench.now):
                got[end] += buffer[:n]
        return len(got[client]) == len(back) and len(got[server]) == len(there)

    assert bench.run(300 * SECOND, pump)
    assert got[server] == there
    assert got[client] == back


def test_a_small_receive_window_is_respected_and_reopened() -> None:
    bench = Bench(Link(delay=1000), configs=(StackConfig(), StackConfig(receive_buffer=8192)))
    client, server, _ = bench.pair()
    sent = data(100_000)
    client.write(sent, bench.now)
    bench.run(2 * SECOND)
    assert 8192 - client.tx.mss < server.readable <= 8192
    assert client.tx.window < client.tx.mss
    assert transfer(bench, client, server, b"", 60 * SECOND) == sent


def test_a_room_that_shrinks_recuts_the_segments() -> None:
    bench = Bench(Link(delay=1000))
    client, server, _ = bench.pair()
    assert client.tx.mss == 1342
    bench.a.egress.link.mtu = 1200
    sent = data(200_000)
    assert transfer(bench, client, server, sent, 60 * SECOND) == sent
    assert client.tx.mss == 1200 - 52


def test_an_egress_with_little_room_gets_it_in_turns() -> None:
    bench = Bench(Link(delay=1000))
    client, server, _ = bench.pair()
    client.write(data(20_000), bench.now)
    bench.a.egress.budget = 3
    assert bench.a.transmit(bench.now)
    assert not bench.a.transmit(bench.now)
    assert bench.a.egress.budget == 0
    bench.a.egress.budget = 1 << 30
    assert bench.run(SECOND, lambda: server.readable == 20_000)


def test_timers_are_given_back() -> None:
    bench = Bench(Link(delay=1000))
    client, server, listener = bench.pair()
    sent = data(10_000)
    assert transfer(bench, client, server, sent, 60 * SECOND) == sent
    server.close(bench.now)
    client.close(bench.now)
    listener.close(bench.now)
    bench.run(200 * SECOND)
    assert bench.wheel.armed == 0
    assert len(bench.a.stack.flows) == len(bench.b.stack.flows) == 0
    assert len(bench.a.sockets) == len(bench.b.sockets) == 0


@pytest.mark.parametrize("congestion", ["cubic", "newreno", "bbr"])
@pytest.mark.parametrize(
    "link",
    [
        Link(delay=2_000),
        Link(delay=10_000, loss=0.01, reorder=0.02),
        Link(delay=3_000, rate=30_000_000, queue=60_000),
    ],
    ids=["good", "bad", "narrow"],
)
@pytest.mark.parametrize("v6", [False, True], ids=["IPv4", "IPv6"])
def test_segments_sent_together_are_those_sent_one_by_one(link: Link, congestion: str, v6: bool) -> None:
    """The same packets at the same times."""
    streams: list[list[tuple[int, bytes]]] = []
    for repeats in (True, False):
        config = StackConfig(congestion=congestion)
        addresses = (bytes([0xFD, *range(15)]), bytes([0xFD, *range(14), 99])) if v6 else (A, B)
        bench = Bench(Link(**vars(link)), config=config, addresses=addresses)
        for side in bench.sides:
            side.egress.repeats = repeats
        client, server, _ = bench.pair()
        packets: list[tuple[int, bytes]] = []
        streams.append(packets)
        bench.spy = lambda side, packet, to=packets, bench=bench: to.append((bench.now, packet))  # type: ignore[misc]
        sent = data(MIB)
        assert transfer(bench, client, server, sent, 60 * SECOND) == sent
        assert (bench.a.egress.repeated > 5) == repeats
    assert streams[0] == streams[1]
