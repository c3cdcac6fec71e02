"""The number that cached verdicts are compared with: what could change a verdict changes it, for good."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.vectors import committed

from fastzt.identity.identity import Identity
from fastzt.vl2 import membership
from fastzt.vl2.member import Memberships
from fastzt.vl2.membership import Membership
from fastzt.wire.capability import Capability
from fastzt.wire.com import Com
from fastzt.wire.ownership import Ownership, Thing
from fastzt.wire.revocation import CredentialType, Revocation
from fastzt.wire.rules import ACCEPT, Kind, Rule, encode_rules
from fastzt.wire.tag import Tag
from vl2.bench import World, ip_of, ipv4

CONTROLLER, *MEMBERS = [Identity.parse(case["secret_string"]) for case in committed("identity", "identity")][
    :4
]
NWID = CONTROLLER.address << 24 | 0xABCDEF
NOW = 1_700_000_000_000
UDP_PORTS = b"\3\xe8\0\x50" + bytes(16)


def verify(signer: int, message: bytes, signature: bytes) -> bool | None:
    """Signatures are checked elsewhere."""
    return signer == CONTROLLER.address


def credential(kind: int, member: Identity, number: int, timestamp: int) -> Any:
    """A credential, or a revocation, of a member."""
    to, signer = member.address, CONTROLLER.address
    if kind == 0:
        return Com.issue(timestamp, 1, NWID, to, member.public_hash()).signed_by(signer, b"s" * 96)
    if kind == 1:
        return Tag(NWID, timestamp, number, timestamp & 0xFF, to).signed_by(signer, b"s" * 96)
    if kind == 2:
        return Capability(NWID, timestamp, number, encode_rules([ACCEPT])).handed(to, signer, b"s" * 96)
    if kind == 3:
        things = (Thing.ip(bytes(10) + b"\xff\xff\x0a\0\0\1"),)
        return Ownership(NWID, timestamp, 0, number, things, to).signed_by(signer, b"s" * 96)
    revoked = list(CredentialType)[number % 4]
    return Revocation(1, NWID, number, timestamp, 0, to, revoked).signed_by(signer, b"s" * 96)


def accept(table: Membership, item: Any) -> int:
    """Whether the table took it for new."""
    name = {
        Com: "com",
        Tag: "tag",
        Capability: "capability",
        Ownership: "ownership",
        Revocation: "revocation",
    }[type(item)]
    return int(getattr(table, f"accept_{name}")(item))


STEPS = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(MEMBERS), st.integers(0, 2), st.integers(NOW, NOW + 5)),
    max_size=40,
)


@settings(max_examples=200)
@given(STEPS)
def test_no_generation_of_a_member_comes_twice(steps: list[tuple[int, Identity, int, int]]) -> None:
    """Also across eviction: what was cached for an entry that is gone holds for none that follows it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(membership, "MAX_MEMBERS", 2)
        table = Membership(NWID, verify)
        held: dict[int, int] = {}
        for kind, identity, number, timestamp in steps:
            taken = accept(table, credential(kind, identity, number, timestamp)) == membership.Result.NEW
            before = held.get(identity.address, -1)
            entry = table.members.get(identity.address)
            if entry is not None:
                assert entry.generation > before if taken else entry.generation >= before
                held[identity.address] = entry.generation
        for identity in MEMBERS:
            assert table.member(identity.address).generation >= held.get(identity.address, 0)


def test_a_new_entry_of_an_evicted_member_has_no_old_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "MAX_MEMBERS", 1)
    table = Membership(NWID, verify)
    first, second = MEMBERS[:2]
    for step in range(3):
        accept(table, credential(1, first, step, NOW))
    seen = table.member(first.address).generation
    table.member(second.address)
    assert first.address not in table.members
    assert table.member(first.address).generation > seen


CHANGES = {
    "rules": lambda w, n, m: w.controller.update_network(
        n, {"rules": [Rule(Kind.MATCH_IP_PROTOCOL, (6,)).to_json(), ACCEPT.to_json()]}, w.now
    ),
    "deauthorization": lambda w, n, m: w.controller.authorize(n, m, w.now, False),
    "tags": lambda w, n, m: w.controller.update_member(n, m, {"tags": [[1, 2]]}, w.now),
    "access": lambda w, n, m: w.controller.update_network(n, {"private": False}, w.now),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_at_the_controller_is_a_new_state_at_the_receiver(change: str) -> None:
    world = World()
    nwid = world.network({"rules": [ACCEPT.to_json()], "tags": [{"id": 1, "default": 0}]})
    a, b = world.join(nwid)
    peer = world.meet(a, ip_of(b))
    world.run(2)
    packet = ipv4(ip_of(a), ip_of(b), UDP_PORTS)
    world.send_ip(a, peer, packet)
    world.run(1)
    sender, _, verdict = world.b.stack.inputs.pop()
    world.b.stack.flows.add((sender, verdict))
    world.send_ip(a, peer, packet)
    world.run(1)
    assert len(world.b.stack.fast) == 1
    CHANGES[change](world, nwid, world.a.address)
    world.run(3)
    world.send_ip(a, peer, packet)
    world.run(1)
    assert len(world.b.stack.fast) == 1
    back = world.b.node.switch.peer(world.a.address)
    assert back is not None
    assert b.state_of(back) > verdict


def test_a_token_that_was_dropped_keeps_the_state() -> None:
    """Housekeeping takes VL2's token off an idle peer; its member, and the state, are found again."""
    world = World()
    a, b = world.join(world.network({"rules": [ACCEPT.to_json()]}))
    peer = world.meet(a, ip_of(b))
    world.run(2)
    state = a.state_of(peer)
    peer.token = None
    assert a.state_of(peer) == state
    peer.token = Memberships()
    assert a.state_of(peer) == state


def test_a_network_left_and_joined_again_has_states_of_its_own() -> None:
    """Flows end with the network that is left, so that its verdicts cannot be met again."""
    world = World()
    nwid = world.network({"rules": [ACCEPT.to_json()]})
    a, b = world.join(nwid)
    peer = world.meet(a, ip_of(b))
    world.run(2)
    old = a.membership.members[peer.address]
    world.a.networks.leave(nwid, world.now)
    assert not old.alive
    again = world.a.networks.join(nwid, world.now)
    assert again is not a
    assert again.member_of(peer) is not old
