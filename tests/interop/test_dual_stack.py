"""IPv6 between fastzt and the real libzt: TCP, UDP and ICMP, in addresses of every kind."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

import pytest
from commands import digest
from lab import Member, connect
from process import PATIENCE
from scene import Scene, Scenes, volume
from test_udp import exchange

pytestmark = pytest.mark.interop

PORTS = count(7400)


@dataclass
class House:
    """A network with IPv6 addresses of one kind, which both members have joined."""

    scene: Scene
    nwid: str
    kind: str

    def host(self, member: Member) -> str:
        return self.scene.address6(self.nwid, member, self.kind)


@pytest.fixture(scope="module", params=["rfc4193", "6plane", "managed"])
def house(request: pytest.FixtureRequest, scenes: Scenes) -> House:
    """libzt uses one address of IPv6 on a network, besides its link-local one."""
    scene = scenes.get()
    return House(scene, scene.dual_stack_network(request.param), request.param)


@pytest.mark.parametrize("client", ["fastzt", "libzt"])
def test_bytes_arrive_both_ways(house: House, client: str) -> None:
    near, far = house.scene.roles(client)
    pair = connect(near, far, house.nwid, next(PORTS), hosts=(house.host(near), house.host(far)))
    pair.transfer(volume(8), seed=6)
    pair.end()


@pytest.mark.parametrize("client", ["fastzt", "libzt"])
def test_datagrams_both_ways(house: House, client: str) -> None:
    """In one VL1 packet; in two; an IP packet that fills the MTU of 2800."""
    near, far = house.scene.roles(client)
    hosts = {member.name: house.host(member) for member in (near, far)}
    exchange(near, far, house.scene, [1, 1300, 2000, 2752], hosts)


def test_fragments_are_joined(house: House) -> None:
    """Two and three, from libzt, which itself joins no fragments of IPv6."""
    ours, theirs = house.scene.ours, house.scene.theirs
    port = next(PORTS)
    near, far = (m.peer.call("udp", host=house.host(m), port=port) for m in (ours, theirs))
    for size in (2753, 7000):
        received = ours.peer.start("next_datagram", handle=near)
        theirs.peer.call("datagram", handle=far, seed=1, size=size, host=house.host(ours), port=port)
        found = received.result(PATIENCE)
        assert (found["size"], found["sha256"]) == (size, digest(1, size))


def test_echo_and_refusals(house: House) -> None:
    ours, host = house.scene.ours.peer, house.host(house.scene.theirs)
    for size in (0, 56, 2700):
        assert ours.call("ping", nwid=house.nwid, host=host, count=2, size=size) == 2
    assert ours.call("refused", nwid=house.nwid, host=host, port=9) == "ConnectionRefusedError"
