"""Credentials taken one after another, and what they allow (PROTOCOL-VL2 4), against credentials.json."""

from __future__ import annotations

from typing import Any

import pytest
from support.vectors import cases, parametrize

from fastzt.identity.identity import Identity
from fastzt.vl2 import membership
from fastzt.vl2.membership import Membership, Result, claims_of, is_allowed
from fastzt.wire.capability import Capability
from fastzt.wire.com import Com
from fastzt.wire.credentials_packet import NetworkCredentials
from fastzt.wire.ownership import Ownership, Thing
from fastzt.wire.revocation import CredentialType, Revocation
from fastzt.wire.rules import ACCEPT, encode_rules
from fastzt.wire.tag import Tag

[ENVIRONMENT] = cases("credentials", "environment")
CONTROLLER = Identity.parse(ENVIRONMENT["controller_secret"])
OTHER = Identity.parse(ENVIRONMENT["other_controller_secret"])
MEMBERS = [Identity.parse(text) for text in ENVIRONMENT["members_secret"]]
NWID = int(ENVIRONMENT["network_id"], 16)
KNOWN = {identity.address: identity for identity in (CONTROLLER, OTHER, *MEMBERS)}
NOW = 1_700_000_000_000
DELTA = 7_200_000


def verify(signer: int, message: bytes, signature: bytes) -> bool | None:
    identity = KNOWN.get(signer)
    return None if identity is None else identity.verify(message, signature)


def table() -> Membership:
    return Membership(NWID, verify)


def com(member: Identity, timestamp: int = NOW, signer: Identity = CONTROLLER) -> Com:
    made = Com.issue(timestamp, DELTA, NWID, member.address, member.public_hash())
    return made.signed_by(signer.address, signer.sign(made.signed_bytes))


def tag(member: Identity, number: int, value: int, timestamp: int = NOW) -> Tag:
    made = Tag(NWID, timestamp, number, value, member.address, CONTROLLER.address)
    return made.signed_by(CONTROLLER.address, CONTROLLER.sign(made.signed_bytes))


def capability(member: Identity, number: int, timestamp: int = NOW, rules: bytes = b"\1\0") -> Capability:
    made = Capability(NWID, timestamp, number, rules)
    return made.handed(member.address, CONTROLLER.address, CONTROLLER.sign(made.signed_bytes))


def ownership(member: Identity, things: tuple[Thing, ...], timestamp: int = NOW) -> Ownership:
    made = Ownership(NWID, timestamp, 0, 1, things, member.address, CONTROLLER.address)
    return made.signed_by(CONTROLLER.address, CONTROLLER.sign(made.signed_bytes))


def revocation(member: Identity, kind: int, number: int, threshold: int, flags: int = 0) -> Revocation:
    made = Revocation(7, NWID, number, threshold, flags, member.address, kind, CONTROLLER.address)
    return made.signed_by(CONTROLLER.address, CONTROLLER.sign(made.signed_bytes))


RESULTS = {"accepted_new": Result.NEW, "accepted_redundant": Result.REDUNDANT, "rejected": Result.REJECTED}
PARSERS: dict[str, Any] = {
    "com": (Com.parse, Membership.accept_com),
    "tag": (Tag.parse, Membership.accept_tag),
    "capability": (Capability.parse, Membership.accept_capability),
    "coo": (Ownership.parse, Membership.accept_ownership),
    "revocation": (Revocation.parse, Membership.accept_revocation),
}


@parametrize("credentials", "credential_sequence")
def test_credential_sequence(case: dict[str, Any]) -> None:
    members = table()
    peer = Identity.parse(case["remote_member_public"])
    own = Com.parse(bytes.fromhex(case["own_com"]))
    for step in case["steps"]:
        parse, accept = PARSERS[step["credential"]]
        credential = parse(bytes.fromhex(step["serialized"]))
        assert accept(members, credential) == RESULTS[step["result"]], step["what"]
        allowed = is_allowed(members.member(peer.address), own, peer.public_hash())
        assert allowed == step["peer_allowed_after"], step["what"]


def test_only_verified_credentials_make_entries() -> None:
    members = table()
    member = MEMBERS[0]
    forged = com(member, signer=OTHER)
    assert members.accept_com(forged) == Result.REJECTED
    claimed = Com(forged.qualifiers, CONTROLLER.address, forged.signature)
    assert members.accept_com(claimed) == Result.REJECTED
    good = tag(member, 1, 1)
    assert members.accept_tag(Tag(NWID, NOW, 1, 2, member.address, CONTROLLER.address, good.signature)) == 0
    assert members.members == {}


def test_an_unknown_controller_defers() -> None:
    members = Membership(NWID, lambda signer, message, signature: None)
    result, fresh = members.accept(NetworkCredentials(coms=(com(MEMBERS[0]),)))
    assert (result, fresh) == (Result.DEFERRED, [])
    assert members.members == {}


