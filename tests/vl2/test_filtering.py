"""Rules on frames between real members: both ends filter, copies and redirections, what may be cached."""

from __future__ import annotations

from typing import Any

import pytest
from vl1.sim import at

from fastzt.vl1.peer import Peer
from fastzt.vl2.network import Network
from fastzt.vl2.program import Program
from fastzt.wire.rules import ACCEPT, DROP, Kind, Rule
from vl2.bench import Host, World, ip_of, ipv4

UDP, TCP = 17, 6
ACCEPTING = Program((ACCEPT,))
C_AT = at("10.0.3.4")


def ports(source: int, target: int) -> bytes:
    return source.to_bytes(2, "big") + target.to_bytes(2, "big") + bytes(16)


def joined(rules: list[Rule], **fields: Any) -> tuple[World, Network, Network, Peer]:
    """Two members of a network with these rules, known to each other."""
    world = World()
    nwid = world.network({"rules": [rule.to_json() for rule in rules], **fields})
    a, b = world.join(nwid)
    peer = world.meet(a, ip_of(b))
    world.run(2)
    return world, a, b, peer


NO_TELNET = [Rule(Kind.MATCH_IP_DEST_PORT_RANGE, (23, 23)), DROP, ACCEPT]


def test_the_sender_filters() -> None:
    world, a, b, peer = joined(NO_TELNET)
    assert world.send_ip(a, peer, ipv4(ip_of(a), ip_of(b), ports(1000, 23))) == -1
    assert world.send_ip(a, peer, ipv4(ip_of(a), ip_of(b), ports(1000, 24))) > 0
    world.run(1)
    assert [data[22:24] for _, data, _ in world.b.stack.inputs] == [b"\0\x18"]
    assert world.a.total("filtered_out") == 1


def test_the_receiver_filters_what_the_sender_let_pass() -> None:
    world, a, b, peer = joined(NO_TELNET)
    a.base = ACCEPTING
    a.generation += 1
    assert world.send_ip(a, peer, ipv4(ip_of(a), ip_of(b), ports(1000, 23))) > 0
    world.run(1)
    assert world.b.stack.inputs == []
    assert world.b.total("filtered_in") == 1


PER_PACKET = [
    Rule(Kind.MATCH_CHARACTERISTICS, (0x2,)),
    Rule(Kind.MATCH_IP_DEST_PORT_RANGE, (23, 23)),
    DROP,
    ACCEPT,
]


def test_a_verdict_over_packet_fields_is_not_cached() -> None:
    world, a, b, peer = joined(PER_PACKET)
    assert world.send_ip(a, peer, ipv4(ip_of(a), ip_of(b), ports(1000, 24), TCP)) == 0
    world.run(1)
    assert [generation for _, _, generation in world.b.stack.inputs] == [0]


def test_a_rule_change_ends_cached_verdicts() -> None:
    world, a, b, peer = joined([ACCEPT])
    packet = ipv4(ip_of(a), ip_of(b), ports(1000, 23))
    generation = world.send_ip(a, peer, packet)
    world.run(1)
    sender, _, verdict = world.b.stack.inputs.pop()
    world.b.stack.flows.add((sender, verdict))
    rules = [rule.to_json() for rule in NO_TELNET]
    world.controller.update_network(a.nwid, {"rules": rules}, world.now)
    world.run(2)
    assert world.send_ip(a, peer, packet, generation) == -1
    a.base = ACCEPTING
    world.send_ip(a, peer, packet, a.state_of(peer))
    world.run(1)
    assert (world.b.stack.inputs, world.b.stack.fast) == ([], [])


def with_third(rules: list[Rule]) -> tuple[World, Host, list[Network], Peer]:
    world = World()
    watcher = world.host(world.spare, C_AT)
    full = [rule.to_json() for rule in rules]
    nwid = world.network({"rules": full})
    networks = world.join(nwid, world.a, world.b, watcher)
    peer = world.meet(networks[0], ip_of(networks[1]))
    world.run(2)
    watcher.stack.inputs.clear()
    return world, watcher, networks, peer


def only_udp(action: int, target: int, length: int) -> list[Rule]:
    return [Rule(Kind.MATCH_IP_PROTOCOL, (UDP,)), Rule(action, (target, 0, length)), ACCEPT]


def target_of(world: World) -> int:
    return world.spare.address


@pytest.fixture
def third() -> int:
    return target_of(World())


def test_tee_sends_a_copy(third: int) -> None:
    world, watcher, (a, b, _), peer = with_third(only_udp(Kind.ACTION_TEE, third, 24))
    packet = ipv4(ip_of(a), ip_of(b), ports(1, 2))
    assert world.send_ip(a, peer, packet) == 0
    world.run(3)
    assert [data for _, data, _ in world.b.stack.inputs] == [packet]
    # Sender and receiver each send one; the watcher asks both for their certificate first.
    assert [data for _, data, _ in watcher.stack.inputs] == [packet[:24]] * 2
    assert {address for address, _, _ in watcher.stack.inputs} == {world.a.address, world.b.address}


def test_redirect_sends_the_frame_elsewhere(third: int) -> None:
    world, watcher, (a, b, _), peer = with_third(only_udp(Kind.ACTION_REDIRECT, third, 0))
    packet = ipv4(ip_of(a), ip_of(b), ports(1, 2))
    assert world.send_ip(a, peer, packet) == 0
    world.run(3)
    assert world.b.stack.inputs == []
    assert [(address, data) for address, data, _ in watcher.stack.inputs] == [(world.a.address, packet)]


