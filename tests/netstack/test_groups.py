"""Broadcast and multicast between two stacks."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from .bench import SECOND, A, B, Bench, Link
from .wire import v4

V6 = (bytes([0xFD, *range(15)]), bytes([0xFD, *range(14), 99]))
GROUP = v4("239.1.2.3")
GROUP_V6 = bytes([0xFF, 2, *bytes(12), 1, 2])
EVERYBODY = v4("255.255.255.255")
SUBNET = v4("10.0.0.255")


def ends(addresses: tuple[bytes, bytes] = (A, B), port: int = 5353) -> tuple[Bench, Any, Any]:
    bench = Bench(Link(delay=1000), addresses=addresses)
    near, far = (side.stack.datagrams.bind(None, port, bench.now) for side in bench.sides)
    return bench, near, far


@pytest.mark.parametrize(("addresses", "group"), [((A, B), GROUP), (V6, GROUP_V6)], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("size", [5, 5000])
def test_a_group(addresses: tuple[bytes, bytes], group: bytes, size: int) -> None:
    bench, near, far = ends(addresses)
    assert near.send(bytes(size), (group, 5353), bench.now)
    bench.run(SECOND)
    assert far.receive() is None  # it has not joined
    far.join(group, bench.now)
    assert bench.b.egress.groups == [group]
    assert near.send(bytes(size), (group, 5353), bench.now)
    bench.run(SECOND)
    assert far.receive() == (bytes(size), (addresses[0], 5353))
    assert near.receive() is None
    far.leave(group, bench.now)
    assert bench.b.egress.groups == []
    near.send(bytes(size), (group, 5353), bench.now)
    bench.run(SECOND)
    assert far.receive() is None
    assert bench.b.stack.stats.as_dict() == {"netstack.no_socket": 2}
    assert bench.a.stack.stats.as_dict() == {}


def test_the_sender_hears_its_own_group_unless_it_does_not_want_to() -> None:
    bench, near, _ = ends()
    near.join(GROUP, bench.now)
    near.send(b"x", (GROUP, 5353), bench.now)
    assert near.receive() == (b"x", (A, 5353))
    near.loops = False
    near.send(b"x", (GROUP, 5353), bench.now)
    assert near.receive() is None


@pytest.mark.parametrize("destination", [EVERYBODY, SUBNET])
def test_everybody(destination: bytes) -> None:
    bench, near, far = ends()
    with pytest.raises(OSError, match="denied") as caught:
        near.send(b"x", (destination, 5353), bench.now)
    assert caught.value.errno == errno.EACCES
    near.broadcast = True
    near.send(b"x", (destination, 5353), bench.now)
    bench.run(SECOND)
    assert far.receive() == (b"x", (A, 5353))
    assert near.receive() == (b"x", (A, 5353))


def test_nobody_complains_about_a_group() -> None:
    bench, near, _ = ends()
    packets: list[tuple[int, bytes]] = []
    bench.spy = lambda side, packet: packets.append((side, packet))
    near.broadcast = True
    near.send(b"x", (EVERYBODY, 9), bench.now)
    near.send(b"x", (GROUP, 9), bench.now)
    bench.run(SECOND)
    assert [side for side, _ in packets] == [0, 0]
    assert [packet[8] for _, packet in packets] == [64, 1]  # hops


def test_memberships_end_with_the_socket_and_are_bounded() -> None:
    bench, near, _ = ends()
    for number in range(20):
        near.join(v4(f"239.0.0.{number}"), bench.now)
    with pytest.raises(OSError, match="buffer"):
        near.join(GROUP, bench.now)
    with pytest.raises(OSError, match="in use"):
        near.join(v4("239.0.0.1"), bench.now)
    with pytest.raises(OSError, match="assign"):
        near.leave(GROUP, bench.now)
    with pytest.raises(OSError, match="nvalid"):
        near.join(B, bench.now)
    assert len(bench.a.egress.groups) == 20
    near.close(bench.now)
    assert bench.a.egress.groups == []


def test_a_rule_forbids_it() -> None:
    bench, near, _ = ends()
    bench.a.egress.verdict = -1
    with pytest.raises(OSError, match="permitted") as caught:
        near.send(b"x", (GROUP, 9), bench.now)
    assert caught.value.errno == errno.EPERM


def test_a_socket_bound_to_an_address_hears_nothing_else() -> None:
    bench, near, _ = ends()
    bound = bench.b.stack.datagrams.bind(B, 7, bench.now)
    bound.join(GROUP, bench.now)
    near.broadcast = True
    near.send(b"x", (EVERYBODY, 7), bench.now)
    near.send(b"x", (GROUP, 7), bench.now)
    near.send(b"y", (B, 7), bench.now)
    bench.run(SECOND)
    assert bound.receive() == (b"y", (A, 5353))
    assert bound.receive() is None
