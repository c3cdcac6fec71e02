"""Networks over real Switches: joining, credentials, address resolution, frames, denial and revocation."""

from __future__ import annotations

from itertools import pairwise

import pytest
from vl1.sim import at

from fastzt._core.endpoint import V4_PREFIX
from fastzt.vl1.timing import SECOND
from fastzt.vl2.events import AddressChanged, ConfigChanged, Denied, Joined
from fastzt.vl2.status import Status
from fastzt.wire.arp import REPLY, Arp
from fastzt.wire.error_body import ErrorBody
from fastzt.wire.verbs import ErrorCode, Verb
from vl2.bench import World, ip_of, ipv4

ARP = 0x0806
C_AT = at("10.0.3.4")


@pytest.fixture
def world() -> World:
    return World()


def of_type(events: list[object], kind: type) -> list[object]:
    return [event for event in events if isinstance(event, kind)]


def is_empty(items: list[object]) -> bool:
    return not items


# joining


def test_join_gives_addresses_and_events(world: World) -> None:
    nwid = world.network()
    a, b = world.join(nwid)
    assert a.status == b.status == Status.OK
    assert ip_of(a) != ip_of(b)
    assert [bits for _, bits in a.addresses] == [24]
    assert a.routes[0][1:] == (24, None, 0)
    assert of_type(world.a.events, Joined) == [Joined(nwid, a.addresses)]
    assert of_type(world.a.events, AddressChanged) == [AddressChanged(nwid, a.addresses)]
    assert of_type(world.a.events, ConfigChanged)[-1].config == a.config_bytes
    assert world.a.stack.changes == 1
    assert world.errors() == []


def test_denied_at_once_and_joined_within_a_period_of_being_authorized(world: World) -> None:
    nwid = world.network()
    (a,) = world.join(nwid, world.a, authorize=False)
    took = world.until(lambda: a.status == Status.DENIED, 10)
    assert took < 2
    assert of_type(world.a.events, Denied) == [Denied(nwid, Status.DENIED)]
    world.run(12)
    assert len(of_type(world.a.events, Denied)) == 1
    world.controller.authorize(nwid, world.a.address, world.now)
    assert world.until(lambda: a.status == Status.OK, 10) <= 6
    assert of_type(world.a.events, Joined) == [Joined(nwid, a.addresses)]


def test_unknown_networks_are_not_found(world: World) -> None:
    nwid = world.network()
    missing = world.a.networks.join(nwid ^ 1, world.now)
    elsewhere = world.a.networks.join(world.b.address << 24 | 7, world.now)
    world.flush()
    world.until(lambda: missing.status == Status.NOT_FOUND, 5)
    world.until(lambda: elsewhere.status == Status.NOT_FOUND, 5)


def test_requests_keep_their_distance(world: World) -> None:
    nwid = world.network()
    world.join(nwid, world.a)
    world.join(nwid ^ 1, world.b, authorize=False)
    world.run(200)
    for host in (world.a, world.b):
        times = world.root.times(Verb.NETWORK_CONFIG_REQUEST, host)
        assert all(later - earlier > SECOND for earlier, later in pairwise(times))
    assert 4 <= len(world.root.times(Verb.NETWORK_CONFIG_REQUEST, world.a)) <= 5
    assert 40 <= len(world.root.times(Verb.NETWORK_CONFIG_REQUEST, world.b)) <= 44


def test_a_controller_joins_its_own_network(world: World) -> None:
    nwid = world.network()
    world.controller.authorize(nwid, world.root.address, world.now)
    own = world.root.networks.join(nwid, world.now)
    own.bind(world.root.stack)
    assert own.status == Status.OK
    (a,) = world.join(nwid, world.a)
    peer = world.meet(a, ip_of(own))
    assert peer.address == world.root.address
    assert world.send_ip(a, peer, ipv4(ip_of(a), ip_of(own))) > 0
    world.until(lambda: bool(world.root.stack.inputs), 3)


