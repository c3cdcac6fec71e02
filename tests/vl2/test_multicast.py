"""Groups: who is told and asked, what is queued, who may like and gather (PROTOCOL-VL2 6)."""

from __future__ import annotations

import pytest
from vl1.sim import at

from fastzt._core.endpoint import V4_PREFIX
from fastzt.vl2 import multicast
from fastzt.vl2.directory import LIKE_EXPIRE, Directory
from fastzt.wire.address import ALL_NODES_MAC, BROADCAST_MAC, resolution_group
from fastzt.wire.multicast import Like, MulticastFrame, encode_likes
from fastzt.wire.verbs import Verb
from vl2.bench import World, ip_of

C_AT = at("10.0.3.4")
ARP = 0x0806
GROUP = (0x01005E000001, 5)


@pytest.fixture
def world() -> World:
    return World()


def test_subscriptions_reach_root_and_controller(world: World) -> None:
    nwid = world.network()
    a, _ = world.join(nwid)
    world.run(1)
    assert a.multicast.groups == {resolution_group(ip_of(a)), (ALL_NODES_MAC, 0), (BROADCAST_MAC, 0)}
    directory = world.root.networks.directory
    assert directory.listeners((nwid, *resolution_group(ip_of(a))), world.now) == [world.a.address]
    both = set(directory.listeners((nwid, BROADCAST_MAC, 0), world.now))
    assert both == {world.a.address, world.b.address}
    first = len(world.root.times(Verb.MULTICAST_LIKE, world.a))
    world.run(180)
    assert len(world.root.times(Verb.MULTICAST_LIKE, world.a)) - first == 3


def test_a_member_is_told_after_the_gate_once_a_minute(world: World) -> None:
    nwid = world.network()
    a, b = world.join(nwid)
    world.meet(a, ip_of(b))
    world.run(30)
    assert len(world.a.times(Verb.MULTICAST_LIKE, world.b)) == 1


def test_likes_and_gathers_of_outsiders_are_ignored_by_members(world: World) -> None:
    nwid = world.network()
    outsider = world.host(world.spare, C_AT)
    a, b = world.join(nwid)
    world.meet(a, ip_of(b))
    likes = encode_likes([Like(nwid, BROADCAST_MAC, 0), Like(nwid ^ 1, BROADCAST_MAC, 0)])
    outsider.node.switch.send(world.a.address, Verb.MULTICAST_LIKE, likes, world.now)
    outsider.node.switch.send(world.root.address, Verb.MULTICAST_LIKE, likes, world.now)
    world.flush()
    world.until(lambda: bool(world.a.times(Verb.MULTICAST_LIKE, outsider)), 5)
    groups = world.a.networks.directory.groups
    assert all(outsider.address not in listeners for listeners in groups.values())
    # A root keeps a directory of any network, unauthenticated.
    root = world.root.networks.directory
    assert root.listeners((nwid ^ 1, BROADCAST_MAC, 0), world.now) == [outsider.address]


def test_a_queued_frame_goes_to_each_listener_once(world: World) -> None:
    nwid = world.network()
    a, b = world.join(nwid)
    world.meet(a, ip_of(b))
    b.multicast.groups.add(GROUP)
    assert a.multicast.send(*GROUP, 0x88B5, b"hello", world.now)
    world.flush()
    assert len(world.root.times(Verb.MULTICAST_GATHER, world.a)) == 1
    before = len(world.b.times(Verb.MULTICAST_FRAME, world.a))
    world.b.networks.switch.send(
        world.a.address, Verb.MULTICAST_LIKE, encode_likes([Like(nwid, *GROUP)] * 3), world.now
    )
    world.flush()
    world.run(2)
    assert len(world.b.times(Verb.MULTICAST_FRAME, world.a)) == before + 1
    assert world.b.total("wrong_ethertype") == 1
    world.run(6)
    assert a.multicast.queues == {}


def test_the_answer_to_a_frame_names_other_listeners(world: World) -> None:
    nwid = world.network()
    c = world.host(world.spare, C_AT)
    a, b, third = world.join(nwid, world.a, world.b, c)
    world.meet(a, ip_of(b))
    b.owner.directory.add((nwid, *GROUP), c.address, world.now)
    b.multicast.groups.add(GROUP)
    third.multicast.groups.add(GROUP)
    a.owner.directory.add((nwid, *GROUP), world.b.address, world.now)
    a.multicast.send(*GROUP, 0x88B5, b"hello", world.now)
    world.flush()
    world.until(lambda: bool(c.times(Verb.MULTICAST_FRAME, world.a)), 5)
    assert set(a.owner.directory.listeners((nwid, *GROUP), world.now)) == {world.b.address, c.address}


