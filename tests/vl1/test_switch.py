"""Switches that find each other: discovery, WHOIS, ECHO, relaying, direct paths, fragments."""

from __future__ import annotations

import itertools

import pytest

from fastzt.vl1.events import Online, PathChanged, PeerSeen
from fastzt.vl1.timing import SECOND
from fastzt.wire.verbs import Verb

from .sim import A_AT, B_AT, ROOT_AT, Bench, Link, Triangle, at, triangle


def online(t: Triangle) -> bool:
    return t.a.switch.online and t.b.switch.online


def checked(t: Triangle) -> None:
    assert t.bench.errors() == []


def test_nodes_find_their_root() -> None:
    t = triangle()
    assert t.bench.until(lambda: online(t)) < 0.2
    for node in (t.a, t.b):
        assert Online() in node.events
        assert node.path_to(t.root) == ROOT_AT
        assert PathChanged(t.root.address, ROOT_AT) in node.events
        t.bench.until(lambda node=node: t.root.path_to(node) == node.endpoints[0], 5)
        assert PeerSeen(node.address) in t.root.events
        peer, root = t.root.peer(node), node.peer(t.root)
        assert peer is not None
        assert root is not None
        assert (peer.protocol, root.protocol) == (12, 12)
        assert (peer.suite, root.suite) == (3, 3)
        assert 9_000 < root.latency_us < 12_000
    checked(t)


def test_whois_then_echo_through_the_root_then_directly() -> None:
    t = triangle()
    t.bench.until(lambda: online(t))
    ids: list[int] = []
    assert t.a.switch.send_tracked(t.b.address, Verb.ECHO, b"hello", t.bench.now, ids.append) == 0
    t.bench.until(lambda: t.a.peer(t.b) is not None and t.b.peer(t.a) is not None)
    assert len(ids) == 1
    # The root introduces the two: they meet directly without another packet of ours.
    assert t.bench.until(lambda: t.a.path_to(t.b) == B_AT and t.b.path_to(t.a) == A_AT, 5) < 1
    assert t.root.total("relayed") > 0
    assert t.root.total("introduced") == 1
    assert (t.a.peer(t.b).protocol, t.b.peer(t.a).protocol) == (12, 12)  # type: ignore[union-attr]
    checked(t)


def test_frames_travel_relayed_and_then_directly() -> None:
    t = triangle()
    t.bench.until(lambda: online(t))
    t.a.switch.send(t.b.address, Verb.FRAME, b"first", t.bench.now)
    t.bench.until(lambda: len(t.b.sink.taken) == 1)
    assert t.b.sink.taken[0] == (t.a.address, b"first", 1)
    t.bench.until(lambda: t.a.path_to(t.b) is not None)
    send_hot(t, b"second")
    t.bench.until(lambda: len(t.b.sink.taken) == 2)
    assert t.b.sink.taken[1] == (t.a.address, b"second", 0)
    checked(t)


def send_hot(t: Triangle, payload: bytes) -> int:
    """One frame from a to b by reserve and seal; the number of datagrams it took."""
    bench, switch = t.bench, t.a.switch
    bench.out.clear()
    peer = t.a.peer(t.b)
    assert peer is not None
    offset = switch.reserve(peer, bench.out, len(payload), bench.now)
    if offset < 0:
        return 0
    bench.out.slab.view[offset : offset + len(payload)] = payload
    switch.seal(peer, bench.out, len(payload), Verb.FRAME, bench.now)
    switch.complete()
    before = len(bench.sent)
    bench.send(t.a)
    return len(bench.sent) - before


def met(link: Link | None = None) -> Triangle:
    """A triangle whose nodes have a direct path."""
    t = triangle(link=link)
    t.bench.until(lambda: online(t))
    t.a.switch.send(t.b.address, Verb.ECHO, b"", t.bench.now)
    t.bench.until(lambda: t.a.path_to(t.b) is not None and t.b.path_to(t.a) is not None)
    return t


