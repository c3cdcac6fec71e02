"""Acknowledgments of a SYN and of a FIN go with data sent at once, else alone a millisecond later."""

from __future__ import annotations

from fastzt.netstack.tcp.connection import Connection
from fastzt.netstack.tcp.listener import TcpListener

from .bench import Bench, Link

MS = 1000
DELAY = 10 * MS


def opening() -> tuple[Bench, Connection, TcpListener, list[tuple[int, int]]]:
    """A client whose SYN has just been answered, the listener; time and side of what is sent from now on."""
    bench = Bench(Link(delay=DELAY))
    listener = bench.b.stack.listen(None, 80, 16, bench.now)
    client = bench.a.stack.connect(bench.b.address, 80, bench.now)
    sent: list[tuple[int, int]] = []
    bench.spy = lambda side, packet: sent.append((bench.now, side))
    assert bench.run(10 * DELAY, until=lambda: client.connected)
    del sent[:]
    return bench, client, listener, sent


def test_a_question_completes_the_handshake() -> None:
    bench, client, listener, sent = opening()
    start = bench.now
    assert client.keeps_back()
    client.write(b"question", bench.now)
    bench.run(DELAY + MS // 2)
    server = listener.accept()
    assert server is not None
    assert server.readable == 8
    assert [(at - start, side) for at, side in sent[:1]] == [(0, 0)]
    assert not [at for at, side in sent[1:] if side == 0]
    assert not client.keeps_back()


def test_without_one_the_handshake_completes_a_millisecond_later() -> None:
    bench, _, listener, sent = opening()
    start = bench.now
    bench.run(MS - 1)
    assert not sent
    bench.run(DELAY + 2)
    assert [(at - start, side) for at, side in sent] == [(MS, 0)]
    assert listener.accept() is not None


def test_who_waits_for_a_greeting_pushes_it() -> None:
    bench, client, _, sent = opening()
    client.push(bench.now)
    bench.transmit()
    assert len(sent) == 1
    assert not client.keeps_back()
    bench.run(5 * MS)
    assert len(sent) == 1  # once is enough


def test_a_fin_is_acknowledged_by_the_answer_to_it() -> None:
    bench = Bench(Link(delay=DELAY))
    client, server, _ = bench.pair()
    bench.run(100 * MS)
    sent: list[int] = []
    bench.spy = lambda side, packet: sent.append(side)
    client.close(bench.now)
    assert bench.run(10 * DELAY, until=lambda: server.eof)
    server.close(bench.now)
    bench.run(5 * MS)
    assert sent == [0, 1]  # one FIN each
    bench.run(10 * DELAY)
    assert sent == [0, 1, 0]


def test_a_fin_without_an_answer_is_acknowledged_a_millisecond_later() -> None:
    bench = Bench(Link(delay=DELAY))
    client, server, _ = bench.pair()
    bench.run(100 * MS)
    client.shutdown_write(bench.now)
    assert bench.run(10 * DELAY, until=lambda: server.eof)
    start = bench.now
    sent: list[tuple[int, int]] = []
    bench.spy = lambda side, packet: sent.append((bench.now - start, side))
    bench.run(10 * MS)
    assert sent == [(MS, 1)]
    server.write(b"still open", bench.now)
    bench.run(10 * DELAY)
    assert client.readable == 10


def test_the_last_fin_is_acknowledged_at_once() -> None:
    bench = Bench(Link(delay=DELAY))
    client, server, _ = bench.pair()
    client.shutdown_write(bench.now)
    bench.run(100 * MS)
    sent: list[int] = []
    server.close(bench.now)
    bench.spy = lambda side, packet: sent.append(side)
    assert bench.run(10 * DELAY, until=lambda: client.eof)
    bench.transmit()
    assert sent == [1, 0]
