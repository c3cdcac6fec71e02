"""Which way packets go: the quickest path, the relay when it dies, and back; moves, failing roots, NATs."""

from __future__ import annotations

import itertools

import pytest

from fastzt._core.endpoint import Endpoint, LocalSocket
from fastzt.vl1.config import SwitchConfig
from fastzt.vl1.events import PathChanged, UdpAnswered, UdpSilent
from fastzt.vl1.timing import SECOND
from fastzt.wire.verbs import Verb

from .nat import Kind, Nat
from .sim import A_AT, B_AT, ROOT_AT, Bench, Node, Triangle, at, identities, planet, triangle
from .test_behaviour import two_roots
from .test_switch import met, online, send_hot

STEP = 0.1


def talk(t: Triangle, seconds: float) -> list[tuple[int, int]]:
    """Both send each 100 ms; when (us after the beginning) and by how many hops each frame reached b."""
    found: list[tuple[int, int]] = []
    start = t.bench.now
    for _ in range(round(seconds / STEP)):
        seen = len(t.b.sink.taken)
        t.a.switch.send(t.b.address, Verb.FRAME, b"from a", t.bench.now)
        t.b.switch.send(t.a.address, Verb.FRAME, b"from b", t.bench.now)
        t.bench.run(STEP)
        found += [(t.bench.now - start, hops) for _, _, hops in t.b.sink.taken[seen:]]
    return found


def cut(*pair: Endpoint) -> object:
    """A link's rule that lets nothing pass between two endpoints."""
    return lambda source, target, data: {source, target} == set(pair)


def test_a_dead_direct_path_is_left_within_three_seconds_and_taken_again() -> None:
    t = met()
    assert {hops for _, hops in talk(t, 3)} == {0}
    t.a.events.clear()
    t.bench.link.drop = cut(A_AT, B_AT)  # type: ignore[assignment]
    arrived = talk(t, 10)
    assert arrived[0][0] < 3 * SECOND
    assert {hops for _, hops in arrived} == {1}
    gaps = [b - a for (a, _), (b, _) in itertools.pairwise(arrived)]
    assert max(gaps) < SECOND // 2
    assert PathChanged(t.b.address, None) in t.a.events
    t.bench.link.drop = lambda source, target, data: False
    back = [when for when, hops in talk(t, 10) if hops == 0]
    assert back[0] < 5 * SECOND
    assert t.a.events[-1] == PathChanged(t.b.address, B_AT)
    assert t.bench.errors() == []


@pytest.mark.parametrize("blocked", [(A_AT, B_AT), (B_AT, A_AT)])
def test_a_path_that_is_dead_in_one_direction_is_left_by_whoever_uses_it(
    blocked: tuple[Endpoint, Endpoint],
) -> None:
    t = met()
    talk(t, 2)
    t.bench.link.drop = lambda source, target, data: (source, target) == blocked
    talk(t, 3)
    before = (len(t.a.sink.taken), len(t.b.sink.taken))
    talk(t, 20)
    # Whoever hears nothing relays; the other one, whose questions stay unanswered, does so because of that.
    assert len(t.a.sink.taken) - before[0] > 195
    assert len(t.b.sink.taken) - before[1] > 195
    t.bench.link.drop = lambda source, target, data: False
    talk(t, 6)
    assert {hops for _, hops in talk(t, 2)} == {0}


def test_a_receiver_follows_its_sender_to_the_relay() -> None:
    """The other node only answers: when frames come by the relay, its answers go there at once."""
    t = met()
    talk(t, 2)
    t.bench.link.drop = cut(A_AT, B_AT)  # type: ignore[assignment]
    start, seen = t.bench.now, len(t.b.sink.taken)
    t.a.sink.taken.clear()
    while not t.a.sink.taken:
        t.a.switch.send(t.b.address, Verb.FRAME, b"question", t.bench.now)
        t.bench.run(STEP)
        if len(t.b.sink.taken) > seen:
            seen = len(t.b.sink.taken)
            t.b.switch.send(t.a.address, Verb.FRAME, b"answer", t.bench.now)
        assert t.bench.now - start < 3 * SECOND
    assert t.a.sink.taken[0][2] == 1