def test_leaving_forgets_everything(world: World) -> None:
    nwid = world.network()
    a, b = world.join(nwid)
    peer = world.meet(a, ip_of(b))
    world.send_ip(a, peer, ipv4(ip_of(a), ip_of(b)))
    world.run(1)
    assert peer.token is not None
    world.a.networks.leave(nwid, world.now)
    assert world.a.networks.get(nwid) is None
    assert peer.token is None
    back = world.b.node.switch.peer(world.a.address)
    assert back is not None
    before = world.a.total("unknown_network")
    world.send_ip(b, back, ipv4(ip_of(b), ip_of(a)))
    world.run(1)
    assert world.a.total("unknown_network") > before
    again = world.join(nwid, world.a)[0]
    assert again.status == Status.OK


# frames


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
    back = world.b.node.switch.peer(world.a.address)
    assert back is not None
    assert verdict == b.state_of(back) > 0
    world.b.stack.flows.add((sender, verdict))
    assert world.send_ip(a, peer, packet, generation) == generation
    world.until(lambda: bool(world.b.stack.fast), 2)
    assert world.b.stack.fast == [(sender, packet, verdict)]
    assert len(world.b.stack.inputs) == 1
    assert back.is_trusted(world.now)
    assert world.errors() == []


def test_credentials_come_before_the_first_frame_in_both_directions(world: World) -> None:
    nwid = world.network()
    a, b = world.join(nwid)
    peer = world.meet(a, ip_of(b))
    world.send_ip(a, peer, ipv4(ip_of(a), ip_of(b)))
    world.until(lambda: bool(world.b.stack.inputs), 2)
    for host, other in ((world.a, world.b), (world.b, world.a)):
        verbs = [v for v, address, _, _ in host.networks.seen if address == other.address]
        shown = verbs.index(Verb.NETWORK_CREDENTIALS)
        frames = [i for i, v in enumerate(verbs) if v in (Verb.FRAME, Verb.MULTICAST_FRAME)]
        assert shown < frames[0]
        assert Verb.ERROR not in verbs


def test_credentials_are_shown_again_after_each_config_and_no_sooner(world: World) -> None:
    nwid = world.network()
    a, b = world.join(nwid)
    peer = world.meet(a, ip_of(b))
    start = len(world.b.times(Verb.NETWORK_CREDENTIALS, world.a))
    for _ in range(250):
        world.send_ip(a, peer, ipv4(ip_of(a), ip_of(b)))
        world.run(0.5)
    times = world.b.times(Verb.NETWORK_CREDENTIALS, world.a)
    assert len(times) - start in (2, 3)
    assert all(later - earlier > SECOND for earlier, later in pairwise(times))
    assert len(world.b.stack.inputs) == 250


def test_a_late_certificate_delays_the_frame_but_does_not_lose_it(world: World) -> None:
    nwid = world.network()
    a, b = world.join(nwid)
    peer = world.meet(a, ip_of(b))
    world.run(2)
    b.membership.clear()
    b.generation += 1
    packet = ipv4(ip_of(a), ip_of(b), b"late")
    world.send_ip(a, peer, packet)
    took = world.until(lambda: bool(world.b.stack.inputs), 5)
    assert took < 0.1
    assert [data for _, data, _ in world.b.stack.inputs] == [packet]
    world.run(6)
    assert len(world.b.stack.inputs) == 1
    assert len(world.a.times(Verb.ERROR, world.b)) == 1


def test_a_stranger_is_refused_and_asked_at_most_once_a_second(world: World) -> None:
    nwid = world.network()
    a, b = world.join(nwid)
    peer = world.meet(a, ip_of(b))
    world.run(2)
    b.membership.clear()
    b.generation += 1
    a.credentials.build(a.config.__class__(nwid, world.a.address))
    packet = ipv4(ip_of(a), ip_of(b))
    for _ in range(20):
        world.send_ip(a, peer, packet)
        world.run(0.1)
    world.run(6)
    assert world.b.stack.inputs == []
    complaints = world.a.times(Verb.ERROR, world.b)
    assert 2 <= len(complaints) <= 8
    assert all(later - earlier >= SECOND for earlier, later in pairwise(complaints))
    assert set(world.a.stack.refusals) == {world.b.address}


