"""A running transfer between real processes outlives its path, its root and its node's address."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import netns
import pytest
from lab import TRANSFER_PATIENCE, Lab, Member, Pair, connect
from process import until
from requirement import unavailable
from scene import volume

pytestmark = pytest.mark.interop

PATIENCE = 90.0
PORT = 7300


@pytest.fixture(scope="module")
def path_lab(library: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two roots, one of which is the controller."""
    try:
        segment = netns.Segment("w")
    except netns.Unavailable as error:
        unavailable(str(error))
    try:
        lab = Lab(segment, library, tmp_path_factory.mktemp("paths"), second_root=True)
        try:
            yield lab
        finally:
            lab.close()
    finally:
        segment.close()


@pytest.fixture(scope="module")
def members(path_lab: Lab) -> tuple[Member, Member, str]:
    """Two fastzt nodes on a network, and its id."""
    a, b = path_lab.fastzt("a"), path_lab.fastzt("b")
    nwid = path_lab.network(a, b)
    for member in (a, b):
        member.join(nwid)
    for member in (a, b):
        member.address(nwid)
    return a, b, nwid


class Stream:
    """A transfer that goes on until it is ended."""

    def __init__(self, pair: Pair, seed: int) -> None:
        self.pair = pair
        server = pair.server.peer
        self.sent: Future[Any] = pair.client.peer.start("stream", handle=pair.near, seed=seed)
        self.received: Future[Any] = server.start("receive", handle=pair.far, size=1 << 40)

    def count(self) -> int:
        """How much has arrived."""
        return int(self.pair.server.peer.call("received", handle=self.pair.far))

    def grow(self, size: int) -> None:
        """Wait until that much more has arrived."""
        goal = self.count() + size
        until(lambda: self.count() >= goal, f"{size} more bytes", PATIENCE)

    def way(self) -> str:
        """How the sender says that it reaches the receiver."""
        return str(told(self.pair.client, self.pair.server)["connection"])

    def wait_for(self, way: str) -> None:
        """Wait until the sender reaches the receiver that way."""
        until(lambda: self.way() == way, f"{way} path", PATIENCE)

    def end(self) -> None:
        """End it: all that was sent has arrived, unchanged."""
        self.pair.client.peer.call("end_stream", handle=self.pair.near)
        assert self.received.result(TRANSFER_PATIENCE) == self.sent.result(TRANSFER_PATIENCE)
        self.pair.client.peer.call("close", handle=self.pair.near)
        self.pair.server.peer.call("close", handle=self.pair.far)


class Doctor:
    """`fastzt doctor` at work on a host, with a state of its own."""

    def __init__(self, lab: Lab, namespace: str, name: str, tcp_relay: str) -> None:
        lab.identity(lab.directory / name)
        state = ("--state", str(lab.directory / name), "--planet", str(lab.planet))
        self.process = lab.program(
            namespace, "doctor", *state, "--tcp-relay", tcp_relay, "--json", log=f"{name}.log"
        )

    def problem(self, check: str) -> str:
        """What it says is wrong, when it has finished."""
        status, printed = self.process.rest(PATIENCE)
        problems = [found for found in json.loads(printed)["findings"] if found["level"] == "problem"]
        assert status == 1
        assert [found["check"] for found in problems] == [check]
        assert problems[0]["advice"]
        return str(problems[0]["what"])


def told(member: Member, other: Member) -> dict[str, Any]:
    """What a node says of another."""
    return dict(next(peer for peer in member.peer.call("peers") if peer["id"] == other.id))


def wall(a: Member, b: Member) -> tuple[str, str]:
    """Rules by which nothing passes between two hosts."""
    return tuple(f"ip saddr {x.ip} ip daddr {y.ip} udp length > 0 counter drop" for x, y in ((a, b), (b, a)))  # type: ignore[return-value]


def test_to_the_relay_and_back(path_lab: Lab, members: tuple[Member, Member, str]) -> None:
    a, b, nwid = members
    stream = Stream(connect(a, b, nwid, PORT), seed=1)
    stream.wait_for("direct")
    stream.grow(volume(64))
    path_lab.segment.filter(*wall(a, b))
    stream.wait_for("relayed")
    stream.grow(volume(8))
    assert all(count > 0 for count in path_lab.segment.matched())
    path_lab.segment.filter()
    stream.wait_for("direct")
    stream.grow(volume(64))
    stream.end()