def two_ways(t: Triangle) -> Endpoint:
    """Give b a second address that a knows of; it."""
    second = at("10.0.3.3")
    t.b.endpoints.append(second)
    local = [LocalSocket(i, endpoint) for i, endpoint in enumerate(t.b.endpoints)]
    t.b.switch.sockets_changed(local, t.bench.now)
    peer = t.a.peer(t.b)
    assert peer is not None
    t.a.switch.context.probing.start(peer, second, [0], t.bench.now)
    t.bench.until(lambda: len(peer.paths) == 2, 5)
    return second


def active(t: Triangle) -> None:
    """Both count the other as a peer with VL2 traffic."""
    for node, other in ((t.a, t.b), (t.b, t.a)):
        peer = node.peer(other)
        assert peer is not None
        peer.last_active = t.bench.now


def test_the_quicker_path_is_taken_once_it_is_clearly_quicker() -> None:
    t = met()
    second = two_ways(t)
    active(t)
    t.bench.run(40)
    t.a.events.clear()
    slow = t.bench.link.slow
    slow[frozenset((A_AT.ip, B_AT.ip))] = 60_000
    t.bench.run(60)
    assert t.a.path_to(t.b) == second
    assert t.a.events.count(PathChanged(t.b.address, second)) <= 1
    slow.clear()
    slow[frozenset((A_AT.ip, second.ip))] = 60_000
    t.bench.run(60)
    assert t.a.path_to(t.b) == B_AT


def test_paths_that_are_about_as_quick_do_not_alternate() -> None:
    t = met()
    two_ways(t)
    active(t)
    t.bench.run(40)
    held = t.a.path_to(t.b)
    assert held is not None
    t.a.events.clear()
    t.bench.link.slow[frozenset((A_AT.ip, held.ip))] = 500  # one millisecond more for a round trip of ten
    t.bench.link.jitter = 500
    t.bench.run(300)
    assert t.a.path_to(t.b) == held
    assert [event for event in t.a.events if isinstance(event, PathChanged)] == []


def test_a_second_path_takes_over_within_two_seconds() -> None:
    t = met()
    second = two_ways(t)
    talk(t, 2)
    used = t.a.path_to(t.b)
    assert used is not None
    other = second if used == B_AT else B_AT
    t.bench.link.drop = lambda source, target, data: used in (source, target)
    talk(t, 2)
    assert t.a.path_to(t.b) == other
    assert {hops for _, hops in talk(t, 5)} == {0}


def test_a_node_that_moves_goes_on_within_three_seconds() -> None:
    """Its socket stays, its address changes: what it sends teaches the other end."""
    t = met()
    talk(t, 2)
    moved = at("10.0.2.99")
    t.b.endpoints[0] = moved
    arrived = talk(t, 6)
    assert arrived[0][0] < 3 * SECOND
    assert t.a.path_to(t.b) == moved
    assert {hops for when, hops in arrived if when > 4 * SECOND} == {0}


def test_a_relayed_flow_survives_the_death_of_its_root() -> None:
    bench, (_, _, a, b) = two_roots()
    wall = cut(a.endpoints[0], b.endpoints[0])
    bench.link.drop = wall  # type: ignore[assignment]
    a.switch.send(b.address, Verb.FRAME, b"first", bench.now)
    bench.until(lambda: bool(b.sink.taken), 5)
    t = Triangle(bench, a.switch.planet, bench.nodes[0], a, b)
    assert {hops for _, hops in talk(t, 5)} == {1}
    used = {
        target
        for when, source, target, _ in bench.sent
        if source == a.endpoints[0] and when > bench.now - SECOND
    }
    dead = a.switch.best_root(bench.now).paths[0].endpoint  # type: ignore[union-attr]
    assert dead in used
    bench.link.drop = lambda s, e, data: dead in (s, e) or wall(s, e, data)  # type: ignore[operator]
    arrived = talk(t, 10)
    assert arrived[0][0] < 3 * SECOND
    gaps = [second - first for (first, _), (second, _) in itertools.pairwise(arrived)]
    assert max(gaps) < SECOND
    assert len(arrived) > 60


