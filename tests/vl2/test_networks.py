"""Networks over real Switches: joining, credentials, address resolution, frames, denial and revocation."""

from __future__ import annotations

import pytest

from fastzt.vl2.events import AddressChanged, ConfigChanged, Joined
from fastzt.vl2.status import Status
from vl2.bench import World, ip_of, ipv4


@pytest.fixture
def world() -> World:
    return World()


def of_type(events: list[object], kind: type) -> list[object]:
    return [event for event in events if isinstance(event, kind)]


def test_join_gives_addresses_and_events(world: World) -> None:
    nwid = world.network()
    a, b = world.join(nwid)
    assert a.status == b.status == Status.OK
    assert ip_of(a) != ip_of(b)
    assert [bits for _, bits in a.addresses] == [24]
    assert a.routes[0][1:] == (24, None, 0)
    assert of_type(world.a.events, Joined) == [Joined(nwid, a.addresses)]
    assert of_type(world.a.events, AddressChanged) == [AddressChanged(nwid, a.addresses)]
    assert of_type(world.a.events, ConfigChanged)[0].config == a.config_bytes
    assert world.a.stack.changes == 1
    assert world.errors() == []


def test_frames_travel_and_are_judged_once(world: World) -> None:
    nwid = world.network()
    a, b = world.join(nwid)
    peer = world.meet(a, ip_of(b))
    assert peer.address == world.b.address
    packet = ipv4(ip_of(a), ip_of(b), bytes(8) + b"first")
    generation = world.send_ip(a, peer, packet)
    assert generation == a.state_of(peer) > 0
    world.until(lambda: bool(world.b.stack.inputs), 2)
    sender, data, verdict = world.b.stack.inputs[0]
    assert (sender, data) == (world.a.address, packet)
    assert verdict == b.state_of(world.b.node.switch.peer(world.a.address)) > 0
    world.b.stack.flows.add((sender, verdict))
    assert world.send_ip(a, peer, packet, generation) == generation
    world.until(lambda: bool(world.b.stack.fast), 2)
    assert world.b.stack.fast == [(sender, packet, verdict)]
    assert len(world.b.stack.inputs) == 1
    assert world.errors() == []
