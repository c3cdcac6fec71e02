"""The compiled evaluator decides as the interpreted one, and a cached verdict holds for the whole flow."""

from __future__ import annotations

import struct

from hypothesis import given, settings
from hypothesis import strategies as st
from support.pure import twin

from fastzt._core.slab import Slab
from fastzt.vl2.claims import Claims
from fastzt.vl2.evaluator import run
from fastzt.vl2.frame_context import FrameContext
from fastzt.vl2.program import Program
from fastzt.wire.rules import LAYOUTS, Kind, Rule

ME, PEER, THIRD = 0x1E5B63CF93, 0x47C33B90EA, 0x73203A117F
ADDRESSES = st.sampled_from([ME, PEER, THIRD])
FIELDS = {
    "B": st.sampled_from([0, 1, 6, 8, 17, 58, 64, 255]),
    "H": st.sampled_from([0, 1, 20, 80, 443, 0x800, 0x806, 0x86DD, 65535]),
    "I": st.sampled_from([0, 1, 5, 1 << 31, (1 << 32) - 1]),
    "Q": st.one_of(ADDRESSES, st.sampled_from([0, 2, 1 << 63, 1 << 60, (1 << 64) - 1])),
}


def arguments(kind: int) -> st.SearchStrategy[tuple[object, ...]]:
    """Arguments fit for the wire struct of a kind."""
    parts = []
    for code, size in zip(*codes(LAYOUTS[kind].struct.format), strict=True):
        if code == "s":
            parts.append(st.binary(min_size=size, max_size=size))
        else:
            parts.append(FIELDS[code])
    return st.tuples(*parts)


def codes(text: str) -> tuple[list[str], list[int]]:
    letters, sizes, digits = [], [], ""
    for c in text.lstrip(">"):
        if c.isdigit():
            digits += c
        else:
            letters.append(c)
            sizes.append(int(digits or "1"))
            digits = ""
    return letters, sizes


def rule(kind: int) -> st.SearchStrategy[Rule]:
    if kind not in LAYOUTS:
        return st.builds(Rule, st.just(kind), st.just((b"",)), st.booleans(), st.booleans())
    return st.builds(Rule, st.just(kind), arguments(kind), st.booleans(), st.booleans())


KINDS = [*sorted(LAYOUTS), 9, 20, 60]
RULES = st.lists(st.sampled_from(KINDS).flatmap(rule), max_size=12)
TAGS = st.dictionaries(st.sampled_from([0, 1, 5]), st.sampled_from([0, 1, 5, (1 << 32) - 1]))
IPV4 = bytes.fromhex("4500002800000000400666760a2c00010a2c0002")
IPV6 = bytes.fromhex("60000000001406400000000000000000000000000000000000000000000000000000000000000001")
FRAMES = st.one_of(
    st.binary(max_size=90),
    st.binary(max_size=40).map(lambda tail: IPV4 + tail),
    st.binary(max_size=40).map(lambda tail: IPV6 + tail),
)


def decide(
    package: str, rules: list[Rule], frame: bytes, ethertype: int, inbound: bool, tags: list[dict[int, int]]
) -> tuple[object, ...]:
    """Outcome and results as one build of the evaluator gives them."""
    if package == "fastzt":
        slab_type, claims, context, program, evaluate = Slab, Claims, FrameContext, Program, run
    else:
        slab_type = twin("fastzt._core.slab").Slab
        claims = twin("fastzt.vl2.claims").Claims
        context = twin("fastzt.vl2.frame_context").FrameContext
        program = twin("fastzt.vl2.program").Program
        evaluate = twin("fastzt.vl2.evaluator").run
    slab = slab_type(len(frame) + 9)
    slab.buffer[9:] = frame
    judged = context(ME, 77)
    judged.inbound = inbound
    judged.source, judged.destination = (PEER, ME) if inbound else (ME, PEER)
    judged.mac_source, judged.mac_destination = 0x1E9A37163D51, 0x1EC3AF4E6228
    judged.local, judged.remote = claims(tags[0], frozenset(), ()), claims(tags[1], frozenset(), ())
    judged.begin(slab, 9, len(frame), ethertype)
    outcome = evaluate(program(rules), judged)
    return outcome, judged.cacheable, judged.redirect_to, judged.tee_to, judged.tee_length, judged.tee_watch


@settings(max_examples=300, deadline=None)
@given(
    RULES,
    FRAMES,
    st.sampled_from([0x800, 0x806, 0x86DD, 0x88CC]),
    st.booleans(),
    st.lists(TAGS, min_size=2, max_size=2),
)
def test_both_builds_decide_alike(
    rules: list[Rule], frame: bytes, ethertype: int, inbound: bool, tags: list[dict[int, int]]
) -> None:
    arguments = (rules, frame, ethertype, inbound, tags)
    assert decide("fastzt", *arguments) == decide("fastzt_pure", *arguments)


PER_FLOW = [k for k in KINDS if k not in (Kind.ACTION_TEE, Kind.ACTION_WATCH, Kind.ACTION_REDIRECT)]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(PER_FLOW).flatmap(rule), max_size=12),
    st.lists(
        st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 63), st.binary(max_size=60)),
        min_size=2,
        max_size=2,
    ),
    st.booleans(),
)
def test_a_cacheable_verdict_holds_for_other_packets_of_the_flow(
    rules: list[Rule], packets: list[tuple[int, int, int, bytes]], inbound: bool
) -> None:
    verdicts = []
    for tos, identification, flags, payload in packets:
        header = struct.pack(">BBHHHBBH", 0x45, tos, 40 + len(payload), identification, 0, 64, 6, 0)
        segment = struct.pack(">HHIIBBHHH", 40000, 80, 1, 1, 0x50, flags, 1000, 0, 0)
        frame = header + bytes([10, 44, 0, 1, 10, 44, 0, 2]) + segment + payload
        verdicts.append(decide("fastzt", rules, frame, 0x800, inbound, [{}, {}]))
    if verdicts[0][1]:
        assert verdicts[0] == verdicts[1]