def test_roots_that_are_about_as_quick_do_not_alternate() -> None:
    bench, (_, _, a, _) = two_roots()
    bench.link.jitter = 2_000
    bench.run(30)
    chosen = set()
    for _ in range(300):
        root = a.switch.best_root(bench.now)
        assert root is not None
        chosen.add(root.address)
        bench.run(1)
    assert len(chosen) == 1


PUBLIC = ("198.51.100.11", "203.0.113.22")
INSIDE = ("10.1.0.2", "10.2.0.2")
RELAYED = {
    frozenset({Kind.SYMMETRIC}),
    frozenset({Kind.SYMMETRIC, Kind.PORT_RESTRICTED}),
}


def behind(kinds: tuple[Kind, Kind]) -> Triangle:
    """Two nodes, each behind a NAT of its own, and a root in the open."""
    bench = Bench()
    ids = identities()
    root_at = at("192.0.2.1")
    world = planet([(ids[0], [root_at])])
    root = bench.node(ids[0], world, [root_at], SwitchConfig(root=True))
    nodes: list[Node] = []
    for i, kind in enumerate(kinds):
        inner, public = at(INSIDE[i]), at(PUBLIC[i])
        if kind is Kind.NONE:
            nodes.append(bench.node(ids[i + 1], world, [public]))
        else:
            bench.nats.append(Nat(kind, public.ip, {inner.ip}))
            nodes.append(bench.node(ids[i + 1], world, [inner]))
    return Triangle(bench, world, root, *nodes)


def both(kinds: tuple[Kind, Kind]) -> str:
    """The name of a pair."""
    return " and ".join(kind.value for kind in kinds)


@pytest.mark.parametrize("kinds", list(itertools.combinations_with_replacement(Kind, 2)), ids=both)
def test_nodes_behind_nats_meet_where_that_is_possible(kinds: tuple[Kind, Kind]) -> None:
    t = behind(kinds)
    t.bench.until(lambda: online(t), 10)
    talk(t, 40)
    relayed = frozenset(kinds) in RELAYED
    late = {hops for _, hops in talk(t, 10)}
    assert late == ({1} if relayed else {0})
    assert (t.a.path_to(t.b) is None) == relayed
    # A direct path outlives the mapping's timeout while its ends say nothing else.
    active(t)
    t.bench.run(100)
    send_hot(t, b"after a pause")
    t.bench.run(1)
    assert t.b.sink.taken[-1][1:] == (b"after a pause", 1 if relayed else 0)
    assert t.bench.errors() == []


def test_a_pair_that_cannot_meet_tells_what_was_tried() -> None:
    t = behind((Kind.SYMMETRIC, Kind.SYMMETRIC))
    t.bench.until(lambda: online(t), 10)
    talk(t, 20)
    peer = t.a.peer(t.b)
    assert peer is not None
    assert peer.paths == []
    assert at(PUBLIC[1]).ip in {endpoint.ip for endpoint in peer.tried}
    assert len(peer.tried) <= 32


def test_a_change_of_our_addresses_is_told_at_once() -> None:
    t = met()
    talk(t, 2)
    t.b.switch.advertise([at("10.0.2.3", 9993)], t.bench.now)
    t.bench.run(1)
    before = len(t.bench.sent)
    t.b.switch.advertise([at("10.0.2.3", 9993), at("10.0.9.9", 9993)], t.bench.now)
    talk(t, 1)
    targets = {target for _, source, target, _ in t.bench.sent[before:] if source == A_AT}
    assert at("10.0.9.9", 9993) in targets
    hellos = [d for _, s, e, d in t.bench.sent[before:] if (s, e) == (B_AT, ROOT_AT) and d[18] == 0]
    assert hellos


def test_all_paths_of_a_peer_that_has_gone_are_given_up_together() -> None:
    t = met()
    second = two_ways(t)
    talk(t, 2)
    t.bench.run(10)
    dead = {B_AT, second}
    t.bench.link.drop = lambda source, target, data: (
        A_AT in (source, target) and bool(dead & {source, target})
    )
    arrived = talk(t, 5)
    assert arrived[0][0] < 3 * SECOND
    assert {hops for _, hops in arrived} == {1}


