"""Malformed, forged, replayed and unwanted datagrams change nothing and are counted."""

from __future__ import annotations

import random

import pytest

from fastzt._core.endpoint import Endpoint, LocalSocket
from fastzt.identity.identity import Identity
from fastzt.vl1.config import SwitchConfig
from fastzt.vl1.events import IdentityCollision, PlanetChanged
from fastzt.vl1.timing import SECOND
from fastzt.wire.rendezvous import Rendezvous
from fastzt.wire.verbs import Verb
from fastzt.wire.whois import OkWhois, Whois

from .sim import A_AT, B_AT, ROOT_AT, Bench, Link, Node, Triangle, at, identities, planet, triangle
from .test_switch import met, online, send_hot

STRANGER_AT = at("10.0.9.9")


def state(node: Node) -> tuple[object, ...]:
    """What a bad datagram must not change."""
    switch = node.switch
    peers = sorted(
        (p.address, p.protocol, p.last_receive, p.trusted_until, str(p.paths)) for p in switch.peers()
    )
    return (peers, switch.planet, len(node.sink.taken), len(node.sink.messages), node.events)


def captured(t: Triangle, target: Endpoint) -> list[tuple[Endpoint, bytes]]:
    """Every datagram that was sent to an endpoint."""
    return [(source, data) for _, source, to, data in t.bench.sent if to == target]


@pytest.mark.parametrize("seed", [1, 2])
def test_damaged_datagrams_are_dropped_and_counted(seed: int) -> None:
    t = met()
    send_hot(t, b"frame")
    t.bench.run(1)
    seeded = random.Random(seed)
    before, dropped = state(t.b), sum(t.b.switch.stats.as_dict().values())
    given = 0
    for source, data in captured(t, B_AT):
        for damaged in damages(data, seeded):
            t.bench.hand(t.b, 0, source, damaged)
            given += 1
    assert given > 100
    assert state(t.b) == before
    assert sum(t.b.switch.stats.as_dict().values()) - dropped >= given - len(t.b.switch.context.jobs.running)
    assert t.bench.errors() == []


def damages(data: bytes, seeded: random.Random) -> list[bytes]:
    """Truncated, extended and bit-flipped copies (but not of the hops, which nobody signs)."""
    found = [data[: seeded.randrange(len(data))], data + bytes(seeded.randrange(1, 9)), data[:27]]
    for _ in range(12):
        place, bit = seeded.randrange(len(data)), seeded.randrange(8)
        if place in range(8, 13) or (place == 18 and (bit < 3 or bit == 6)):
            continue
        found.append(data[:place] + bytes([data[place] ^ (1 << bit)]) + data[place + 1 :])
    return found


@pytest.mark.parametrize("size", [0, 1, 4, 13, 16, 17, 27, 28, 100, 1432, 9000, 20_000])
def test_noise_is_dropped(size: int) -> None:
    t = met()
    before = state(t.b)
    for seed in range(20):
        noise = random.Random(seed).randbytes(size)
        if size:
            t.bench.hand(t.b, 0, A_AT, noise)
            t.bench.hand(t.b, 0, A_AT, noise[:8] + t.b.address.to_bytes(5, "big") + noise[13:])
            known = t.b.address.to_bytes(5, "big") + t.a.address.to_bytes(5, "big")
            t.bench.hand(t.b, 0, A_AT, (noise[:8] + known + noise[18:])[:size])
    assert state(t.b) == before
    assert t.bench.errors() == []


def test_replayed_frames_are_dropped() -> None:
    t = met()
    send_hot(t, b"once")
    source, data = captured(t, B_AT)[-1]
    t.bench.until(lambda: bool(t.b.sink.taken))
    t.bench.hand(t.b, 0, source, data)
    assert len(t.b.sink.taken) == 1
    assert t.b.total("replayed") == 1


def test_everything_replayed_from_elsewhere_teaches_nothing() -> None:
    t = met()
    t.a.switch.send(t.b.address, Verb.FRAME, b"cold", t.bench.now)
    t.bench.run(2)
    frames, paths = len(t.b.sink.taken), [str(p.paths) for p in t.b.switch.peers()]
    for _, data in captured(t, B_AT):
        t.bench.hand(t.b, 0, STRANGER_AT, data)
    t.bench.run(10)
    assert len(t.b.sink.taken) == frames
    assert [str(p.paths) for p in t.b.switch.peers()] == paths
    assert t.bench.errors() == []