def test_a_public_network_needs_no_certificate(world: World) -> None:
    nwid = world.network({"private": False})
    a, b = world.join(nwid, authorize=False)
    world.until(lambda: a.config is not None and b.config is not None, 5)
    peer = world.meet(a, ip_of(b))
    b.membership.clear()
    b.generation += 1
    a.credentials.build(a.config.__class__(nwid, world.a.address))
    world.send_ip(a, peer, ipv4(ip_of(a), ip_of(b)))
    world.until(lambda: bool(world.b.stack.inputs), 2)


def test_revocation_cuts_a_member_off_and_a_new_certificate_lets_it_back(world: World) -> None:
    nwid = world.network()
    a, b = world.join(nwid)
    peer = world.meet(a, ip_of(b))
    packet = ipv4(ip_of(a), ip_of(b))
    world.send_ip(a, peer, packet)
    world.until(lambda: bool(world.b.stack.inputs), 2)
    sender, _, verdict = world.b.stack.inputs.pop()
    world.b.stack.flows.add((sender, verdict))
    world.controller.authorize(nwid, world.a.address, world.now, False)
    world.flush()
    world.run(1)
    world.send_ip(a, peer, packet)
    world.run(4)
    assert is_empty(world.b.stack.inputs)
    assert is_empty(world.b.stack.fast)
    world.run(60)
    assert a.status == Status.DENIED
    world.controller.authorize(nwid, world.a.address, world.now)
    world.until(lambda: a.status == Status.OK, 7)
    world.send_ip(a, peer, packet)
    world.until(lambda: bool(world.b.stack.inputs), 3)


def test_the_state_changes_with_config_and_credentials(world: World) -> None:
    nwid = world.network()
    a, b = world.join(nwid)
    peer = world.meet(a, ip_of(b))
    states = [a.state_of(peer)]
    world.controller.update_network(nwid, {"name": "other"}, world.now)
    world.run(2)
    states.append(a.state_of(peer))
    world.controller.update_member(nwid, world.b.address, {"tags": [[1, 2]]}, world.now)
    world.run(2)
    back = world.b.node.switch.peer(world.a.address)
    assert back is not None
    world.send_ip(b, back, ipv4(ip_of(b), ip_of(a)))
    world.run(2)
    states.append(a.state_of(peer))
    assert states == sorted(set(states))
    assert a.claims_at(a.member_of(peer)).tags == {1: 2}


def test_a_frame_whose_ethertype_lies_is_dropped(world: World) -> None:
    nwid = world.network()
    a, b = world.join(nwid)
    peer = world.meet(a, ip_of(b))
    assert a.send(peer, 0x86DD, ipv4(ip_of(a), ip_of(b)), world.now)
    world.flush()
    world.run(1)
    assert is_empty(world.b.stack.inputs)
    assert world.b.total("wrong_ethertype") == 1


def test_a_data_plane_error_ends_what_is_pending(world: World) -> None:
    nwid = world.network()
    a, b = world.join(nwid)
    world.meet(a, ip_of(b))
    body = bytes([Verb.FRAME]) + bytes(8) + ErrorBody(ErrorCode.NETWORK_ACCESS_DENIED, nwid).to_bytes()
    world.b.node.switch.send(world.a.address, Verb.ERROR, body, world.now)
    world.flush()
    world.until(lambda: bool(world.a.stack.refusals), 2)
    assert world.a.stack.refusals == [world.b.address]
    assert a.status == Status.OK


# address resolution


def test_resolution_asks_and_remembers(world: World) -> None:
    nwid = world.network()
    a, b = world.join(nwid)
    assert a.resolve(ip_of(b), world.now) is None
    world.flush()
    assert world.until(lambda: bool(world.a.stack.found), 5) < 2
    assert world.a.stack.found == [(ip_of(b), world.b.address)]
    requests = len(world.b.times(Verb.MULTICAST_FRAME, world.a))
    assert a.resolve(ip_of(b), world.now) is world.a.node.switch.peer(world.b.address)
    world.run(5)
    assert len(world.b.times(Verb.MULTICAST_FRAME, world.a)) == requests