@pytest.mark.parametrize(
    ("size", "datagrams"), [(1404, 1), (1405, 2), (2800, 2), (2821, 3), (9900, 7), (9901, 0)]
)
def test_long_frames_are_cut_up_and_put_together(size: int, datagrams: int) -> None:
    t = met()
    payload = bytes(i * 7 & 0xFF for i in range(size))
    assert send_hot(t, payload) == datagrams
    assert all(len(data) <= 1432 for _, _, _, data in t.bench.sent)
    if datagrams:
        t.bench.until(lambda: bool(t.b.sink.taken))
        assert t.b.sink.taken == [(t.a.address, payload, 0)]
    checked(t)


def test_cold_sends_are_cut_up_too() -> None:
    t = met()
    payload = bytes(range(250)) * 20
    t.a.switch.send(t.b.address, Verb.FRAME, payload, t.bench.now)
    t.bench.until(lambda: bool(t.b.sink.taken))
    assert t.b.sink.taken == [(t.a.address, payload, 0)]
    assert t.a.switch.send(t.b.address, Verb.FRAME, bytes(9901), t.bench.now) == 0
    assert t.a.total("too_long") == 1


def test_path_mtu_shrinks_and_frames_follow() -> None:
    t = met()
    peer = t.a.peer(t.b)
    assert peer is not None
    generation = peer.generation
    t.a.switch.path_too_big(0, B_AT, 1432, t.bench.now)
    path = peer.best_path(t.bench.now)
    assert path is not None
    assert path.mtu == 1422
    assert peer.generation > generation
    assert send_hot(t, bytes(1404)) == 2
    t.bench.until(lambda: bool(t.b.sink.taken))
    assert t.b.sink.taken == [(t.a.address, bytes(1404), 0)]


def test_a_known_route_mtu_is_taken_as_it_is() -> None:
    t = met()
    peer = t.a.peer(t.b)
    assert peer is not None
    path, generation = peer.best_path(t.bench.now), peer.generation
    assert path is not None
    t.a.switch.path_fits(0, B_AT, 1400 - 28, t.bench.now)
    assert (path.mtu, peer.generation) == (1372, generation + 1)
    t.a.switch.path_fits(0, B_AT, 9000, t.bench.now)
    assert (path.mtu, peer.generation) == (1432, generation + 2)


def test_an_unreachable_endpoint_of_the_root_costs_nothing() -> None:
    t = triangle(extra=[at("2001:db8::1"), at("10.99.0.1")])
    assert t.bench.until(lambda: online(t)) < 0.2
    assert t.a.path_to(t.root) == ROOT_AT


def test_first_packets_lost() -> None:
    lost = {"left": 5}

    def drop(source: object, target: object, data: bytes) -> bool:
        lost["left"] -= 1
        return lost["left"] >= 0

    t = triangle(link=Link(drop=drop))
    took = t.bench.until(lambda: online(t))
    assert 2.4 < took < 8


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_everything_works_through_loss(seed: int) -> None:
    t = triangle(seed, Link(loss=0.25, jitter=20_000))
    t.bench.until(lambda: online(t), 60)
    for _ in range(60):
        t.a.switch.send(t.b.address, Verb.ECHO, b"x", t.bench.now)
        t.bench.run(1)
        if t.a.path_to(t.b) is not None and t.b.path_to(t.a) is not None:
            break
    assert t.a.path_to(t.b) == B_AT
    assert t.b.path_to(t.a) == A_AT
    checked(t)


def test_same_seed_same_run() -> None:
    runs = []
    for _ in range(2):
        t = triangle(7, Link(loss=0.1, jitter=9_000))
        t.a.switch.send(t.b.address, Verb.ECHO, b"x", t.bench.now)
        t.bench.run(20)
        runs.append(t.bench.sent)
    assert runs[0] == runs[1]