def test_a_node_without_the_role_never_relays() -> None:
    t = met()
    before = len(t.bench.sent)
    data = next(d for _, d in captured(t, ROOT_AT) if d[8:13] == t.root.address.to_bytes(5, "big"))
    t.bench.hand(t.a, 0, STRANGER_AT, data)
    assert t.a.total("not_ours") == 1
    assert len(t.bench.sent) == before


def test_a_root_relays_three_hops_and_no_more() -> None:
    t = triangle()
    t.bench.until(lambda: online(t))
    t.bench.run(1)
    t.a.switch.send(t.b.address, Verb.ECHO, b"x", t.bench.now)
    t.bench.run(1)
    packet = next(d for s, d in captured(t, ROOT_AT) if d[8:13] == t.b.address.to_bytes(5, "big"))
    for hops in range(8):
        relayed = t.root.total("relayed")
        t.bench.hand(t.root, 0, A_AT, packet[:18] + bytes([packet[18] & 0xF8 | hops]) + packet[19:])
        assert t.root.total("relayed") - relayed == (1 if hops < 3 else 0)
        if hops < 3:
            assert t.bench.sent[-1][3][18] & 7 == hops + 1
    assert t.root.total("too_many_hops") == 5


def stranger(t: Triangle, index: int = 3, host: str = "10.0.9.9") -> Node:
    """A fourth node that knows the same planet."""
    return t.bench.node(identities()[index], t.world, [at(host)])


def introduce(t: Triangle, one: Node, other: Node) -> None:
    """Make two nodes know each other's identity, by HELLO."""
    peer = one.switch.context.topology.add(other.switch.context.identity.without_secret)
    one.switch.context.hello.send(peer, other.endpoints[0], [0], t.bench.now)
    t.bench.pump(one)
    t.bench.until(lambda: other.peer(one) is not None)


def test_rendezvous_and_whois_answers_of_others_than_roots_are_refused() -> None:
    t = triangle()
    t.bench.until(lambda: online(t))
    evil = stranger(t)
    introduce(t, evil, t.b)
    context, victim = evil.switch.context, evil.peer(t.b)
    assert victim is not None
    way = context.paths.get(0, B_AT, t.bench.now)
    body = Rendezvous(t.root.address, at("10.0.9.8")).to_bytes()
    context.send_on(victim, way, Verb.RENDEZVOUS, body, t.bench.now)
    t.bench.pump(evil)
    t.bench.run(1)
    assert t.b.total("not_a_root") == 1
    assert not [data for _, data in captured(t, at("10.0.9.8"))]


def test_an_unexpected_ok_is_ignored() -> None:
    t = triangle()
    t.bench.until(lambda: online(t))
    evil = stranger(t)
    introduce(t, evil, t.b)
    t.bench.run(5)
    context, victim = evil.switch.context, evil.peer(t.b)
    assert victim is not None
    seen, receive = t.b.total("unexpected_ok"), t.b.peer(evil).last_receive  # type: ignore[union-attr]
    ok = OkWhois((identities()[4].to_bytes(),)).to_bytes()
    way = context.paths.get(0, B_AT, t.bench.now)
    context.send_on(victim, way, Verb.OK, bytes([Verb.WHOIS]) + bytes(8) + ok, t.bench.now)
    t.bench.pump(evil)
    t.bench.run(0.1)
    assert t.b.total("unexpected_ok") == seen + 1
    assert t.b.peer(evil).last_receive == receive  # type: ignore[union-attr]
    assert t.b.switch.peer(identities()[4].address) is None


def test_a_whois_answer_with_a_false_identity_is_refused() -> None:
    t = triangle()
    t.bench.until(lambda: online(t))
    true = identities()[4]
    false = Identity(true.address, identities()[5].public)
    t.root.switch.context.topology.add(false)
    t.a.switch.want(true.address, t.bench.now)
    t.bench.pump(t.a)
    t.bench.run(1)
    assert t.a.switch.peer(true.address) is None
    assert t.a.total("invalid_identity") > 0


