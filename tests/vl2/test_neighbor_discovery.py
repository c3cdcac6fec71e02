"""IPv6 neighbors by solicitation and advertisement between members (PROTOCOL-VL2 6.8, RFC 4861)."""

from __future__ import annotations

import dataclasses

import pytest
from vl1.sim import at

from fastzt._core.endpoint import V4_PREFIX
from fastzt.vl2.network import Network
from fastzt.wire import ndp
from fastzt.wire.address import link_local, resolution_group
from fastzt.wire.ndp import ADVERTISEMENT, ETHERTYPE, OVERRIDE, SOLICITATION, SOLICITED, Neighbor
from fastzt.wire.verbs import Verb
from vl2.bench import World, ip_of

C_AT = at("10.0.3.4")
PREFIX = bytes.fromhex("20010db8000100000000000000000000")[:8]
FIELDS = {
    "routes": [{"target": "10.121.15.0/24", "via": None}, {"target": "2001:db8:1::/64", "via": None}],
    "ipAssignmentPools": [
        {"ipRangeStart": "10.121.15.1", "ipRangeEnd": "10.121.15.254"},
        {"ipRangeStart": "2001:db8:1::", "ipRangeEnd": "2001:db8:1:0:ffff:ffff:ffff:ffff"},
    ],
    "v6AssignMode": {"zt": True, "rfc4193": False, "6plane": False},
}


@pytest.fixture
def world() -> World:
    return World()


def ip6_of(network: Network) -> bytes:
    """The network's own IPv6 address."""
    return next(ip for ip, _ in network.addresses if not ip.startswith(V4_PREFIX))


class Tap:
    """Neighbor messages that a host's network gets from others."""

    def __init__(self, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
        self.heard: list[tuple[int, Neighbor]] = []
        taken = network.resolution.neighbor_in

        def note(peer: object, data: bytes, now: int) -> None:
            self.heard.append((peer.address, Neighbor.parse(data)))  # type: ignore[attr-defined]
            taken(peer, data, now)

        monkeypatch.setattr(network.resolution, "neighbor_in", note)


def say(world: World, sender: Network, to: int, message: Neighbor) -> None:
    """A neighbor message by a member, off its own resolution's way."""
    peer = sender.switch.peer(to)
    assert peer is not None
    sender.send(peer, ETHERTYPE, message.to_bytes(), world.now)
    world.flush()
    world.run(1)


def test_addresses_of_a_pool_are_asked_for(world: World) -> None:
    nwid = world.network(FIELDS)
    a, b = world.join(nwid)
    assert ip6_of(b)[:8] == PREFIX
    world.run(1)
    group = (nwid, *resolution_group(ip6_of(b)))
    assert world.root.networks.directory.listeners(group, world.now) == [world.b.address]
    assert a.resolve(ip6_of(b), world.now) is None
    world.flush()
    assert world.until(lambda: bool(world.a.stack.found), 5) < 2
    assert world.a.stack.found == [(ip6_of(b), world.b.address)]
    assert a.resolve(ip6_of(b), world.now) is world.a.node.switch.peer(world.b.address)
    assert world.errors() == []


def test_nobody_there_is_unreachable_after_four_tries(world: World) -> None:
    nwid = world.network(FIELDS)
    (a,) = world.join(nwid, world.a)
    dead = PREFIX + bytes(6) + b"\2\0"
    assert a.resolve(dead, world.now) is None
    world.flush()
    assert 3 <= world.until(lambda: bool(world.a.stack.lost), 10) <= 5
    assert world.a.stack.lost == [dead]
    assert len(world.root.times(Verb.MULTICAST_GATHER, world.a)) == 4


def test_without_an_ipv6_address_nobody_is_asked(world: World) -> None:
    nwid = world.network()
    (a,) = world.join(nwid, world.a)
    assert a.resolve(PREFIX + bytes(7) + b"\1", world.now) is None
    world.until(lambda: bool(world.a.stack.lost), 1)
    assert world.root.times(Verb.MULTICAST_GATHER, world.a) == []


def test_an_answer_names_the_owner_and_goes_to_whoever_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an OS asks: from its link-local address, or to refresh, without a link-layer option."""
    nwid = world.network(FIELDS)
    a, b = world.join(nwid)
    world.meet(a, ip_of(b))
    tap = Tap(a, monkeypatch)
    local = link_local(a.mac)
    say(world, a, world.b.address, ndp.solicitation(local, ip6_of(b), a.mac))
    say(world, a, world.b.address, Neighbor(SOLICITATION, ip6_of(a), ip6_of(b), ip6_of(b)))
    expected = Neighbor(ADVERTISEMENT, ip6_of(b), local, ip6_of(b), SOLICITED | OVERRIDE, b.mac)
    again = dataclasses.replace(expected, destination=ip6_of(a))
    assert tap.heard == [(world.b.address, expected), (world.b.address, again)]


def test_a_probe_for_an_address_in_use_is_answered_to_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    nwid = world.network(FIELDS)
    a, b = world.join(nwid)
    world.meet(a, ip_of(b))
    tap = Tap(a, monkeypatch)
    target = ip6_of(b)
    say(world, a, world.b.address, Neighbor(SOLICITATION, bytes(16), ndp.solicited_node(target), target))
    world.run(3)
    assert tap.heard == [
        (world.b.address, Neighbor(ADVERTISEMENT, target, ndp.ALL_NODES, target, OVERRIDE, b.mac))
    ]


def test_an_address_cannot_be_taken_over(world: World) -> None:
    nwid = world.network(FIELDS)
    c = world.host(world.spare, C_AT)
    a, b, third = world.join(nwid, world.a, world.b, c)
    peer = world.meet(a, ip6_of(b))
    world.meet(third, ip_of(a))
    own = Neighbor(ADVERTISEMENT, ip6_of(b), ip6_of(a), ip6_of(b), SOLICITED | OVERRIDE, third.mac)
    say(world, third, world.a.address, own)
    say(world, third, world.a.address, dataclasses.replace(own, target=PREFIX + bytes(7) + b"\7"))
    say(world, third, world.a.address, dataclasses.replace(own, mac=b.mac))
    assert a.resolve(ip6_of(b), world.now) is peer
    assert ip6_of(b) in a.resolution.neighbors
    assert PREFIX + bytes(7) + b"\7" not in a.resolution.neighbors
    assert world.a.total("wrong_mac") == 1


def test_what_is_wrong_is_counted_and_not_answered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    nwid = world.network(FIELDS)
    a, b = world.join(nwid)
    peer = world.meet(a, ip_of(b))
    heard: list[bytes] = []
    monkeypatch.setattr(a.resolution, "neighbor_in", lambda peer, data, now: heard.append(data))
    good = bytearray(ndp.solicitation(ip6_of(a), ip6_of(b), a.mac).to_bytes())
    wrong_sum, crossed = bytearray(good), bytearray(good)
    wrong_sum[43] ^= 1
    crossed[7] = 254
    other = ndp.solicitation(ip6_of(a), PREFIX + bytes(8), a.mac).to_bytes()
    for packet in (wrong_sum, crossed, good[:64], other):
        a.send(peer, ETHERTYPE, bytes(packet), world.now)
    world.flush()
    world.run(1)
    assert heard == []
    assert world.b.total("malformed") == 3
    a.send(peer, ETHERTYPE, bytes(good), world.now)
    world.flush()
    world.run(1)
    assert len(heard) == 1
