"""What the protocol demands in detail: suites, duplicates, retries, several roots and sockets, roaming."""

from __future__ import annotations

import itertools

import pytest

from fastzt._core.endpoint import Endpoint
from fastzt.vl1.config import SwitchConfig
from fastzt.vl1.events import PathChanged
from fastzt.vl1.path import Path
from fastzt.vl1.self_awareness import SelfAwareness
from fastzt.vl1.timing import SECOND
from fastzt.wire.push_direct_paths import split
from fastzt.wire.verbs import Verb

from .sim import A_AT, B_AT, ROOT_AT, START, Bench, Link, Node, at, identities, planet, triangle
from .test_switch import met, online, send_hot


def suites(bench: Bench, source: Endpoint, target: Endpoint) -> list[int]:
    """The cipher suites of what was sent from one endpoint to another."""
    return [
        (data[18] >> 3) & 7 for _, a, b, data in bench.sent if (a, b) == (source, target) and len(data) > 27
    ]


def test_hello_is_suite_0_its_first_answer_suite_1_and_the_rest_suite_3() -> None:
    t = triangle()
    t.bench.until(lambda: online(t))
    t.bench.run(30)
    assert suites(t.bench, A_AT, ROOT_AT)[0] == 0
    from_root = suites(t.bench, ROOT_AT, A_AT)
    assert from_root[0] == 1
    assert from_root[1] == 0
    assert set(from_root[2:]) <= {0, 3}
    assert 3 in from_root[2:]


def test_a_node_that_speaks_version_11_neither_sends_nor_is_sent_suite_3() -> None:
    bench = Bench()
    one, two = identities()[:2]
    world = planet([(one, [ROOT_AT])])
    root = bench.node(one, world, [ROOT_AT], SwitchConfig(root=True))
    old = bench.node(two, world, [A_AT], SwitchConfig(protocol=11))
    bench.run(60)
    assert (root.peer(old).protocol, old.peer(root).protocol) == (11, 12)  # type: ignore[union-attr]
    for way in ((A_AT, ROOT_AT), (ROOT_AT, A_AT)):
        assert set(suites(bench, *way)) == {0, 1}


def test_relayed_first_contact_is_suite_1() -> None:
    t = triangle()
    t.bench.until(lambda: online(t))
    t.bench.run(1)
    t.a.switch.send(t.b.address, Verb.FRAME, b"x", t.bench.now)
    t.bench.until(lambda: bool(t.b.sink.taken))
    to_b = t.b.address.to_bytes(5, "big")
    relayed = [d for _, s, e, d in t.bench.sent if s == A_AT and e == ROOT_AT and d[8:13] == to_b]
    assert [(data[18] >> 3) & 7 for data in relayed] == [1]


def test_one_hello_from_every_socket_and_every_copy_is_answered_on_its_path() -> None:
    bench = Bench()
    one, two = identities()[:2]
    world = planet([(one, [ROOT_AT, at("fd00::1")])])
    bench.node(one, world, [ROOT_AT, at("fd00::1")], SwitchConfig(root=True))
    mine = [at("10.0.1.2", 9993), at("10.0.1.2", 40000), at("fd00::2", 9993)]
    node = bench.node(two, world, mine)
    bench.run(1)
    hellos = [(s, e, d) for _, s, e, d in bench.sent if s in mine and d[18] == 0 and d[27] == 1]
    first = {(s, e) for s, e, d in hellos[:3]}
    assert first == {(mine[0], ROOT_AT), (mine[1], ROOT_AT), (mine[2], at("fd00::1"))}
    assert hellos[0][2] == hellos[1][2]
    root = node.switch.roots()[0]
    assert {(path.socket, str(path.endpoint)) for path in root.paths} == {
        (0, str(ROOT_AT)),
        (1, str(ROOT_AT)),
        (2, "fd00::1/9993"),
    }


def test_unanswered_whois_is_repeated_each_half_second_for_five_seconds() -> None:
    t = triangle()
    t.bench.until(lambda: online(t))
    t.bench.run(1)
    before = len(t.bench.sent)
    t.a.switch.want(0x1234567890, t.bench.now)
    t.bench.pump(t.a)
    t.bench.run(12)
    asked = [when for when, s, e, d in t.bench.sent[before:] if s == A_AT and len(d) == 28 + 5]
    assert 9 <= len(asked) <= 10
    assert min(b - a for a, b in itertools.pairwise(asked)) >= SECOND // 2