def test_a_capability_opens_what_the_base_rules_leave_open() -> None:
    world = World()
    udp = [Rule(Kind.MATCH_IP_PROTOCOL, (UDP,)), ACCEPT]
    base = [Rule(Kind.MATCH_ETHERTYPE, (0x806,)), ACCEPT, Rule(Kind.ACTION_BREAK)]
    nwid = world.network(
        {
            "rules": [rule.to_json() for rule in base],
            "capabilities": [{"id": 7, "default": False, "rules": [rule.to_json() for rule in udp]}],
        }
    )
    a, b = world.join(nwid)
    peer = world.meet(a, ip_of(b))
    packet = ipv4(ip_of(a), ip_of(b), ports(1, 2))
    assert world.send_ip(a, peer, packet) == -1
    world.controller.update_member(nwid, world.a.address, {"capabilities": [7]}, world.now)
    world.run(2)
    assert world.send_ip(a, peer, packet) > 0
    world.until(lambda: bool(world.b.stack.inputs), 3)
    back = world.b.node.switch.peer(world.a.address)
    assert back is not None
    assert world.send_ip(b, back, ipv4(ip_of(b), ip_of(a), ports(2, 1))) == -1


def test_tags_decide_at_the_receiver() -> None:
    world, a, b, peer = joined(
        [
            Rule(Kind.MATCH_ETHERTYPE, (0x806,)),
            ACCEPT,
            Rule(Kind.MATCH_TAG_SENDER, (5, 1)),
            ACCEPT,
            DROP,
        ],
        tags=[{"id": 5, "default": 0}],
    )
    a.base = ACCEPTING
    a.generation += 1
    packet = ipv4(ip_of(a), ip_of(b), ports(1, 2))
    world.send_ip(a, peer, packet)
    world.run(2)
    assert world.b.stack.inputs == []
    world.controller.update_member(a.nwid, world.a.address, {"tags": [[5, 1]]}, world.now)
    world.run(2)
    a.base = ACCEPTING
    a.generation += 1
    world.send_ip(a, peer, packet)
    world.until(lambda: bool(world.b.stack.inputs), 3)


def test_an_empty_rule_list_drops_everything() -> None:
    world, a, b, peer = joined([ACCEPT])
    a.base = Program(())
    a.generation += 1
    assert world.send_ip(a, peer, ipv4(ip_of(a), ip_of(b), ports(1, 2))) == -1


def test_base_rules_and_a_capability_each_ask_for_a_copy(third: int) -> None:
    world = World()
    watcher = world.host(world.spare, C_AT)
    tee = Rule(Kind.ACTION_TEE, (third, 0, 22))
    watch = Rule(Kind.ACTION_WATCH, (third, 0, 26))
    udp = Rule(Kind.MATCH_IP_PROTOCOL, (UDP,))
    nwid = world.network(
        {
            "rules": [rule.to_json() for rule in (udp, tee, udp, Rule(Kind.ACTION_BREAK), ACCEPT)],
            "capabilities": [
                {"id": 7, "default": True, "rules": [rule.to_json() for rule in (DROP,)]},
                {"id": 8, "default": True, "rules": [rule.to_json() for rule in (udp, watch, ACCEPT)]},
            ],
        }
    )
    a, b, _ = world.join(nwid, world.a, world.b, watcher)
    peer = world.meet(a, ip_of(b))
    world.run(2)
    watcher.stack.inputs.clear()
    packet = ipv4(ip_of(a), ip_of(b), ports(1, 2))
    assert world.send_ip(a, peer, packet) == 0
    world.run(3)
    copies = [(address, len(data)) for address, data, _ in watcher.stack.inputs]
    assert sorted(copies) == sorted(
        (host.address, length) for host in (world.a, world.b) for length in (22, 26)
    )
    assert [data for _, data, _ in world.b.stack.inputs] == [packet]


def test_a_multicast_is_redirected_for_one_recipient(third: int) -> None:
    """The rule names a recipient: it is met on the pass for that one, not on the one for all."""
    world = World()
    watcher = world.host(world.spare, C_AT)
    rules = [
        Rule(Kind.MATCH_CHARACTERISTICS, (1 << 63,)),
        ACCEPT,
        Rule(Kind.MATCH_DEST_ZEROTIER_ADDRESS, (world.b.address.to_bytes(5, "big"),)),
        Rule(Kind.MATCH_ETHERTYPE, (0x88B5,)),
        Rule(Kind.ACTION_REDIRECT, (third, 0, 0)),
        ACCEPT,
    ]
    nwid = world.network({"rules": [rule.to_json() for rule in rules], "enableBroadcast": True})
    a, b, c = world.join(nwid, world.a, world.b, watcher)
    world.meet(a, ip_of(b))
    world.meet(a, ip_of(c))
    world.run(2)
    before = {host: host.total("wrong_ethertype") for host in (world.b, watcher)}
    assert a.multicast.send(0xFFFFFFFFFFFF, 0, 0x88B5, b"x" * 40, world.now)
    world.flush()
    world.run(3)
    assert world.b.total("wrong_ethertype") == before[world.b]
    # The watcher has its own copy and the one that was meant for b.
    assert watcher.total("wrong_ethertype") + watcher.total("wrong_mac") >= before[watcher] + 2
