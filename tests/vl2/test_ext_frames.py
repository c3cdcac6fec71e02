"""What other clients send as EXT_FRAME: with a certificate inside, from behind a bridge, of full size."""

from __future__ import annotations

import pytest

from fastzt.vl2.network import Network
from fastzt.wire.address import BROADCAST_MAC, mac_of
from fastzt.wire.frame import ExtFrame
from fastzt.wire.verbs import Verb
from vl2.bench import World, ip_of, ipv4

IPV4 = 0x0800
BEHIND = 0x001122334455  # a host behind a bridge
ACK = 0x10


@pytest.fixture
def world() -> World:
    return World()


def met(world: World, **fields: object) -> tuple[Network, Network]:
    """a and b on a network, each with the other's certificate."""
    nwid = world.network(dict(fields))
    a, b = world.join(nwid)
    world.meet(a, ip_of(b))
    world.run(2)
    world.b.stack.inputs.clear()
    return a, b


def send(world: World, frame: ExtFrame, seconds: float = 1) -> list[bytes]:
    """An EXT_FRAME from a to b; the IP packets that b took."""
    world.a.node.switch.send(world.b.address, Verb.EXT_FRAME, frame.to_bytes(), world.now)
    world.flush()
    world.run(seconds)
    taken = [data for _, data, generation in world.b.stack.inputs if generation == 0]  # none is cached
    assert len(taken) == len(world.b.stack.inputs)
    world.b.stack.inputs.clear()
    return taken


def test_from_the_senders_own_mac(world: World) -> None:
    a, b = met(world)
    packet = ipv4(ip_of(a), ip_of(b), b"own")
    assert send(world, ExtFrame(a.nwid, b.mac, a.mac, IPV4, packet)) == [packet]


@pytest.mark.parametrize("size", [1381, 1382, 2797, 2798, 2800])
def test_in_one_two_and_three_datagrams(world: World, size: int) -> None:
    a, b = met(world)
    packet = ipv4(ip_of(a), ip_of(b), bytes(size - 20))
    assert send(world, ExtFrame(a.nwid, b.mac, a.mac, IPV4, packet)) == [packet]


def test_a_certificate_inside_opens_the_gate(world: World) -> None:
    a, b = met(world)
    b.membership.clear()
    b.generation += 1
    packet = ipv4(ip_of(a), ip_of(b), b"shown")
    assert send(world, ExtFrame(a.nwid, b.mac, a.mac, IPV4, packet, com=a.own_com)) == [packet]
    assert world.a.times(Verb.ERROR, world.b) == []


def test_without_a_certificate_one_is_asked_for_and_the_frame_comes_late(world: World) -> None:
    a, b = met(world)
    b.membership.clear()
    b.generation += 1
    packet = ipv4(ip_of(a), ip_of(b), b"late")
    assert send(world, ExtFrame(a.nwid, b.mac, a.mac, IPV4, packet), 5) == [packet]
    assert len(world.a.times(Verb.ERROR, world.b)) == 1


@pytest.mark.parametrize("bridge", [True, False])
def test_from_behind_a_bridge(world: World, bridge: bool) -> None:
    a, b = met(world)
    if bridge:
        world.controller.update_member(a.nwid, world.a.address, {"activeBridge": True}, world.now)
        world.until(lambda: world.a.address in b.bridges, 150)
    packet = ipv4(ip_of(a)[:15] + b"\xc8", ip_of(b), b"bridged")
    expected = [packet] if bridge else []
    assert send(world, ExtFrame(a.nwid, b.mac, BEHIND, IPV4, packet)) == expected
    assert world.b.total("wrong_mac") == (0 if bridge else 1)


def test_for_or_from_a_wrong_mac(world: World) -> None:
    a, b = met(world)
    packet = ipv4(ip_of(a), ip_of(b))
    for target, source in ((BEHIND, a.mac), (0, a.mac), (b.mac, 0), (b.mac, b.mac)):
        assert send(world, ExtFrame(a.nwid, target, source, IPV4, packet)) == []
    assert world.b.total("wrong_mac") == 4


@pytest.mark.parametrize("limit", [0, 32])
def test_to_everybody(world: World, limit: int) -> None:
    a, b = met(world)
    b.multicast_limit = limit
    packet = ipv4(ip_of(a), ip_of(b))
    expected = [packet] if limit else []
    assert send(world, ExtFrame(a.nwid, BROADCAST_MAC, a.mac, IPV4, packet)) == expected


def test_an_acknowledgment_is_sent_where_it_is_wanted(world: World) -> None:
    a, b = met(world)
    packet = ipv4(ip_of(a), ip_of(b))
    asked = len(world.a.times(Verb.OK, world.b))
    assert send(world, ExtFrame(a.nwid, b.mac, a.mac, IPV4, packet, ACK)) == [packet]
    assert len(world.a.times(Verb.OK, world.b)) == asked + 1


def test_a_bridge_speaks_for_no_member_and_floods_in_vain(world: World) -> None:
    """An answer to a member's MAC would go to that member; what is flooded for other MACs is not ours."""
    a, b = met(world)
    b.bridges = frozenset({world.a.address})
    packet = ipv4(ip_of(a), ip_of(b))
    other = mac_of(world.root.address, a.nwid)
    for target, source in ((b.mac, other), (b.mac, BROADCAST_MAC), (other, BEHIND), (BEHIND, BEHIND)):
        assert send(world, ExtFrame(a.nwid, target, source, IPV4, packet)) == []
    assert world.b.total("wrong_mac") == 4
    assert send(world, ExtFrame(a.nwid, BROADCAST_MAC, BEHIND, IPV4, packet)) == [packet]