def test_credentials_of_other_networks_are_ignored() -> None:
    members = table()
    made = Com.issue(NOW, DELTA, NWID + 1, MEMBERS[0].address, MEMBERS[0].public_hash())
    other = made.signed_by(CONTROLLER.address, CONTROLLER.sign(made.signed_bytes))
    assert members.accept(NetworkCredentials(coms=(other,)))[0] == Result.REJECTED
    assert members.accept_com(other) == Result.REJECTED


def test_gate_compares_the_identity_that_presents_the_certificate() -> None:
    members = table()
    own = com(MEMBERS[1])
    assert members.accept_com(com(MEMBERS[0])) == Result.NEW
    entry = members.member(MEMBERS[0].address)
    assert is_allowed(entry, own, MEMBERS[0].public_hash())
    assert not is_allowed(entry, own, MEMBERS[1].public_hash())
    assert not is_allowed(entry, None, MEMBERS[0].public_hash())


def test_claims_are_what_is_valid_now() -> None:
    members = table()
    member = MEMBERS[0]
    mac = Thing.mac(0x1E9A37163D51)
    things = (mac, Thing.ip(bytes(10) + b"\xff\xff\x0a\x2c\0\1"), Thing.ip(b"\xfd" + bytes(15)))
    accepted = [
        members.accept_tag(tag(member, 1, 11)),
        members.accept_tag(tag(member, 2, 22, NOW - DELTA - 1)),
        members.accept_capability(capability(member, 5)),
        members.accept_ownership(ownership(member, things)),
    ]
    assert accepted == [Result.NEW] * 4
    entry = members.member(member.address)
    claims = claims_of(entry, NOW, DELTA)
    assert claims.tags == {1: 11}
    assert len(claims.capabilities) == 1
    mapped = bytes(10) + b"\xff\xff\x0a\x2c\0\1"
    assert claims.owned == {bytes.fromhex("1e9a37163d51"), mapped, b"\xfd" + bytes(15)}
    before = entry.generation
    assert members.accept_revocation(revocation(member, CredentialType.TAG, 1, NOW)) == Result.NEW
    assert members.accept_revocation(revocation(member, CredentialType.CAPABILITY, 5, NOW)) == Result.NEW
    assert entry.generation == before + 2
    claims = claims_of(entry, NOW, DELTA)
    assert (claims.tags, claims.capabilities) == ({}, [])
    assert claims_of(entry, NOW - DELTA, DELTA).tags == {2: 22}


def test_revocations_of_unknown_kinds_are_rejected() -> None:
    assert table().accept_revocation(revocation(MEMBERS[0], 6, 0, NOW)) == Result.REJECTED
    assert table().accept_revocation(revocation(MEMBERS[0], 9, 0, NOW)) == Result.REJECTED


def test_custody_must_begin_at_the_controller_and_be_unbroken() -> None:
    members = table()
    body = Capability(NWID, NOW, 5, encode_rules([ACCEPT]), 3)
    first, second = MEMBERS[:2]
    chain = body.handed(first.address, CONTROLLER.address, CONTROLLER.sign(body.signed_bytes))
    handed_on = chain.handed(second.address, first.address, first.sign(body.signed_bytes))
    assert members.accept_capability(handed_on) == Result.NEW
    assert handed_on.issued_to == second.address
    assert 5 in members.member(second.address).capabilities
    broken = chain.handed(second.address, OTHER.address, OTHER.sign(body.signed_bytes))
    assert members.accept_capability(broken) == Result.REJECTED
    unsigned = chain.handed(second.address, first.address, second.sign(body.signed_bytes))
    assert members.accept_capability(unsigned) == Result.REJECTED
    foreign = body.handed(first.address, OTHER.address, OTHER.sign(body.signed_bytes))
    assert members.accept_capability(foreign) == Result.REJECTED
    assert members.accept_capability(body) == Result.REJECTED


def test_a_capability_with_malformed_rules_is_rejected() -> None:
    assert table().accept_capability(capability(MEMBERS[0], 5, rules=b"\x25\0")) == Result.REJECTED


def test_tags_of_one_member_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "MAX_TAGS", 2)
    members = table()
    given = [members.accept_tag(tag(MEMBERS[0], number, 0)) for number in range(3)]
    assert given == [Result.NEW, Result.NEW, Result.REJECTED]
    assert members.accept_tag(tag(MEMBERS[0], 1, 9, NOW + 1)) == Result.NEW


def test_members_are_capped_and_those_without_credentials_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "MAX_MEMBERS", 3)
    members = table()
    members.accept_com(com(MEMBERS[0]))
    stranger = members.member(1)
    members.member(2)
    members.member(3)
    assert members.evicted == 1
    assert not stranger.alive
    assert set(members.members) == {MEMBERS[0].address, 2, 3}