def test_several_addresses_are_asked_for_together_and_not_faster_than_the_gate() -> None:
    t = triangle()
    t.bench.until(lambda: online(t))
    t.bench.run(1)
    before = len(t.bench.sent)
    for i in range(40):
        t.a.switch.want(0x1234567890 + i, t.bench.now)
    t.bench.pump(t.a)
    t.bench.run(1)
    times = [when for when, s, e, d in t.bench.sent[before:] if s == A_AT and e == ROOT_AT]
    assert len(times) <= 12
    assert min(b - a for a, b in itertools.pairwise(times)) >= SECOND // 10


def test_a_peer_of_an_earlier_run_is_met_without_a_root() -> None:
    t = triangle(link=Link(drop=lambda source, target, data: ROOT_AT in (source, target)))
    t.a.switch.remember(t.b.switch.context.identity.without_secret, 12, (1, 14, 1), (B_AT,), t.bench.now)
    t.bench.pump(t.a)
    assert t.bench.until(lambda: t.a.path_to(t.b) == B_AT and t.b.path_to(t.a) == A_AT, 5) < 0.2
    send_hot(t, b"warm")
    t.bench.until(lambda: t.b.sink.taken == [(t.a.address, b"warm", 0)])


def two_roots() -> tuple[Bench, list[Node]]:
    """A bench of two roots and two nodes that reach both."""
    bench = Bench()
    ids, places = identities(), [ROOT_AT, at("10.0.0.2")]
    world = planet([(ids[0], places[:1]), (ids[1], places[1:])])
    roots = [bench.node(ids[i], world, [places[i]], SwitchConfig(root=True)) for i in range(2)]
    nodes = [bench.node(ids[2 + i], world, [at(f"10.0.1.{i + 2}")]) for i in range(2)]
    bench.until(lambda: all(len(n.switch.roots()[i].paths) == 1 for n in nodes for i in range(2)), 10)
    return bench, [*roots, *nodes]


def test_a_second_root_takes_over() -> None:
    bench, (_, _, a, b) = two_roots()
    best = a.switch.best_root(bench.now)
    assert best is not None
    dead = best.paths[0].endpoint
    bench.link.drop = lambda source, target, data: dead in (source, target)
    for _ in range(8):
        bench.run(0.5)
        a.switch.send(b.address, Verb.FRAME, b"through the other", bench.now)
    bench.until(lambda: bool(b.sink.taken), 2)
    bench.run(120)
    assert a.switch.online
    survivor = a.switch.best_root(bench.now)
    assert survivor is not None
    assert survivor.paths[0].endpoint != dead


def test_roots_find_nodes_through_each_other() -> None:
    bench = Bench()
    ids = identities()
    world = planet([(ids[0], [ROOT_AT]), (ids[1], [at("10.0.0.2")])])
    bench.node(ids[0], world, [ROOT_AT], SwitchConfig(root=True))
    bench.node(ids[1], world, [at("10.0.0.2")], SwitchConfig(root=True))
    a = bench.node(ids[2], world, [A_AT])
    b = bench.node(ids[3], world, [B_AT])
    # Each node reaches one root only.
    walls = [{A_AT, at("10.0.0.2")}, {B_AT, ROOT_AT}, {A_AT, B_AT}]
    bench.link.drop = lambda source, target, data: {source, target} in walls
    bench.until(lambda: a.switch.online and b.switch.online, 10)
    bench.run(3)
    a.switch.send(b.address, Verb.FRAME, b"far", bench.now)
    bench.until(lambda: bool(b.sink.taken), 10)
    assert b.sink.taken == [(a.address, b"far", 2)]