def test_udp_that_nobody_answers_is_told_after_ten_seconds_and_when_it_works_again() -> None:
    t = triangle()
    t.bench.link.drop = lambda source, target, data: A_AT in (source, target)
    took = t.bench.until(lambda: UdpSilent() in t.a.events, 15)
    assert 10 <= took < 12.6
    t.bench.run(60)
    assert t.a.events.count(UdpSilent()) == 1
    assert UdpSilent() not in t.b.events
    t.bench.link.drop = lambda source, target, data: False
    t.bench.until(lambda: UdpAnswered() in t.a.events, 60)
    t.bench.run(300)
    assert t.a.events.count(UdpSilent()) == t.a.events.count(UdpAnswered()) == 1
    t.bench.link.drop = lambda source, target, data: A_AT in (source, target)
    t.bench.until(lambda: t.a.events.count(UdpSilent()) == 2, 40)


def test_one_root_that_answers_is_enough() -> None:
    bench, (_, second, a, _) = two_roots()
    dead = second.endpoints[0]
    bench.link.drop = lambda source, target, data: dead in (source, target)
    bench.run(300)
    assert UdpSilent() not in a.events


def test_a_tunnel_is_a_way_to_the_root_while_udp_is_blocked() -> None:
    t = triangle()
    relayed = at("192.0.2.77", 5555)
    t.bench.link.drop = lambda source, target, data: A_AT in (source, target)
    t.bench.until(lambda: UdpSilent() in t.a.events, 15)
    t.a.endpoints.append(relayed)
    local = [LocalSocket(0, A_AT), LocalSocket(1, at("0.0.0.0", 0), True)]
    t.a.switch.sockets_changed(local, t.bench.now)
    assert t.bench.until(lambda: t.a.switch.online, 5) < 1
    assert UdpAnswered() not in t.a.events
    talk(t, 5)
    assert t.b.sink.taken
    t.bench.link.drop = lambda source, target, data: False
    t.bench.until(lambda: UdpAnswered() in t.a.events, 30)
    t.a.endpoints.pop()
    t.a.switch.sockets_changed(local[:1], t.bench.now)
    seen = len(t.b.sink.taken)
    talk(t, 5)
    assert len(t.b.sink.taken) - seen >= 45
    assert t.bench.errors() == []


@pytest.mark.parametrize("blocked", [4, 6])
def test_a_pair_of_which_one_ip_version_is_blocked_meets_by_the_other(blocked: int) -> None:
    bench = Bench()
    ids = identities()
    root_at = [at("10.0.0.1"), at("fd00::1")]
    world = planet([(ids[0], root_at)])
    root = bench.node(ids[0], world, root_at, SwitchConfig(root=True))
    a = bench.node(ids[1], world, [at("10.0.1.2"), at("fd00::2")])
    b = bench.node(ids[2], world, [at("10.0.1.3"), at("fd00::3")])
    four, six = {at("10.0.1.2"), at("10.0.1.3")}, {at("fd00::2"), at("fd00::3")}
    bench.link.drop = lambda s, e, data: {s, e} == (four if blocked == 4 else six)
    for node in (a, b):
        node.switch.context.direct_paths.own_endpoints = lambda now: []  # introductions alone
    bench.until(lambda: all(len(node.switch.roots()[0].paths) == 2 for node in (a, b)), 10)
    t = Triangle(bench, world, root, a, b)
    talk(t, 12)
    assert t.a.path_to(t.b) in (four if blocked == 6 else six)
    assert t.b.path_to(t.a) in (four if blocked == 6 else six)


def test_a_second_port_is_used_where_the_first_is_filtered() -> None:
    bench = Bench()
    ids = identities()
    world = planet([(ids[0], [ROOT_AT])])
    bench.node(ids[0], world, [ROOT_AT], SwitchConfig(root=True))
    a = bench.node(ids[1], world, [A_AT, at("10.0.1.2", 40000)])
    bench.link.drop = lambda s, e, data: A_AT in (s, e)
    bench.until(lambda: a.switch.online, 5)
    root = a.switch.roots()[0]
    assert [path.socket for path in root.paths] == [1]