def test_nobody_there_is_unreachable_after_four_tries(world: World) -> None:
    nwid = world.network()
    (a,) = world.join(nwid, world.a)
    dead = V4_PREFIX + bytes([10, 121, 15, 200])
    assert a.resolve(dead, world.now) is None
    assert a.resolve(dead, world.now) is None
    world.flush()
    assert 3 <= world.until(lambda: bool(world.a.stack.lost), 10) <= 5
    assert world.a.stack.lost == [dead]
    assert len(world.root.times(Verb.MULTICAST_GATHER, world.a)) == 4


def test_an_address_cannot_be_taken_over(world: World) -> None:
    nwid = world.network()
    c = world.host(world.spare, C_AT)
    a, b, third = world.join(nwid, world.a, world.b, c)
    peer = world.meet(a, ip_of(b))
    world.meet(third, ip_of(a))
    thief = c.node.switch.peer(world.a.address)
    assert thief is not None
    forged = Arp(REPLY, third.mac, ip_of(b), a.mac, ip_of(a))
    third.send(thief, ARP, forged.to_bytes(), world.now)
    stranger = Arp(REPLY, b.mac, V4_PREFIX + bytes([10, 121, 15, 77]), a.mac, ip_of(a))
    third.send(thief, ARP, stranger.to_bytes(), world.now)
    world.flush()
    world.run(2)
    assert a.resolve(ip_of(b), world.now) is peer
    assert set(a.resolution.neighbors) - {ip_of(third)} == {ip_of(b)}
    assert world.a.total("wrong_mac") == 1


def test_planned_ipv6_addresses_need_no_question(world: World) -> None:
    nwid = world.network({"v6AssignMode": {"6plane": True, "rfc4193": True, "zt": False}})
    a, b = world.join(nwid)
    six = [ip for ip, _ in b.addresses if not ip.startswith(V4_PREFIX)]
    assert len(six) == 2
    world.meet(a, ip_of(b))
    requests = len(world.b.times(Verb.MULTICAST_FRAME, world.a))
    for ip in six:
        peer = a.resolve(ip, world.now)
        assert peer is not None
        assert peer.address == world.b.address
    packet = bytes([0x60, 0, 0, 0, 0, 0, 59, 64]) + six[0] + six[0]
    assert world.send_ip(a, peer, packet) > 0
    world.until(lambda: bool(world.b.stack.inputs), 2)
    assert world.b.stack.inputs[0][1] == packet
    assert len(world.b.times(Verb.MULTICAST_FRAME, world.a)) == requests


def test_an_ipv6_address_outside_the_plan_is_unreachable(world: World) -> None:
    nwid = world.network()
    (a,) = world.join(nwid, world.a)
    ip = bytes.fromhex("20010db8") + bytes(11) + b"\1"
    assert a.resolve(ip, world.now) is None
    assert world.a.stack.lost == []
    world.until(lambda: world.a.stack.lost == [ip], 1)


def test_two_networks_with_the_same_prefix_stay_apart(world: World) -> None:
    first, second = world.network(), world.network()
    a1, b1 = world.join(first)
    a2, b2 = world.join(second)
    peer = world.meet(a1, ip_of(b1))
    assert world.meet(a2, ip_of(b2)) is peer
    world.b.networks.get(second).bind(type(world.b.stack)())
    world.send_ip(a1, peer, ipv4(ip_of(a1), ip_of(b1), b"one"))
    world.send_ip(a2, peer, ipv4(ip_of(a2), ip_of(b2), b"two"))
    world.run(2)
    assert [data[20:] for _, data, _ in world.b.stack.inputs] == [b"one"]
    assert [data[20:] for _, data, _ in b2.sink.inputs] == [b"two"]