def test_groups_that_we_do_not_listen_to_are_not_delivered(world: World) -> None:
    nwid = world.network()
    a, b = world.join(nwid)
    peer = world.meet(a, ip_of(b))
    before = world.b.total("wrong_ethertype")
    frame = MulticastFrame(nwid, *GROUP, 0x88B5, b"x")
    world.a.networks.switch.send(peer.address, Verb.MULTICAST_FRAME, frame.to_bytes(), world.now)
    world.flush()
    world.run(1)
    assert world.b.total("wrong_ethertype") == before
    forged = MulticastFrame(nwid, *resolution_group(ip_of(b)), ARP, b"x" * 28, source=0x020000000001)
    world.a.networks.switch.send(peer.address, Verb.MULTICAST_FRAME, forged.to_bytes(), world.now)
    world.flush()
    world.run(1)
    assert world.b.total("wrong_mac") == 1


def test_without_multicast_nothing_is_sent(world: World) -> None:
    nwid = world.network({"multicastLimit": 0})
    a, b = world.join(nwid)
    assert a.resolve(ip_of(b), world.now) is None
    world.flush()
    world.until(lambda: bool(world.a.stack.lost), 10)
    assert world.root.times(Verb.MULTICAST_GATHER, world.a) == []


def test_queues_are_capped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multicast, "MAX_QUEUED", 2)
    monkeypatch.setattr(multicast, "MAX_GROUPS", 3)
    nwid = world.network()
    (a,) = world.join(nwid, world.a)
    for adi in range(5):
        for _ in range(3):
            a.multicast.send(GROUP[0], adi, 0x88B5, b"x", world.now)
    assert len(a.multicast.queues) == 3
    assert {len(queue) for queue in a.multicast.queues.values()} == {2}
    assert len(a.multicast.gathered_at) <= 3
    assert world.a.total("queue_full") == 5 + 2


def test_directory_is_capped_and_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    from fastzt.vl2 import directory as module

    monkeypatch.setattr(module, "MAX_GROUPS", 3)
    monkeypatch.setattr(module, "MAX_LISTENERS", 2)
    monkeypatch.setattr(module, "MAX_ENTRIES", 4)
    known = Directory()
    group = (1, BROADCAST_MAC, 0)
    assert known.add(group, 1, 0)
    assert not known.add(group, 1, 1)
    assert known.add(group, 2, 2)
    assert known.add(group, 3, 3)
    assert known.listeners(group, 4) == [2, 3]
    for nwid in (2, 3, 4):
        known.add((nwid, BROADCAST_MAC, 0), 9, 5)
    assert group not in known.groups
    assert known.entries == sum(len(listeners) for listeners in known.groups.values()) == 3
    known.remove((2, BROADCAST_MAC, 0), 9)
    assert known.entries == 2
    known.expire(5 + LIKE_EXPIRE)
    assert (known.entries, known.groups) == (0, {})


def test_expired_listeners_are_not_told() -> None:
    known = Directory()
    group = (1, BROADCAST_MAC, 0)
    known.add(group, 1, 0)
    assert known.listeners(group, LIKE_EXPIRE - 1) == [1]
    assert known.listeners(group, LIKE_EXPIRE) == []
    assert known.add(group, 1, LIKE_EXPIRE)


def test_pending_resolutions_are_capped(world: World) -> None:
    nwid = world.network()
    (a,) = world.join(nwid, world.a)
    for host in range(300):
        a.resolve(V4_PREFIX + bytes([10, 121, host >> 8, host & 255]), world.now)
    assert len(a.resolution.pending) == 256
    assert len(world.a.stack.lost) == 300 - 256


def test_groups_of_sockets_are_announced_and_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multicast, "MAX_JOINED", 1)
    nwid = world.network()
    a, _ = world.join(nwid)
    world.run(1)
    assert a.multicast.join(*GROUP, world.now)
    assert a.multicast.join(*GROUP, world.now)
    assert not a.multicast.join(GROUP[0] + 1, 0, world.now)
    world.flush()
    world.run(1)
    assert world.root.networks.directory.listeners((nwid, *GROUP), world.now) == [world.a.address]
    a.multicast.leave(*GROUP, world.now)
    assert a.multicast.is_subscribed(*GROUP)
    a.multicast.leave(*GROUP, world.now)
    a.multicast.leave(*GROUP, world.now)
    assert not a.multicast.is_subscribed(*GROUP)
    assert a.multicast.joined == {}
