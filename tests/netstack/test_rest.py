"""Rings take memory while bytes are on their way; what rests or has ended holds none."""

from __future__ import annotations

import random

import pytest

from fastzt.netstack.tcp.connection import Connection

from .bench import SECOND, Bench, Link, transfer

DATA = random.Random(4).randbytes(300_000)
REST = 6 * SECOND
KEPT = 4096


def held(*connections: Connection) -> int:
    """Bytes of memory in the rings."""
    return sum(connection.memory for connection in connections)


def deliver(bench: Bench, source: Connection, sink: Connection, data: bytes = DATA) -> None:
    assert transfer(bench, source, sink, data, 60 * SECOND, close=False) == data
    bench.run(SECOND)


def test_what_rests_gives_its_memory_back_and_goes_on() -> None:
    bench = Bench(Link(delay=1000))
    client, server, _ = bench.pair()
    for source, sink in ((client, server), (server, client)):
        deliver(bench, source, sink)
        assert held(client, server) > 2 * KEPT
        bench.run(REST)
        assert held(client, server) == 0
    assert bench.wheel.armed == 0
    bench.run(60 * SECOND)
    deliver(bench, client, server)


def test_what_is_used_again_keeps_it() -> None:
    bench = Bench(Link(delay=1000))
    client, server, _ = bench.pair()
    deliver(bench, client, server)
    before = held(client, server)
    for _ in range(4):
        bench.run(REST // 3)
        deliver(bench, client, server, DATA[:1000])
        assert held(client, server) == before


def test_small_rings_cost_no_timer() -> None:
    bench = Bench(Link(delay=1000))
    client, server, _ = bench.pair()
    deliver(bench, client, server, DATA[:KEPT])
    assert 0 < held(client, server) <= 2 * KEPT
    assert bench.wheel.armed == 0


def test_bytes_that_nobody_reads_stay() -> None:
    bench = Bench(Link(delay=1000))
    client, server, _ = bench.pair()
    deliver(bench, client, server)
    assert client.write(DATA[:50_000], bench.now) == 50_000
    bench.run(3 * REST)
    buffer = bytearray(len(DATA))
    assert server.read_into(buffer, bench.now) == 50_000
    assert buffer[:50_000] == DATA[:50_000]
    bench.run(REST)
    assert held(client, server) == 0


def test_unsent_bytes_stay() -> None:
    bench = Bench(Link(delay=1000))
    client, server, _ = bench.pair()
    deliver(bench, client, server)
    bench.a.egress.link.dark = True
    assert client.write(DATA[:50_000], bench.now) == 50_000
    bench.run(3 * REST)
    bench.a.egress.link.dark = False
    assert transfer(bench, client, server, b"", 60 * SECOND) == DATA[:50_000]


@pytest.mark.parametrize("late", [False, True], ids=["read before the end", "read after the end"])
def test_what_has_ended_holds_nothing(late: bool) -> None:
    bench = Bench(Link(delay=1000))
    client, server, _ = bench.pair()
    deliver(bench, server, client)
    if late:
        assert client.write(DATA[:50_000], bench.now) == 50_000
    else:
        deliver(bench, client, server)
    client.shutdown_write(bench.now)
    bench.run(SECOND)
    server.shutdown_write(bench.now)
    bench.run(SECOND)
    assert (client.state, server.state) == (10, 0)  # TIME-WAIT, CLOSED
    assert client.memory == 0
    if late:
        buffer = bytearray(len(DATA))
        assert server.read_into(buffer, bench.now) == 50_000
        assert buffer[:50_000] == DATA[:50_000]
    assert server.memory == 0
