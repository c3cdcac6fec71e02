"""A connection that owes an acknowledgment when the same batch ends it arms no timer: it has none left."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from .bench import SECOND, A, B, Bench, Link
from .wire import ACK, FIN, PSH, RST, SYN, Tcp, parse

NEVER = 1 << 62


def batch(bench: Bench, *segments: Tcp) -> None:
    """What arrives at a together."""
    for segment in segments:
        bench.a.take(segment.packet(), bench.now)
    bench.a.stack.after_batch(bench.now)


def is_idle(bench: Bench) -> bool:
    """Whether no timer runs."""
    return bench.wheel.armed == 0 and bench.wheel.minimum() == NEVER


def test_a_reset_behind_the_answer_to_a_syn() -> None:
    bench = Bench(Link(dark=True))
    sent: list[Tcp] = []
    bench.spy = lambda side, packet: sent.append(parse(packet))
    client = bench.a.stack.connect(B, 80, bench.now)
    bench.transmit()
    (syn,) = sent
    answer = Tcp(B, A, 80, syn.source_port, 1000, syn.seq + 1, SYN | ACK, 60000)
    batch(bench, answer, answer.but(seq=1001, flags=RST | ACK))
    assert client.error == errno.ECONNRESET
    assert is_idle(bench)
    assert not bench.run(10 * SECOND, until=lambda: len(sent) > 1)


@pytest.mark.parametrize(
    "last",
    [lambda s: s.but(flags=ACK | FIN), lambda s: s.but(flags=ACK | PSH, payload=b"last")],
    ids=["FIN", "data"],
)
def test_a_reset_behind_the_end_of_what_was_sent(last: Callable[[Tcp], Tcp]) -> None:
    bench = Bench()
    client, server, _ = bench.pair()
    sent: list[Tcp] = []
    bench.spy = lambda side, packet: sent.append(parse(packet))
    for _ in range(100):  # acknowledged one by one until the connection is no more a new one
        server.write(b"x", bench.now)
        server.push(bench.now)
        bench.run(SECOND)
    assert is_idle(bench)
    latest = [segment for segment in sent if segment.source == B and segment.payload][-1]
    timestamps = {8: latest.options[8]} if 8 in latest.options else {}
    segment = latest.but(seq=latest.seq + 1, payload=b"", options=timestamps)
    final = last(segment)
    after = final.seq + len(final.payload) + bool(final.flags & FIN)
    batch(bench, final, segment.but(seq=after, flags=RST | ACK))
    assert client.error == errno.ECONNRESET
    assert is_idle(bench)
