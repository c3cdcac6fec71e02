"""Any bytes under any verb are survived; credentials pass a gate and may come in several packets."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fastzt.identity.identity import Identity
from fastzt.vl1.timing import SECOND
from fastzt.vl2.credentials_push import CredentialsPush, payloads
from fastzt.vl2.member import Member
from fastzt.wire.credentials_packet import NetworkCredentials
from fastzt.wire.error_body import ErrorBody
from fastzt.wire.frame import ExtFrame, Frame
from fastzt.wire.multicast import Gather, Like, MulticastFrame, encode_likes
from fastzt.wire.tag import Tag
from fastzt.wire.verbs import Verb
from vl2.direct import Direct
from vl2.test_config import CONTROLLER, ME, MEMBER, NWID, answer, config
from vl2.test_membership import com as certificate

VERBS = [
    Verb.EXT_FRAME,
    Verb.MULTICAST_LIKE,
    Verb.NETWORK_CREDENTIALS,
    Verb.NETWORK_CONFIG_REQUEST,
    Verb.NETWORK_CONFIG,
    Verb.MULTICAST_GATHER,
    Verb.MULTICAST_FRAME,
    Verb.OK,
    Verb.ERROR,
    Verb.NOP,
]
IN_RE = [Verb.NETWORK_CONFIG_REQUEST, Verb.MULTICAST_GATHER, Verb.MULTICAST_FRAME, Verb.FRAME]
GROUP = (0x01005E000001, 5)
GOOD = [
    ExtFrame(NWID, 1, 2, 0x800, bytes(20)).to_bytes(),
    MulticastFrame(NWID, *GROUP, 0x806, bytes(28), 3).to_bytes(),
    encode_likes([Like(NWID, *GROUP)]),
    Gather(NWID, *GROUP, 4).to_bytes(),
    ErrorBody(6, NWID).to_bytes(),
    ErrorBody(8, NWID, *GROUP).to_bytes(),
    NetworkCredentials().to_bytes(),
    NWID.to_bytes(8, "big"),
]


def joined() -> Direct:
    node = Direct(ME, CONTROLLER, MEMBER)
    node.networks.join(NWID, node.now)
    answer(node, config().to_bytes())
    return node


NODE = joined()


@st.composite
def damaged(draw: Any) -> bytes:
    """A well-formed payload, cut or with bytes changed; or anything."""
    data = bytearray(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(0, 3))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))])


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(VERBS), st.sampled_from(IN_RE), st.one_of(damaged(), st.binary(max_size=200)))
def test_messages_never_raise(verb: int, in_re: int, payload: bytes) -> None:
    NODE.now += SECOND
    assert NODE.hand(MEMBER, verb, payload, in_re) in range(4)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(st.binary(max_size=64), st.binary(max_size=40).map(lambda tail: NWID.to_bytes(8, "big") + tail))
)
def test_frames_never_raise(payload: bytes) -> None:
    peer = NODE.switch.peer(MEMBER.address)
    scratch = NODE.networks.scratch
    slab = type(scratch)(len(payload) + 40)
    slab.view[40 : 40 + len(payload)] = payload
    assert NODE.networks.frame(peer, slab, 40, len(payload), 0, NODE.now) in range(4)


def test_credentials_of_a_flooding_peer_are_gated() -> None:
    node = joined()
    payload = NetworkCredentials(coms=(certificate(MEMBER),)).to_bytes()
    for _ in range(20):
        node.hand(MEMBER, Verb.NETWORK_CREDENTIALS, payload)
    assert node.total("gated") == 12
    node.now += SECOND
    node.hand(MEMBER, Verb.NETWORK_CREDENTIALS, payload)
    assert node.total("gated") == 12


def test_a_packet_that_waits_for_the_controllers_identity_is_not_gated() -> None:
    node = Direct(ME, MEMBER)
    node.networks.join(NWID, node.now)
    made = certificate(MEMBER)
    foreign = made.__class__.issue(1, 1, NWID, MEMBER.address, MEMBER.public_hash())
    signed = foreign.signed_by(CONTROLLER.address, CONTROLLER.sign(foreign.signed_bytes))
    payload = NetworkCredentials(coms=(signed,)).to_bytes()
    for _ in range(20):
        assert node.hand(MEMBER, Verb.NETWORK_CREDENTIALS, payload, packet_id=99) == 3
    node.know(CONTROLLER)
    assert node.hand(MEMBER, Verb.NETWORK_CREDENTIALS, payload, packet_id=99) == 1
    network = node.networks.get(NWID)
    assert network is not None
    assert network.membership.members[MEMBER.address].com == signed
    assert node.total("gated") == 0


def tags(count: int) -> tuple[Tag, ...]:
    return tuple(
        Tag(NWID, 1, number, 0, ME.address, CONTROLLER.address, bytes(96)) for number in range(count)
    )


def test_many_credentials_are_shown_in_packets_a_second_apart() -> None:
    shown = config(tags=tags(100), com=certificate(ME))
    parts = payloads(shown)
    parsed = [NetworkCredentials.parse(part) for part in parts]
    assert [len(part.coms) for part in parsed] == [1, 0]
    assert [tag.id for part in parsed for tag in part.tags] == list(range(100))
    assert max(len(part) for part in parts) <= 9_800
    node = joined()
    push = CredentialsPush(node.switch, NWID)
    push.build(shown)
    member = Member(NWID, MEMBER.address, 1)
    sent = []
    for tenth in range(50):
        at = node.now + tenth * SECOND // 10
        if push.is_due(member, at):
            assert push.next_part(member, at) == parts[len(sent)]
            sent.append(tenth)
    assert sent == [0, 10]
    assert push.is_due(member, node.now + 501 * SECOND)
    assert push.demanded(MEMBER.address, member, node.now + 6 * SECOND)
    assert member.last_push == node.now + 6 * SECOND


def test_demands_are_answered_right_after_a_push_then_once_a_second() -> None:
    node = joined()
    push = CredentialsPush(node.switch, NWID)
    push.build(config(com=certificate(ME)))
    member = Member(NWID, MEMBER.address, 1)
    push.push(MEMBER.address, member, node.now)
    shown = []
    for tenth in range(30):
        at = node.now + tenth * SECOND // 10 + 1
        assert push.demanded(MEMBER.address, member, at)
        if member.last_push == at:
            shown.append(tenth)
    assert shown == [0, 1, 2, 3, 10, 20]
    assert not push.is_due(member, node.now + 4 * SECOND)


def test_a_config_without_credentials_has_nothing_to_show() -> None:
    assert payloads(config()) == []


def test_frames_reach_only_joined_networks() -> None:
    node = joined()
    frame = Frame(NWID + 1, 0x800, bytes(20)).to_bytes()
    peer = node.switch.peer(MEMBER.address)
    scratch = node.networks.scratch
    scratch.view[: len(frame)] = frame
    assert node.networks.frame(peer, scratch, 0, len(frame), 0, node.now) == 0
    assert node.total("unknown_network") == 1


def test_identities_of_the_tests_differ() -> None:
    assert len({identity.address for identity in (CONTROLLER, ME, MEMBER)}) == 3
    assert all(isinstance(identity, Identity) for identity in (CONTROLLER, ME, MEMBER))
