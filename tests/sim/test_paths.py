"""Transfers whose path dies, comes back, moves or loses its root, and what the node tells of it."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pytest

import fastzt
from fastzt._core.endpoint import Endpoint
from fastzt.api import paths

from .lab import Lab
from .world import MS, PORT, SECOND, Host, Link

RATE = Link(delay=5 * MS)
CHUNK = 16384 if fastzt.is_compiled() else 1024  # bytes offered each 5 ms


class Transfer:
    """Seeded bytes between two hosts at a steady rate; `stall` is the longest pause at the receiver."""

    def __init__(self, lab: Lab, source: Host, sink: Host) -> None:
        self.lab, self.source, self.sink = lab, source, sink
        self.near, self.far = lab.connect(source, sink)
        self.random = random.Random(7)
        self.sent, self.received = hashlib.sha256(), hashlib.sha256()
        self.pending = b""
        self.count = 0
        self.last = lab.now
        self.stall = 0

    def write(self, now: int) -> None:
        self.pending = self.pending or self.random.randbytes(CHUNK)
        n = self.near.write(self.pending, now)
        self.sent.update(self.pending[:n])
        self.pending = self.pending[n:]

    def read(self, now: int) -> None:
        window = bytearray(1 << 16)
        n = self.far.read_into(window, now)
        self.received.update(window[:n])
        self.count += n
        self.stall = max(self.stall, now - self.last)
        self.last = now

    def run(self, seconds: float) -> int:
        """Go on that long; the bytes that arrived."""
        before, self.stall = self.count, 0
        end = self.lab.now + int(seconds * SECOND)
        while self.lab.now < end:
            for _ in range(2):
                if self.near.writable:
                    self.source.act(self.write)
            self.lab.run_for(0.01)
            while self.far.readable:
                self.sink.act(self.read)
        self.stall = max(self.stall, self.lab.now - self.last)
        return self.count - before

    def finish(self) -> None:
        """Everything that was taken has arrived, unchanged."""
        self.source.act(self.near.shutdown_write)
        while not self.far.eof:
            self.lab.run_for(0.05)
            while self.far.readable:
                self.sink.act(self.read)
        assert self.near.error == self.far.error == 0
        assert self.received.digest() == self.sent.digest()


def drop_between(a: Host, b: Host) -> Any:
    """A spy that lets nothing pass between two hosts."""
    return lambda host, to, data: None if {host.endpoint, to} == {a.endpoint, b.endpoint} else data


def pass_all(host: Host, to: Endpoint, data: bytes) -> bytes:
    return data


def report(host: Host, other: Host) -> dict[str, Any]:
    """What a node tells about another."""
    found = paths.peers(host.core, host.world.now)
    return next(peer for peer in found if peer["id"] == f"{other.core.address:010x}")


def test_a_transfer_moves_to_the_relay_and_back() -> None:
    lab = Lab(link=RATE)
    a, b = lab.members
    lab.join(a, b)
    transfer = Transfer(lab, a, b)
    transfer.run(5)
    told = report(a, b)
    assert (told["connection"], told["why_not_direct"]) == ("direct", None)
    assert told["paths"][0]["over"] == "udp4"
    assert 9 < told["paths"][0]["rtt_ms"] < 30
    lab.spy = drop_between(a, b)
    assert transfer.run(10) > 0
    assert transfer.stall < 5 * SECOND
    told = report(a, b)
    assert (told["connection"], told["path"]) == ("relayed", None)
    assert told["relay"] == f"{lab.root.core.address:010x}"
    assert "silent" in told["why_not_direct"]
    relayed = lab.root.core.stats.as_dict()["vl1.relayed"]
    lab.spy = pass_all
    transfer.run(6)
    transfer.run(2)
    assert report(a, b)["connection"] == report(b, a)["connection"] == "direct"
    after = lab.root.core.stats.as_dict()["vl1.relayed"]
    transfer.run(2)
    assert lab.root.core.stats.as_dict()["vl1.relayed"] == after > relayed
    transfer.finish()


@pytest.mark.parametrize("direction", ["to the receiver", "to the sender"])
def test_a_transfer_survives_a_path_that_is_dead_in_one_direction(direction: str) -> None:
    lab = Lab(link=RATE)
    a, b = lab.members
    lab.join(a, b)
    transfer = Transfer(lab, a, b)
    transfer.run(3)
    source, target = (a, b) if direction == "to the receiver" else (b, a)
    way = (source.endpoint, target.endpoint)
    lab.spy = lambda host, to, data: None if (host.endpoint, to) == way else data
    transfer.run(20)
    assert transfer.stall < 5 * SECOND
    lab.spy = pass_all
    transfer.finish()


def stopped(lab: Lab, host: Host) -> None:
    """From now on nothing comes to a host or leaves it."""
    lab.spy = lambda sender, to, data: None if host.endpoint in (sender.endpoint, to) else data


def test_what_was_lost_is_sent_again_as_soon_as_there_is_a_path() -> None:
    """After a minute without any path the time-out has grown to one as long; nobody waits for its end."""
    lab = Lab(link=RATE)
    a, b = lab.members
    lab.join(a, b)
    transfer = Transfer(lab, a, b)
    transfer.run(3)
    stopped(lab, a)
    transfer.run(1)
    assert transfer.run(69) == 0
    assert transfer.near.tx.rtt.rto() > 20 * SECOND
    lab.spy = pass_all
    lab.run_until(lambda: report(a, b)["connection"] == "direct", 30)
    assert transfer.run(1) > 0
    transfer.finish()


def test_a_connect_goes_on_as_soon_as_there_is_a_path() -> None:
    lab = Lab(link=RATE)
    a, b = lab.members
    lab.join(a, b)
    lab.connect(a, b)
    listener = b.act(lambda now: b.core.listen(lab.nwid, None, 81, 4, now))
    stopped(lab, a)
    lab.run_for(5)
    near = a.act(lambda now: a.core.connect(lab.nwid, lab.ip(b), 81, now))
    lab.run_for(40)
    lab.spy = pass_all
    lab.run_until(lambda: report(a, b)["connection"] == "direct", 30)
    lab.run_for(0.5)
    assert near.connected
    assert listener.pending == 1


def test_a_closed_window_is_asked_about_as_soon_as_there_is_a_path() -> None:
    lab = Lab(link=RATE)
    a, b = lab.members
    lab.join(a, b)
    transfer = Transfer(lab, a, b)
    while transfer.near.writable:  # nobody reads
        a.act(transfer.write)
        lab.run_for(0.01)
    lab.run_for(5)
    stopped(lab, a)
    b.act(transfer.read)  # the window opens, of which a hears nothing
    lab.run_for(70)
    lab.spy = pass_all
    lab.run_until(lambda: report(a, b)["connection"] == "direct", 30)
    assert not transfer.near.writable
    lab.run_for(0.5)  # b has nothing to say
    assert transfer.near.writable
    transfer.finish()


@pytest.mark.parametrize(("told", "limit"), [(True, 5), (False, 10)], ids=["host moves", "NAT forgets"])
def test_a_transfer_survives_new_addresses_of_either_end(told: bool, limit: int) -> None:
    """A host that moves knows it. One behind a NAT does not: a receiver speaks to its root each 20 s."""
    lab = Lab(link=RATE)
    a, b = lab.members
    lab.join(a, b)
    transfer = Transfer(lab, a, b)
    transfer.run(3)
    for number, host in ((61, a), (62, b)):
        for place in (host.endpoint, Endpoint.parse(f"198.51.100.{number}", PORT)):
            del lab.by_endpoint[host.endpoint]
            host.endpoint = place
            lab.by_endpoint[place] = host
            if told:
                host.act(lambda now, host=host: host.core.surroundings_changed([host.endpoint], [], now))
        transfer.run(limit + 3)
        assert transfer.stall < limit * SECOND
        assert report(a, b)["connection"] == report(b, a)["connection"] == "direct"
    assert report(a, b)["path"] == str(b.endpoint)
    transfer.finish()


def test_a_pair_that_cannot_meet_says_so() -> None:
    lab = Lab(link=RATE)
    a, b = lab.members
    lab.spy = drop_between(a, b)
    lab.join(a, b)
    transfer = Transfer(lab, a, b)
    transfer.run(2)
    told = report(a, b)
    assert (told["connection"], told["paths"]) == ("relayed", [])
    assert str(b.endpoint) in told["why_not_direct"]
    lab.root.down = True
    transfer.run(1)  # what is on the way still arrives
    assert transfer.run(5) == 0
    transfer.near.abort(lab.now)
