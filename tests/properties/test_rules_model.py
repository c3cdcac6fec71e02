"""The rule engine against a model that is slow and plain: outcome, copies, redirection."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import rules_model
from support.rules_model import ARP, IPV4, IPV6, Frame, Verdict

import fastzt
from fastzt._core.slab import Slab
from fastzt.vl2.claims import Claims
from fastzt.vl2.evaluator import judge
from fastzt.vl2.frame_context import FrameContext
from fastzt.vl2.program import Program
from fastzt.wire.rules import LAYOUTS, Kind, Rule, encode_rules, parse_rules

EXAMPLES = 600 if fastzt.is_compiled() else 200
OUTCOMES = ["no_match", "drop", "accept", "super_accept", "redirect"]
ME, PEER, THIRD = 0x1E5B63CF93, 0x47C33B90EA, 0x73203A117F
NODES = [ME, PEER, THIRD]
MACS = [0x1E9A37163D51, 0x1EC3AF4E6228, 0x333300000001, 0xFFFFFFFFFFFF]
IP4 = [bytes([10, 44, 0, 1]), bytes([10, 44, 0, 2]), bytes([10, 44, 7, 9])]
PLAN = ipaddress.IPv6Network("fc12:3456:7800::/40")
IP6 = [
    ipaddress.ip_address(text).packed
    for text in ("fd00::1", "fd00::2", "fc12:3456:7801:203:405::1", "fc12:3456:7847:c33b:90ea::1")
]
PORTS = [0, 22, 80, 443, 65535]
PROTOCOLS = [1, 6, 17, 47, 58, 132, 136]
EDGES = [20, 22, 24, 25, 33, 34, 40, 42, 44, 45, 53, 54, 63, 64]  # where headers begin and end
TAG_IDS, TAG_VALUES = [1, 1000], [0, 1, 2, 0xFFFFFFFF]
Draw = Any


@st.composite
def ipv4_packets(draw: Draw) -> bytes:
    """With options or not, whole or cut."""
    words = draw(st.sampled_from([5, 5, 5, 6, 15, 0]))
    head = bytes([0x40 | words, draw(st.sampled_from([0, 0x10, 0xB8]))]) + bytes(7)
    head += bytes([draw(st.sampled_from(PROTOCOLS))]) + bytes(2)
    head += draw(st.sampled_from(IP4)) + draw(st.sampled_from(IP4)) + bytes(4 * max(0, words - 5))
    return cut(draw, head + draw(segments()))


@st.composite
def ipv6_packets(draw: Draw) -> bytes:
    """With extension headers or not, whole or cut."""
    kinds = [
        *draw(st.lists(st.sampled_from([0, 43, 60, 135, 44]), max_size=2)),
        draw(st.sampled_from(PROTOCOLS)),
    ]
    traffic_class = draw(st.sampled_from([0, 0x10, 0xB8]))
    head = (6 << 28 | traffic_class << 20).to_bytes(4, "big") + bytes(2) + bytes([kinds[0], 64])
    head += draw(st.sampled_from(IP6)) + draw(st.sampled_from(IP6))
    for following in kinds[1:]:
        words = draw(st.sampled_from([0, 0, 1, 200]))
        head += bytes([following, words]) + bytes(6 + 8 * min(words, 2))
    return cut(draw, head + draw(segments()))


@st.composite
def segments(draw: Draw) -> bytes:
    """What TCP, UDP or ICMP may look like at the start."""
    if draw(st.booleans()):
        kind = draw(st.sampled_from([0, 3, 8, 128, 135, 136]))
        return bytes([kind, draw(st.sampled_from([0, 1])), 0, 0]) + bytes(4) + draw(st.sampled_from(IP6))
    ports = b"".join(draw(st.sampled_from(PORTS)).to_bytes(2, "big") for _ in range(2))
    flags = draw(st.sampled_from([0x02, 0x12, 0x10, 0x11, 0xFFF, 0]))
    return ports + bytes(8) + (0x5000 | flags).to_bytes(2, "big") + bytes(6) + draw(st.binary(max_size=12))


def cut(draw: Draw, data: bytes) -> bytes:
    if draw(st.integers(0, 3)):
        return data
    return data[: draw(st.one_of(st.integers(0, len(data)), st.sampled_from(EDGES)))]


ARP_PACKETS = st.builds(
    lambda sender, target, end: (bytes(14) + sender + bytes(6) + target)[:end],
    st.sampled_from(IP4),
    st.sampled_from(IP4),
    st.sampled_from([28, 28, 20]),
)
PAYLOADS = st.one_of(
    st.tuples(st.just(IPV4), ipv4_packets()),
    st.tuples(st.just(IPV6), ipv6_packets()),
    st.tuples(st.just(ARP), ARP_PACKETS),
    st.tuples(st.sampled_from([IPV4, IPV6, ARP, 0x88CC]), st.binary(max_size=90)),
)
THINGS = st.frozensets(
    st.sampled_from([*MACS[:2], *(ipaddress.ip_address(ip) for ip in [*IP4, *IP6])]), max_size=4
)
TAGS = st.tuples(*[st.sampled_from([None, *TAG_VALUES]) for _ in TAG_IDS]).map(
    lambda values: {key: value for key, value in zip(TAG_IDS, values, strict=True) if value is not None}
)


@st.composite
def frames(draw: Draw) -> Frame:
    """A frame of ours, or one of PEER to us."""
    ethertype, data = draw(PAYLOADS)
    inbound = draw(st.booleans())
    return Frame(
        data,
        ethertype,
        inbound,
        ME,
        PEER if inbound else ME,
        ME if inbound else draw(st.sampled_from([PEER, 0])),
        draw(st.sampled_from(MACS[:2])),
        draw(st.sampled_from(MACS)),
        vlan=draw(st.sampled_from([0, 0, 7])),
        flags=draw(st.sampled_from([0, 0x4, 0x8, 0xC])),
        local_tags=draw(TAGS),
        remote_tags=draw(TAGS),
        local_owned=draw(THINGS),
        remote_owned=draw(THINGS),
        emulated=draw(st.sampled_from([(), (PLAN,)])),
    )


BYTE = st.sampled_from([0, 1, 8, 0x10, 0xB8, 0xFF])
SPAN = st.tuples(st.sampled_from([0, 22, 40, 60, 80]), st.sampled_from([0, 22, 64, 443, 65535]))
NODE = st.sampled_from(NODES).map(lambda node: (node.to_bytes(5, "big"),))
COPIES = st.tuples(st.sampled_from(NODES), st.just(0), st.sampled_from([0, 0, 1, 21, 9000]))
TAG = st.tuples(st.sampled_from(TAG_IDS), st.sampled_from(TAG_VALUES))
MASK = st.lists(
    st.sampled_from([1 << i for i in [0, 1, 4, 8, 11, 59, 60, 61, 62, 63]]), min_size=1, max_size=3
)
WIDE = st.sampled_from([0, 1, 2, 10, 80, 0xFFFF, 1 << 40, (1 << 64) - 1])
ARGUMENTS: dict[int, st.SearchStrategy[tuple[Any, ...]]] = {
    Kind.ACTION_TEE: COPIES,
    Kind.ACTION_WATCH: COPIES,
    Kind.ACTION_REDIRECT: st.tuples(st.sampled_from(NODES), st.just(0), st.just(0)),
    Kind.MATCH_SOURCE_ZEROTIER_ADDRESS: NODE,
    Kind.MATCH_DEST_ZEROTIER_ADDRESS: NODE,
    Kind.MATCH_VLAN_ID: st.tuples(st.sampled_from([0, 7])),
    Kind.MATCH_VLAN_PCP: st.tuples(st.sampled_from([0, 1])),
    Kind.MATCH_VLAN_DEI: st.tuples(st.sampled_from([0, 1])),
    Kind.MATCH_MAC_SOURCE: st.sampled_from(MACS).map(lambda mac: (mac.to_bytes(6, "big"),)),
    Kind.MATCH_MAC_DEST: st.sampled_from(MACS).map(lambda mac: (mac.to_bytes(6, "big"),)),
    Kind.MATCH_IPV4_SOURCE: st.tuples(st.sampled_from(IP4), st.sampled_from([0, 8, 24, 31, 32, 77])),
    Kind.MATCH_IPV4_DEST: st.tuples(st.sampled_from(IP4), st.sampled_from([0, 8, 24, 31, 32, 77])),
    Kind.MATCH_IPV6_SOURCE: st.tuples(
        st.sampled_from([*IP6, bytes(16), PLAN.network_address.packed]), st.sampled_from([0, 40, 128, 200])
    ),
    Kind.MATCH_IPV6_DEST: st.tuples(
        st.sampled_from([*IP6, bytes(16), PLAN.network_address.packed]), st.sampled_from([0, 40, 128, 200])
    ),
    Kind.MATCH_IP_TOS: st.tuples(BYTE, BYTE, BYTE),
    Kind.MATCH_IP_PROTOCOL: st.tuples(st.sampled_from([*PROTOCOLS, 44])),
    Kind.MATCH_ETHERTYPE: st.tuples(st.sampled_from([IPV4, ARP, IPV6, 0x88CC])),
    Kind.MATCH_ICMP: st.tuples(
        st.sampled_from([0, 3, 8, 128, 135, 136]), st.sampled_from([0, 1]), st.sampled_from([0, 1])
    ),
    Kind.MATCH_IP_SOURCE_PORT_RANGE: SPAN,
    Kind.MATCH_IP_DEST_PORT_RANGE: SPAN,
    Kind.MATCH_CHARACTERISTICS: MASK.map(lambda bits: (sum(set(bits)),)),
    Kind.MATCH_FRAME_SIZE_RANGE: SPAN,
    Kind.MATCH_RANDOM: st.tuples(st.sampled_from([0, 0xFFFFFFFF])),
    Kind.INTEGER_RANGE: st.tuples(
        WIDE,
        WIDE,
        st.sampled_from([0, 1, 6, 12, 20, 60, 65535]),
        st.tuples(st.integers(0, 63), st.sampled_from([0, 0x80])).map(sum),
    ),
}
KINDS = [*sorted(LAYOUTS), 9, 20, 60]
ACTIONS = [k for k in KINDS if k <= 15]
MATCHES = [k for k in KINDS if k > 15]


def rule(kind: int) -> st.SearchStrategy[Rule]:
    """A rule whose arguments have to do with the frames above."""
    arguments = ARGUMENTS.get(kind)
    if arguments is None and kind not in LAYOUTS:
        arguments = st.just((b"?",))
    elif arguments is None:
        arguments = TAG if Kind.MATCH_TAGS_DIFFERENCE <= kind <= Kind.MATCH_TAG_RECEIVER else st.just(())
    plain = st.just(False)
    signs = (plain, plain) if kind <= 15 else (st.booleans(), st.sampled_from([False, False, True]))
    return st.builds(Rule, st.just(kind), arguments, *signs)


def sets() -> st.SearchStrategy[list[Rule]]:
    """A few matches and the action that they guard."""
    matches = st.lists(st.sampled_from(MATCHES).flatmap(rule), max_size=3)
    return st.tuples(matches, st.sampled_from(ACTIONS).flatmap(rule)).map(lambda found: [*found[0], found[1]])


LISTS = st.lists(sets(), max_size=4).map(lambda found: [one for part in found for one in part])


class Engine:
    """The engine of this build, fed through the wire form of the rules."""

    def __init__(self) -> None:
        self.context = FrameContext(ME, 99)

    def compile(self, rules: list[Rule]) -> Any:
        """The program, by way of bytes."""
        return Program(parse_rules(encode_rules(rules))[0])

    def claim(self, tags: dict[int, int], owned: frozenset[Any]) -> Any:
        """Claims of one end."""
        things = frozenset(
            thing.to_bytes(6, "big") if isinstance(thing, int) else mapped(thing) for thing in owned
        )
        return Claims(tags, things, ())

    def decide(self, base: list[Rule], capabilities: list[list[Rule]], frame: Frame) -> Verdict:
        """The verdict in the model's words."""
        slab = Slab(len(frame.data) + 5)
        slab.buffer[5:] = frame.data
        context = self.context
        context.inbound = frame.inbound
        context.source, context.destination = frame.source, frame.destination
        context.mac_source, context.mac_destination = frame.mac_source, frame.mac_destination
        context.vlan, context.config_flags = frame.vlan, frame.flags
        context.local = self.claim(frame.local_tags, frame.local_owned)
        context.remote = self.claim(frame.remote_tags, frame.remote_owned)
        context.emulated = tuple(net.network_address.packed[: net.prefixlen // 8] for net in frame.emulated)
        context.begin(slab, 5, len(frame.data), frame.ethertype)
        programs = [self.compile(rules) for rules in capabilities]
        outcome = OUTCOMES[judge(self.compile(base), programs, context)]
        if outcome == "drop":
            return Verdict(outcome, 0, ())
        own = rules_model.Copy(context.tee_to, context.tee_length, bool(context.tee_watch))
        first = rules_model.Copy(context.base_tee_to, context.base_tee_length, bool(context.base_tee_watch))
        copies = tuple(copy for copy in (first, own) if copy.to)
        return Verdict(outcome, context.redirect_to, copies)


def mapped(ip: Any) -> bytes:
    packed: bytes = ip.packed
    return packed if len(packed) == 16 else bytes(10) + b"\xff\xff" + packed


def expected(base: list[Rule], capabilities: list[list[Rule]], frame: Frame) -> Verdict:
    """The model's verdict; a dropped frame is not copied."""
    found = rules_model.decide(
        [one.to_json() for one in base], [[one.to_json() for one in rules] for rules in capabilities], frame
    )
    if found.outcome == "drop":
        return Verdict("drop", 0, ())
    return found._replace(copies=tuple(copy for copy in found.copies if copy))


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@settings(max_examples=EXAMPLES)
@given(base=LISTS, capabilities=st.lists(LISTS, max_size=3), frame=frames())
def test_the_engine_decides_as_the_model(
    engine: Engine, base: list[Rule], capabilities: list[list[Rule]], frame: Frame
) -> None:
    assert engine.decide(base, capabilities, frame) == expected(base, capabilities, frame)


# What depends on much of a frame is asked of every one.
ALWAYS = [
    Rule(Kind.MATCH_CHARACTERISTICS, (1 << 60,)),
    Rule(Kind.MATCH_CHARACTERISTICS, (0xFFF,)),
    Rule(Kind.MATCH_IP_DEST_PORT_RANGE, (0, 65535), negated=True),
]


@settings(max_examples=EXAMPLES // 4)
@given(
    matches=st.lists(st.sampled_from(MATCHES).flatmap(rule), min_size=8, max_size=16),
    seen=st.lists(frames(), min_size=4, max_size=8),
)
def test_each_match_alone(engine: Engine, matches: list[Rule], seen: list[Frame]) -> None:
    """Matches that guard one ACCEPT before a DROP, and the other way round, with every frame."""
    accept, drop = Rule(Kind.ACTION_ACCEPT), Rule(Kind.ACTION_DROP)
    for one in [*matches, *ALWAYS]:
        alone = Rule(one.kind, one.arguments, one.negated)
        for base in ([alone, accept, drop], [alone, drop, accept]):
            for frame in seen:
                assert engine.decide(base, [], frame) == expected(base, [], frame), (base, frame)