@pytest.mark.parametrize("bound", [True, False])
@pytest.mark.parametrize("verb", range(32))
def test_nonsense_from_a_peer_is_survived(verb: int, bound: bool) -> None:
    t = met()
    if not bound:
        t.b.switch.context.sink = None
    context, victim = t.a.switch.context, t.a.peer(t.b)
    assert victim is not None
    way = victim.best_path(t.bench.now)
    assert way is not None
    seeded = random.Random(verb)
    planet_before = t.b.switch.planet
    known = {peer.address for peer in t.b.switch.peers()}
    for _ in range(40):
        size = seeded.choice([0, 1, 5, 8, 9, 10, 38, 80, 200, 1300])
        payload = bytearray(seeded.randbytes(size))
        if seeded.random() < 0.5 and size > 9:
            payload[0] = seeded.choice([1, 4, 8, 11])
            payload[1:9] = seeded.choice([*t.b.switch.context.replies.sent, 0]).to_bytes(8, "big")
        context.send_on(victim, way, verb | seeded.choice([0, 0, 0x80, 0x60]), bytes(payload), t.bench.now)
        t.bench.run(0.2)
    assert t.bench.errors() == []
    assert t.b.switch.planet == planet_before
    assert {peer.address for peer in t.b.switch.peers()} == known
    assert t.b.path_to(t.a) == A_AT


def test_a_collision_is_answered_and_the_known_identity_stays() -> None:
    t = triangle()
    t.bench.until(lambda: online(t))
    known = t.root.peer(t.a)
    assert known is not None
    thief = identities()[3]
    false = Identity(t.a.address, thief.public, bytes.fromhex(thief.to_text(secret=True).split(":")[3]))
    claimant = t.bench.node(false, t.world, [STRANGER_AT])
    t.bench.run(3)
    assert t.root.peer(t.a) is known
    assert t.root.total("collision") > 0
    assert IdentityCollision(t.a.address) in claimant.events


def test_echo_and_whois_gates() -> None:
    t = met()
    context, peer = t.a.switch.context, t.a.peer(t.b)
    assert peer is not None
    path = peer.best_path(t.bench.now)
    assert path is not None
    t.bench.run(1)
    gated = t.b.total("gated")
    for _ in range(3):
        context.send_on(peer, path, Verb.ECHO, b"x", t.bench.now)
        context.send_on(peer, path, Verb.WHOIS, Whois((t.b.address,)).to_bytes(), t.bench.now)
    t.bench.pump(t.a)
    t.bench.run(0.05)
    assert t.b.total("gated") - gated == 4


def test_a_flood_of_unknown_identities_is_bounded() -> None:
    t = triangle()
    t.bench.until(lambda: online(t))
    payload = next(data for source, data in captured(t, ROOT_AT) if source == A_AT)
    seeded = random.Random(5)
    root = t.root.switch
    for i in range(300):
        address = seeded.randrange(1 << 32, 1 << 39).to_bytes(5, "big")
        forged = payload[:13] + address + payload[18:41] + address + payload[46:]
        t.bench.inward.clear()
        t.bench.inward.slab.view[: len(forged)] = forged
        t.bench.inward.add(0, len(forged), 0, 0, at(f"10.9.9.{i % 250}"))
        root.receive(t.bench.inward, t.bench.now)
    assert root.stats.as_dict()["vl1.forged"] <= 16
    assert root.stats.as_dict()["vl1.gated"] >= 284
    assert len(root.context.jobs.running) == 0


def test_sixteen_nodes_behind_one_address_are_let_in() -> None:
    from fastzt.vl1.rate_gate import IdentityGate

    gate = IdentityGate(16, 4, 40)
    assert sum(gate.take(at("192.0.2.7"), SECOND) for _ in range(50)) == 16
    assert gate.take(at("198.51.100.1"), SECOND)
    assert sum(gate.take(at("192.0.2.99"), 2 * SECOND) for _ in range(50)) == 4
    for i in range(5000):
        gate.take(Endpoint(bytes(12) + i.to_bytes(4, "big"), 1), 2 * SECOND)
    assert len(gate.prefixes) <= 1024


def test_packets_from_unknown_sources_wait_in_a_capped_queue() -> None:
    t = triangle()
    t.bench.until(lambda: online(t))
    seeded = random.Random(9)
    for _ in range(500):
        source = seeded.randrange(1 << 32, 1 << 39).to_bytes(5, "big")
        data = seeded.randbytes(8) + t.a.address.to_bytes(5, "big") + source + b"\x18" + seeded.randbytes(60)
        t.bench.hand(t.a, 0, B_AT, data)
    whois = t.a.switch.context.whois
    assert len(whois.incoming) == 64
    assert len(whois.wanted) <= 64
    t.bench.run(6)
    assert len(whois.incoming) == len(whois.wanted) == 0
    asked = [data for source, data in captured(t, ROOT_AT) if source == A_AT]
    assert len(asked) < 80