def test_a_new_address_in_the_middle(path_lab: Lab, members: tuple[Member, Member, str]) -> None:
    a, b, nwid = members
    for member, other in ((a, b), (b, a)):
        stream = Stream(connect(a, b, nwid, PORT), seed=2)
        stream.wait_for("direct")
        stream.grow(volume(8))
        new = f"{netns.SUBNET}.{100 + int(member.ip.rpartition('.')[2])}"
        path_lab.segment.move(member.namespace, member.ip, new)
        member.ip = new
        until(lambda m=member, o=other: str(told(o, m)["path"]).startswith(m.ip), "the new path", PATIENCE)  # type: ignore[misc]
        stream.grow(volume(8))
        stream.end()


def test_ipv6_takes_over_from_ipv4(path_lab: Lab, members: tuple[Member, Member, str]) -> None:
    """Addresses that come while the nodes run are told to the other end and become paths."""
    a, b, nwid = members
    stream = Stream(connect(a, b, nwid, PORT), seed=6)
    stream.wait_for("direct")
    sixes = [path_lab.segment.add_ipv6(member.namespace, 16 + i) for i, member in enumerate((a, b))]
    until(lambda: any(path["over"] == "udp6" for path in told(a, b)["paths"]), "a path by IPv6", PATIENCE)
    path_lab.segment.filter(*wall(a, b))
    until(lambda: str(told(a, b)["path"]).startswith(sixes[1]), "IPv6 in use", PATIENCE)
    stream.grow(volume(8))
    path_lab.segment.filter(*wall(a, b), "ip6 nexthdr udp drop")
    stream.wait_for("relayed")
    stream.grow(volume(8))
    path_lab.segment.filter()
    stream.wait_for("direct")
    stream.end()
    path_lab.segment.filter("ip6 nexthdr udp drop")  # the tests that follow are about IPv4


def test_a_node_without_udp_joins_and_transfers_over_the_tcp_relay(path_lab: Lab) -> None:
    lab = path_lab
    relay_at, relay_ip = lab.host("relay")
    options = ("--bind", f"{relay_ip}/443", "--allow", f"{netns.SUBNET}.0/24", "--rate", "65536")
    lab.program(relay_at, "tcp-relay", *options, "--json", log="relay.log").line()
    host = lab.host("blocked")
    lab.segment.filter(
        f"ip saddr {host[1]} udp dport != 53 counter drop", f"ip daddr {host[1]} ip protocol udp counter drop"
    )
    blocked, free = lab.fastzt("blocked", host, tcp_relay=f"{relay_ip}/443"), lab.fastzt("free")
    nwid = lab.network(blocked, free)
    for member in (blocked, free):
        member.join(nwid)
    for member in (blocked, free):
        member.address(nwid)
    status = blocked.peer.call("node_status")
    assert (status["udp_blocked"], status["tcp_relay"]) == (True, True)
    seen = [Doctor(lab, host[0], name, relay) for name, relay in (("d1", f"{relay_ip}/443"), ("d2", ""))]
    connect(blocked, free, nwid, PORT).transfer(volume(4), seed=4)
    assert lab.segment.matched()[0] > 0
    through, without = (doctor.problem("udp") for doctor in seen)
    assert "no root answers over it; packets go through the TCP relay" in through
    assert "no root answers over it, and there is no TCP relay" in without
    lab.segment.filter()
    until(lambda: not blocked.peer.call("node_status")["tcp_relay"], "UDP again", PATIENCE)
    ip = blocked.address(nwid)
    until(lambda: free.peer.call("ping", nwid=nwid, host=ip, count=1, size=32, wait=2), "an echo", PATIENCE)
    connect(free, blocked, nwid, PORT + 1).transfer(volume(4), seed=5)


def test_a_root_dies(path_lab: Lab, members: tuple[Member, Member, str]) -> None:
    """The last one: the lab does without that root from now on."""
    a, b, nwid = members
    path_lab.segment.filter(*wall(a, b), "ip6 nexthdr udp drop")
    stream = Stream(connect(a, b, nwid, PORT), seed=3)
    stream.wait_for("relayed")
    stream.grow(volume(4))
    path_lab.roots[told(a, b)["relay"]].process.kill()
    stream.grow(volume(8))
    stream.end()
    path_lab.segment.filter()