def test_a_root_that_sees_another_address_of_ours_makes_us_ask_everywhere() -> None:
    surfaces = SelfAwareness(64)
    path = Path(0, at("8.8.8.8"))
    assert not surfaces.report(1, path, at("9.9.9.9"), True, False, START)
    assert not surfaces.report(2, path, at("9.9.9.9"), False, False, START)
    assert not surfaces.report(1, path, at("9.9.9.9", 7), True, False, START)
    assert not surfaces.report(2, path, at("9.9.9.10"), False, False, START)
    assert surfaces.report(1, path, at("9.9.9.11"), True, False, START + SECOND)
    assert surfaces.endpoints(START + SECOND) == [at("9.9.9.11")]
    assert surfaces.endpoints(START + 700 * SECOND) == []


@pytest.mark.parametrize("seen", ["10.0.0.1", "127.0.0.1", "169.254.0.1", "224.0.0.1", "2001:db8::1"])
def test_a_report_of_another_scope_or_family_is_ignored(seen: str) -> None:
    surfaces = SelfAwareness(64)
    surfaces.report(1, Path(0, at("8.8.8.8")), at(seen), True, False, START)
    assert surfaces.endpoints(START) == []


def test_pushed_paths_are_probed_within_their_gate() -> None:
    t = met()
    t.bench.run(1)
    peer, context = t.a.peer(t.b), t.a.switch.context
    assert peer is not None
    path = peer.best_path(t.bench.now)
    assert path is not None
    places = [at(f"10.7.{i}.1") for i in range(20)] + [at("127.0.0.1"), at("10.7.9.9", 0)]
    for _ in range(12):
        for body in split(places):
            context.send_on(peer, path, Verb.PUSH_DIRECT_PATHS, body.to_bytes(), t.bench.now)
        t.bench.pump(t.a)
        t.bench.run(1)
    probed = {target for _, source, target, _ in t.bench.sent if source == B_AT} & set(places)
    assert len(probed) == 8  # eight of a scope and family in one message
    assert t.b.total("gated") == 4  # eight messages without a pause of 30 s


def test_path_events_tell_of_loss_and_return() -> None:
    t = met()
    t.a.events.clear()
    t.bench.link.drop = lambda source, target, data: {source, target} == {A_AT, B_AT}
    t.bench.run(300)
    assert PathChanged(t.b.address, None) in t.a.events
    assert t.a.path_to(t.b) is None


def test_forgotten_peers_are_found_again() -> None:
    t = met()
    t.bench.link.drop = lambda source, target, data: {source, target} == {A_AT, B_AT}
    t.bench.run(900)
    assert t.a.peer(t.b) is None
    t.bench.link.drop = lambda source, target, data: False
    t.a.switch.send(t.b.address, Verb.FRAME, b"back", t.bench.now)
    t.bench.until(lambda: bool(t.b.sink.taken), 5)
    t.bench.until(lambda: t.a.path_to(t.b) == B_AT, 40)
    assert t.bench.errors() == []


def test_waiting_packets_leave_in_order_once_the_root_answers() -> None:
    t = triangle()
    for i in range(5):
        assert t.a.switch.send(t.b.address, Verb.FRAME, bytes([i]), t.bench.now) == 0
    t.bench.until(lambda: len(t.b.sink.taken) == 5, 5)
    assert [payload for _, payload, _ in t.b.sink.taken] == [bytes([i]) for i in range(5)]


def test_compressed_packets_are_understood() -> None:
    t = met()
    t.a.switch.send(t.b.address, Verb.MULTICAST_LIKE, bytes(500), t.bench.now, compress=True)
    t.bench.until(lambda: bool(t.b.sink.messages))
    assert t.b.sink.messages[0].payload == bytes(500)
    assert len(t.bench.sent[-1][3]) < 100


def test_replies_go_back_where_the_question_came_from() -> None:
    t = met()
    ids: list[int] = []
    t.a.switch.send_tracked(t.b.address, Verb.NETWORK_CONFIG_REQUEST, b"q", t.bench.now, ids.append)
    t.bench.until(lambda: bool(t.b.sink.messages))
    t.b.switch.reply(t.b.sink.messages[0], b"answer", t.bench.now)
    t.bench.pump(t.b)
    t.bench.until(lambda: bool(t.a.sink.messages))
    answer = t.a.sink.messages[0]
    assert (answer.verb, answer.in_re_verb, answer.payload) == (
        Verb.OK,
        Verb.NETWORK_CONFIG_REQUEST,
        b"answer",
    )
    assert answer.in_re_id == ids[0]
