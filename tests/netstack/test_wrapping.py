"""Connections whose sequence numbers wrap live and end as others do, whoever closes first."""

from __future__ import annotations

import random
from typing import Any

import pytest

from fastzt.netstack.tcp.isn import SequenceSource

from .bench import SECOND, Bench, Link, transfer
from .wire import ACK, FIN, parse

DATA = random.Random(3).randbytes(5000)
STARTS = [0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFF000, 0x7FFFF000]
TWO_MSL = 60 * SECOND


def starts_at(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Every initial sequence number is `number`."""
    monkeypatch.setattr(SequenceSource, "start", lambda *arguments: (number, 0))


def flows(bench: Bench) -> list[Any]:
    """What is left in the tables of either side."""
    return [flow for side in bench.sides for flow in side.stack.flows.flows()]


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("passive", [False, True], ids=["the client closes first", "the server closes first"])
def test_an_end_beyond_the_wrap(monkeypatch: pytest.MonkeyPatch, start: int, passive: bool) -> None:
    starts_at(monkeypatch, start)
    bench = Bench(Link(delay=1000))
    client, server, listener = bench.pair()
    first, second = (server, client) if passive else (client, server)
    assert transfer(bench, second, first, DATA, SECOND, close=False) == DATA
    assert transfer(bench, first, second, DATA, SECOND) == DATA
    second.shutdown_write(bench.now)
    bench.run(SECOND)
    assert (first.state, second.state) == (10, 0)  # TIME-WAIT, CLOSED
    (left,) = flows(bench)
    assert type(left).__name__ == "TimeWait"
    listener.close(bench.now)
    bench.run(2 * TWO_MSL)
    assert flows(bench) == []
    assert bench.wheel.armed == 0


@pytest.mark.parametrize("start", STARTS)
def test_both_close_at_once_beyond_the_wrap(monkeypatch: pytest.MonkeyPatch, start: int) -> None:
    starts_at(monkeypatch, start)
    bench = Bench(Link(delay=1000))
    client, server, _ = bench.pair()
    assert transfer(bench, server, client, DATA, SECOND, close=False) == DATA
    assert transfer(bench, client, server, DATA, SECOND, close=False) == DATA
    client.shutdown_write(bench.now)
    server.shutdown_write(bench.now)
    bench.run(SECOND)
    assert (client.state, server.state) == (10, 10)
    assert [type(flow).__name__ for flow in flows(bench)] == ["TimeWait"] * 2


def test_what_remains_answers_a_repeated_fin(monkeypatch: pytest.MonkeyPatch) -> None:
    starts_at(monkeypatch, 0xFFFFF000)
    bench = Bench(Link(delay=1000))
    client, server, _ = bench.pair()
    assert transfer(bench, server, client, DATA, SECOND, close=False) == DATA
    assert transfer(bench, client, server, DATA, SECOND) == DATA
    sent: list[tuple[int, bytes]] = []
    bench.spy = lambda side, packet: sent.append((side, packet))
    server.shutdown_write(bench.now)
    bench.run(SECOND)
    fin = next(packet for side, packet in sent if side == 1 and parse(packet).flags & FIN)
    sent.clear()
    bench.a.take(fin, bench.now)
    bench.transmit()
    (answer,) = [parse(packet) for side, packet in sent if side == 0]
    assert answer.flags == ACK
    assert answer.ack == (parse(fin).seq + 1) & 0xFFFFFFFF