def test_newer_planet_from_a_root_is_taken_and_a_forged_one_is_not() -> None:
    t = triangle()
    t.bench.until(lambda: online(t))
    one = identities()[0]
    newer = planet([(one, [ROOT_AT, at("10.0.0.2")])], timestamp=2)
    t.root.switch.context.topology.set_planet(newer)
    t.bench.until(lambda: t.a.switch.planet == newer, 100)
    assert PlanetChanged(newer.to_bytes()) in t.a.events
    assert t.a.switch.is_root(t.root.address)
    forged = newer.with_signature(bytes(96))
    assert not t.b.switch.context.topology.take_world(forged)


def test_loopback_only_when_the_planet_lists_it() -> None:
    bench = Bench()
    one, two = identities()[:2]
    world = planet([(one, [at("127.0.0.1", 9000)])])
    bench.node(one, world, [at("127.0.0.1", 9000)], SwitchConfig(root=True))
    node = bench.node(two, world, [at("127.0.0.1", 9001)])
    bench.until(lambda: node.switch.online, 5)


def test_a_path_inside_a_refused_prefix_is_dropped_and_not_learned() -> None:
    t = met()
    t.a.switch.refuse([(B_AT.ip, 120)])
    assert t.a.path_to(t.b) is None
    t.bench.run(5)
    assert t.a.path_to(t.b) is None
    assert t.a.path_to(t.root) == ROOT_AT


def test_paths_of_a_closed_socket_are_dropped_and_found_again() -> None:
    t = met()
    t.a.endpoints.append(at("10.0.1.77"))
    t.a.switch.sockets_changed([LocalSocket(1, at("10.0.1.77"))], t.bench.now)
    assert t.a.path_to(t.b) is None
    t.bench.until(lambda: t.a.path_to(t.root) == ROOT_AT, 5)


def test_deferred_frames_are_offered_again() -> None:
    t = met()
    t.b.sink.verdict = 3
    send_hot(t, b"later")
    t.bench.run(2)
    offered = len(t.b.sink.taken)
    assert 4 <= offered <= 6
    t.b.sink.verdict = 2
    t.b.switch.retry(t.a.address, t.bench.now)
    assert len(t.b.sink.taken) == offered + 1
    t.bench.run(10)
    assert len(t.b.sink.taken) == offered + 1
    assert t.b.peer(t.a).is_trusted(t.bench.now)  # type: ignore[union-attr]


def test_deferred_frames_are_given_up_after_five_seconds() -> None:
    t = met()
    t.b.sink.verdict = 3
    send_hot(t, b"never")
    t.bench.run(10)
    assert 8 <= len(t.b.sink.taken) <= 11
    assert t.b.total("waited_too_long") == 1


def test_roots_answer_for_themselves_and_for_whom_they_know() -> None:
    t = triangle()
    t.bench.until(lambda: online(t))
    context, root = t.a.switch.context, t.a.peer(t.root)
    assert root is not None
    question = Whois((t.root.address, t.b.address, 0x1234567890)).to_bytes()
    path = root.best_path(t.bench.now)
    assert path is not None
    before = len(captured(t, A_AT))
    for _ in range(2):
        context.send_on(root, path, Verb.WHOIS, question, t.bench.now)
    t.bench.pump(t.a)
    t.bench.run(0.05)
    answers = [data for _, data in captured(t, A_AT)[before:] if len(data) == 28 + 9 + 2 * 71]
    assert len(answers) == 2


def test_a_peer_that_moves_is_followed_when_the_old_path_is_dead() -> None:
    t = met()
    t.bench.run(1)
    t.b.endpoints[0] = at("10.0.2.99")
    t.b.switch.sockets_changed([LocalSocket(0, at("10.0.2.99"))], t.bench.now)
    t.bench.run(25)
    t.b.switch.send(t.a.address, Verb.FRAME, b"moved", t.bench.now)
    t.bench.until(lambda: t.a.path_to(t.b) == at("10.0.2.99"), 60)


def test_random_loss_and_reordering_leave_no_error() -> None:
    t = triangle(11, Link(loss=0.3, jitter=300_000))
    for i in range(60):
        t.bench.run(1)
        t.a.switch.send(t.b.address, Verb.FRAME, bytes(i * 50), t.bench.now)
        t.b.switch.send(t.a.address, Verb.ECHO, bytes(i), t.bench.now)
    assert len(t.b.sink.taken) > 10
    assert t.bench.errors() == []
    for node in t.bench.nodes:
        assert "vl1.forged" not in node.switch.stats.as_dict()
