"""UDP and ICMP between fastzt and the real libzt: sizes with and without fragments, refusals, echoes."""

from __future__ import annotations

from itertools import count

import pytest
from commands import digest
from lab import Member, done
from scene import Scene, Scenes

pytestmark = pytest.mark.interop

# In one VL1 packet; in two; an IP packet that fills the network's MTU of 2800; in two and three IP fragments.
SIZES = [1, 1300, 2000, 2772, 2773, 7000]
PORTS = count(7100)


def exchange(
    near: Member, far: Member, scene: Scene, sizes: list[int], hosts: dict[str, str] | None = None
) -> None:
    """Each size from near to far and back, every digest compared; `hosts`: addresses by the member's name."""
    port = next(PORTS)
    hosts = hosts or {member.name: member.address(scene.nwid) for member in (near, far)}
    ends = {name: (host, port) for name, host in hosts.items()}
    handles = {
        name: member.peer.call("udp", host=ends[name][0], port=port)
        for name, member in ((near.name, near), (far.name, far))
    }
    for seed, size in enumerate(sizes):
        for sender, receiver in ((near, far), (far, near)):
            host, to = ends[receiver.name]
            received = receiver.peer.start("next_datagram", handle=handles[receiver.name])
            sender.peer.call(
                "datagram", handle=handles[sender.name], seed=seed, size=size, host=host, port=to
            )
            done(received)
            source = ends[sender.name]
            expected = {"size": size, "sha256": digest(seed, size), "host": source[0], "port": source[1]}
            assert received.result() == expected
    for member in (near, far):
        member.peer.call("close", handle=handles[member.name])


@pytest.mark.parametrize("client", ["fastzt", "libzt"])
@pytest.mark.parametrize("mtu", [1500, 1280])
def test_datagrams_both_ways(scenes: Scenes, mtu: int, client: str) -> None:
    scene = scenes.get(mtu)
    exchange(*scene.roles(client), scene, SIZES)


def test_echo(scenes: Scenes) -> None:
    scene = scenes.get()
    host = scene.theirs.address(scene.nwid)
    for size in (0, 56, 2700):
        assert scene.ours.peer.call("ping", nwid=scene.nwid, host=host, count=3, size=size) == 3


def test_nobody_listens(scenes: Scenes) -> None:
    scene = scenes.get()
    host = scene.theirs.address(scene.nwid)
    error = scene.ours.peer.call("refused", nwid=scene.nwid, host=host, port=9)
    assert error == "ConnectionRefusedError"


def test_a_broadcast_of_libzt(scenes: Scenes) -> None:
    """To its subnet. The other way none can get through: libzt announces that it listens to ARP alone."""
    scene = scenes.get()
    near, far, port = scene.theirs, scene.ours, next(PORTS)
    host = near.address(scene.nwid)
    ours, theirs = (
        m.peer.call("udp", host=m.address(scene.nwid), port=port, everybody=True) for m in (far, near)
    )
    received = far.peer.start("next_datagram", handle=ours)
    everybody = host.rpartition(".")[0] + ".255"
    near.peer.call("datagram", handle=theirs, seed=1, size=100, host=everybody, port=port)
    done(received)
    assert received.result() == {"size": 100, "sha256": digest(1, 100), "host": host, "port": port}
    for member, handle in ((far, ours), (near, theirs)):
        member.peer.call("close", handle=handle)
