"""Small writes while data is in flight: kept back for a full batch, never longer than half a millisecond."""

from __future__ import annotations

from collections import Counter
from typing import Any

from fastzt.netstack.tcp.connection import Connection

from .bench import Bench, Link
from .flow import Flow

MS = 1000
PIECE = bytes(1024)


def pair(**options: Any) -> tuple[Bench, Connection, Connection, list[int]]:
    """A connection over 20 ms, its window open, one segment in flight; what a sends from now on."""
    bench = Bench(Link(delay=10 * MS))
    client, server, _ = bench.pair()
    for name, value in options.items():
        client.set_option(name, value, bench.now)
    for _ in range(4):
        client.write(bytes(200_000), bench.now)
        bench.run(100 * MS)
        while server.read_into(bytearray(1 << 20), bench.now):
            pass
    bench.run(100 * MS)
    client.write(PIECE, bench.now)
    bench.transmit()
    lengths: list[int] = []
    bench.spy = lambda side, packet: lengths.append(len(packet)) if side == 0 else None
    return bench, client, server, lengths


def test_a_batch_leaves_when_it_is_full() -> None:
    bench, client, _, lengths = pair()
    mss = client.tx.mss
    written = 0
    while not lengths and written < 100 * mss:
        written += client.write(PIECE, bench.now)
        bench.transmit()
    assert 45 * mss <= written < 45 * mss + 2048
    assert len(lengths) > 30  # the pacer keeps the rest of it back


def test_half_a_millisecond_is_enough() -> None:
    bench, client, _, lengths = pair()
    for _ in range(4):
        client.write(PIECE, bench.now)
        bench.transmit()
        bench.run(100)
    assert client.held
    assert not lengths
    bench.run(99)
    assert not lengths
    bench.run(1)
    assert len(lengths) == 4096 // client.tx.mss
    assert not client.held


def test_an_acknowledgment_lets_it_go() -> None:
    bench, client, _, lengths = pair()
    client.set_option("nodelay", 1, bench.now)
    client.write(PIECE, bench.now)  # two segments are acknowledged at once
    bench.transmit()
    client.set_option("nodelay", 0, bench.now)
    lengths.clear()
    bench.run(20 * MS - 100)
    client.write(bytes(5000), bench.now)
    assert client.held
    bench.transmit()
    assert not lengths
    assert bench.run(200, until=lambda: len(lengths) > 0)
    assert not client.held


def test_a_writer_that_waits_pushes_it() -> None:
    bench, client, _, lengths = pair()
    client.write(bytes(5000), bench.now)
    bench.transmit()
    assert not lengths
    client.push(bench.now)
    bench.transmit()
    assert len(lengths) == 5000 // client.tx.mss
    client.push(bench.now)
    assert not client.held


def test_nothing_waits_without_delay_or_at_the_end() -> None:
    bench, client, _, lengths = pair(nodelay=1)
    client.write(PIECE, bench.now)
    bench.transmit()
    assert len(lengths) == 1
    bench, client, _, lengths = pair()
    client.write(bytes(5000), bench.now)
    client.shutdown_write(bench.now)
    bench.transmit()
    assert len(lengths) == 5000 // client.tx.mss + 1


def test_the_first_piece_leaves_at_once() -> None:
    bench = Bench(Link(delay=10 * MS))
    client, server, _ = bench.pair()
    client.write(PIECE, bench.now)
    bench.run(11 * MS)
    assert server.readable == len(PIECE)


def test_what_may_join_it() -> None:
    bench, client, _, _ = pair()
    assert not client.may_keep_back(1), "nothing is kept back yet"
    client.write(PIECE, bench.now)
    assert client.may_keep_back(1024)
    room = client.tx.limit - 2 * len(PIECE)  # one is in flight
    assert client.may_keep_back(room)
    assert not client.may_keep_back(room + 1)
    client.close(bench.now)
    assert not client.may_keep_back(1)


def test_a_bulk_flow_sends_whole_batches() -> None:
    """Not what acknowledgments or the writer's pieces happen to make room for: two batches are in flight."""
    flow = Flow(Link(delay=500, rate=125_000_000, queue=4_000_000))
    flow.run(0.2)
    at_once: Counter[int] = Counter()
    flow.bench.spy = lambda side, _: at_once.update([flow.bench.now] if side == 0 else ())
    assert flow.run(0.2) > 900
    whole = sum(1 for segments in at_once.values() if segments >= 45)
    assert whole > 0.9 * len(at_once)