def test_idle_nodes_stay_online_and_quiet() -> None:
    t = triangle()
    t.bench.until(lambda: online(t))
    t.bench.run(5)
    before = len(t.bench.sent)
    t.bench.run(300)
    assert online(t)
    # About one keep-alive and its answer in 20 s for each node.
    assert 50 < len(t.bench.sent) - before < 120
    gaps = keepalive_gaps(t.bench, A_AT)
    assert max(gaps) <= 25 * SECOND
    checked(t)


def keepalive_gaps(bench: Bench, source: object) -> list[int]:
    """Times between the datagrams of one sender."""
    times = [when for when, origin, _, _ in bench.sent if origin == source]
    return [b - a for a, b in itertools.pairwise(times)]


def test_offline_when_the_root_dies_and_online_again() -> None:
    t = met()
    t.bench.link.drop = lambda source, target, data: ROOT_AT in (source, target)
    t.bench.until(lambda: not t.a.switch.online, 120)
    t.bench.link.drop = lambda source, target, data: False
    assert t.bench.until(lambda: t.a.switch.online, 60) < 10


def test_a_dead_direct_path_falls_back_to_the_root() -> None:
    t = met()
    t.bench.link.drop = lambda source, target, data: ROOT_AT not in (source, target)
    t.bench.run(25)
    t.a.switch.send(t.b.address, Verb.FRAME, b"around", t.bench.now)
    t.bench.until(lambda: bool(t.b.sink.taken), 2)
    assert t.b.sink.taken == [(t.a.address, b"around", 1)]
    t.bench.link.drop = lambda source, target, data: False
    t.bench.run(2)
    t.a.switch.send(t.b.address, Verb.FRAME, b"again", t.bench.now)
    t.bench.run(2)
    t.a.switch.send(t.b.address, Verb.FRAME, b"straight", t.bench.now)
    t.bench.until(lambda: len(t.b.sink.taken) == 3, 2)
    assert t.b.sink.taken[2] == (t.a.address, b"straight", 0)


def test_a_direct_path_that_breaks_under_traffic_in_one_direction_is_left() -> None:
    t = met()
    t.bench.run(1)
    t.bench.link.drop = lambda source, target, data: ROOT_AT not in (source, target)
    start, sent = t.bench.now, 0
    while not t.b.sink.taken:
        t.a.switch.send(t.b.address, Verb.FRAME, bytes([sent]), t.bench.now)
        t.bench.run(0.5)
        sent += 1
        assert t.bench.now - start < 4 * SECOND
    assert t.b.sink.taken[0][2] == 1


def test_traffic_in_one_direction_keeps_its_direct_path() -> None:
    t = met()
    for _ in range(60):
        send_hot(t, b"one way")
        t.bench.run(0.5)
    assert {hops for _, _, hops in t.b.sink.taken} == {0}


def test_active_peers_keep_their_path_alive() -> None:
    t = met()
    send_hot(t, b"x")
    t.bench.until(lambda: bool(t.b.sink.taken))
    for node, other in ((t.a, t.b), (t.b, t.a)):
        peer = node.peer(other)
        assert peer is not None
        peer.last_active = t.bench.now
    for _ in range(60):
        t.bench.run(5)
        best = t.a.peer(t.b).best_path(t.bench.now)  # type: ignore[union-attr]
        assert best is not None
        assert best.is_alive(t.bench.now)


def test_trusted_peers_push_their_paths() -> None:
    t = triangle()
    t.bench.until(lambda: online(t))
    # No introductions: the root's RENDEZVOUS never arrives, the pushes of trusted peers do.
    t.root.switch.control.relay.introduce = lambda *_: None
    t.b.sink.verdict = t.a.sink.verdict = 2
    t.a.switch.send(t.b.address, Verb.FRAME, b"one", t.bench.now)
    t.bench.until(lambda: t.a.path_to(t.b) == B_AT and t.b.path_to(t.a) == A_AT, 5)
    checked(t)
