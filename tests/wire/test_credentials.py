from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.vectors import cases, committed, parametrize

from fastzt._core.endpoint import V4_PREFIX
from fastzt.identity.credentials import Verdict, check, check_capability, sign_capability
from fastzt.identity.identity import Identity
from fastzt.wire.address import parse_mac
from fastzt.wire.capability import Capability
from fastzt.wire.com import Com, Qualifier, agrees
from fastzt.wire.credentials_packet import NetworkCredentials
from fastzt.wire.ownership import Ownership, Thing
from fastzt.wire.reader import Malformed, Reader
from fastzt.wire.revocation import Revocation
from fastzt.wire.rules import parse_rules
from fastzt.wire.tag import Tag

ENVIRONMENT = cases("credentials", "environment")[0]
SECRETS = [
    ENVIRONMENT["controller_secret"],
    ENVIRONMENT["other_controller_secret"],
    *ENVIRONMENT["members_secret"],
]
KNOWN = {identity.address: identity for identity in map(Identity.parse, SECRETS)}
CONTROLLER = Identity.parse(ENVIRONMENT["controller_secret"])
NWID = int(ENVIRONMENT["network_id"], 16)


def public_of(address: int) -> bytes | None:
    identity = KNOWN.get(address)
    return identity.public if identity else None


def judge(credential: Any) -> int:
    if isinstance(credential, Capability):
        return check_capability(credential, public_of)
    return check(credential, public_of)


def common(case: dict[str, Any], read: Callable[[Reader], Any]) -> Any:
    """Read, re-encode, compare signed bytes and verdict; then all tampered forms."""
    data = bytes.fromhex(case["serialized"])
    reader = Reader(data)
    credential = read(reader)
    assert case["parse_ok"]
    assert reader.offset == case["consumed"] == len(data)
    assert credential.to_bytes() == data
    assert credential.signed_bytes.hex() == case["signed_bytes"]
    assert judge(credential) == case["verify"]
    for tampered in case.get("tampered", []):
        reader = Reader(bytes.fromhex(tampered["serialized"]))
        if tampered["parse_ok"]:
            assert judge(read(reader)) == tampered["verify"], tampered["name"]
            assert reader.offset == tampered["consumed"], tampered["name"]
        else:
            with pytest.raises(Malformed):
                read(reader)
    return credential


def hex5(value: int) -> str:
    return f"{value:010x}"


@parametrize("credentials", "environment")
def test_environment(case: dict[str, Any]) -> None:
    controller, *others = (
        Identity.parse(text)
        for text in (case["controller_secret"], case["other_controller_secret"], *case["members_secret"])
    )
    assert controller.address == int(case["network_id"], 16) >> 24
    assert all(identity.has_secret and identity.validate() for identity in (controller, *others))


@parametrize("credentials", "com")
def test_com(case: dict[str, Any]) -> None:
    com = common(case, Com.read)
    listed = [
        {"id": q.id, "value": f"{q.value:016x}", "max_delta": f"{q.max_delta:016x}"} for q in com.qualifiers
    ]
    assert listed == case["qualifiers"]
    assert (com.timestamp, f"{com.nwid:016x}") == (case["timestamp"], case["network_id"])
    assert (hex5(com.issued_to), hex5(com.signer)) == (case["issued_to"], case["signed_by"])
    member = Identity.parse(case["issued_to_public"])
    assert com.public_hash in (b"", member.public_hash())


@parametrize("credentials", "com_decode")
def test_com_decode(case: dict[str, Any]) -> None:
    reader = Reader(bytes.fromhex(case["serialized"]))
    if not case["parse_ok"]:
        with pytest.raises(Malformed):
            Com.read(reader)
        return
    assert judge(Com.read(reader)) == case["verify"]
    assert reader.offset == case["consumed"]


@parametrize("credentials", "com_agree")
def test_com_agree(case: dict[str, Any]) -> None:
    mine, theirs = (Com.parse(bytes.fromhex(case[key])) for key in ("mine", "other"))
    assert agrees(mine, theirs, Identity.parse(case["other_public"]).public_hash()) == case["agrees"]


def test_issued_com_is_the_reference_form() -> None:
    case = committed("credentials", "com")[0]
    controller = Identity.parse(committed("credentials", "environment")[0]["controller_secret"])
    theirs = Com.parse(bytes.fromhex(case["serialized"]))
    member = Identity.parse(case["issued_to_public"])
    com = Com.issue(theirs.timestamp, 0x6DDD00, theirs.nwid, member.address, member.public_hash())
    signed = com.signed_by(controller.address, controller.sign(com.signed_bytes))
    assert signed == theirs
    assert len(signed.to_bytes()) == 272


def test_com_hash_must_be_complete() -> None:
    case = committed("credentials", "com_agree")[0]
    mine, theirs = (Com.parse(bytes.fromhex(case[key])) for key in ("mine", "other"))
    public_hash = Identity.parse(case["other_public"]).public_hash()
    assert agrees(mine, theirs, public_hash)
    for missing in (3, 4, 5, 6):
        partly = replace(theirs, qualifiers=tuple(q for q in theirs.qualifiers if q.id != missing))
        one_less = replace(mine, qualifiers=tuple(q for q in mine.qualifiers if q.id != missing))
        assert not agrees(mine, partly, public_hash)
        assert not agrees(one_less, partly, public_hash)
    wrong = replace(theirs, qualifiers=(*theirs.qualifiers[:-1], Qualifier(6, 1, (1 << 64) - 1)))
    assert not agrees(mine, wrong, public_hash)


@parametrize("credentials", "tag")
def test_tag(case: dict[str, Any]) -> None:
    tag = common(case, Tag.read)
    assert (f"{tag.nwid:016x}", tag.timestamp) == (case["network_id"], case["timestamp"])
    assert (tag.id, tag.value) == (case["id"], case["value"])
    assert (hex5(tag.issued_to), hex5(tag.signer)) == (case["issued_to"], case["signed_by"])


@parametrize("credentials", "capability")
def test_capability(case: dict[str, Any]) -> None:
    capability = common(case, Capability.read)
    assert (f"{capability.nwid:016x}", capability.timestamp) == (case["network_id"], case["timestamp"])
    assert (capability.id, capability.rule_count) == (case["id"], len(case["rules"]))
    assert [rule.to_json() for rule in parse_rules(capability.rules)[0]] == case["rules"]
    assert capability.max_custody == case["max_custody_chain_length"]
    custody = [
        {"to": hex5(to), "from": hex5(giver), "signature": signature.hex()}
        for to, giver, signature in capability.custody
    ]
    assert custody == case["custody"]
    assert hex5(capability.issued_to) == case["issued_to"]


@parametrize("credentials", "coo")
def test_ownership(case: dict[str, Any]) -> None:
    ownership = common(case, Ownership.read)
    assert (f"{ownership.nwid:016x}", ownership.timestamp) == (case["network_id"], case["timestamp"])
    assert (ownership.flags, ownership.id) == (case["flags"], case["id"])
    assert [{"type": kind, "value": value.hex()} for kind, value in ownership.things] == case["things"]
    assert (hex5(ownership.issued_to), hex5(ownership.signer)) == (case["issued_to"], case["signed_by"])
    for entry in case["owns_ip"]:
        packed = ipaddress.ip_address(entry["ip"]).packed
        assert ownership.owns_ip(V4_PREFIX + packed if len(packed) == 4 else packed) == entry["owns"]
    for entry in case["owns_mac"]:
        assert ownership.owns_mac(parse_mac(entry["mac"])) == entry["owns"]


@parametrize("credentials", "revocation")
def test_revocation(case: dict[str, Any]) -> None:
    revocation = common(case, Revocation.read)
    assert (revocation.id, f"{revocation.nwid:016x}") == (case["id"], case["network_id"])
    assert (revocation.credential_id, revocation.threshold) == (case["credential_id"], case["threshold"])
    assert (revocation.flags, revocation.fast_propagate) == (case["flags"], case["fast_propagate"])
    assert (hex5(revocation.target), hex5(revocation.signer)) == (case["target"], case["signed_by"])
    assert revocation.kind == case["credential_type"]


# PROTOCOL-VL2 appendix A.1
SPECIFIED = Identity.parse(
    "686fff7939:0:e7a85be5e8bf559303dcf2468f12ccd6bd6f2ba4b8c23c4e44d1dd47cf9f484ef14f16e12dd2709e80d98df12cd0ed48fb13"
    "077c41094f716933afcf7326545c:0d6dbd127c87d6d390a0c52226ac0792821102a68d9bd60db89c13e25e7ebddf9700570bebc4bfc87b93"
    "ee23a1692f803cac609b942d1dfc9b29cd3d19983a95"
)


def test_specification_examples() -> None:
    nwid, now, member = 0x686FFF793900ABCD, 0x18F00000000, 0x0102030405
    rules = bytes.fromhex("a50208006804001600500100")
    unsigned = Capability(nwid, now, 5, rules)
    capability = sign_capability(unsigned, member, SPECIFIED)
    assert (
        capability.to_bytes()
        .hex()
        .startswith("686fff793900abcd0000018f00000000000000050003a5020800680400160050")
    )
    assert (
        capability.custody[0]
        .signature.hex()
        .startswith("949eb483a8847f8d36f5ab9bf7d5cc31fb079b5e18ee356116cf8c79")
    )
    tag = Tag(nwid, now, 1000, 0x01020304, member, SPECIFIED.address)
    assert (
        SPECIFIED.sign(tag.signed_bytes)
        .hex()
        .startswith("4d18970a7cf3e427f290781805043883bf90ace67dbfce9ddf8af81117")
    )
    things = Thing.ip(V4_PREFIX + bytes([10, 1, 2, 3])), Thing.mac(0xCEAA023A7DFA)
    ownership = Ownership(nwid, now, 0, 1, things, member, SPECIFIED.address)
    assert (
        SPECIFIED.sign(ownership.signed_bytes)
        .hex()
        .startswith("5430667411ea9be3042b38a4cdadb754593404466cc7db11c92a41")
    )
    assert len(ownership.to_bytes()) == 175
    revocation = Revocation(0xDEADBEEF, nwid, 0, now, 1, member, 1, SPECIFIED.address)
    assert (
        SPECIFIED.sign(revocation.signed_bytes)
        .hex()
        .startswith("95544b3f329556ae86c18704273f18a1faf0e2a96f27f4d40afffd")
    )


def credentials(kind: str, read: Callable[[bytes], Any], count: int) -> tuple[Any, ...]:
    found = [bytes.fromhex(case["serialized"]) for case in committed("credentials", kind)]
    return tuple(map(read, found[:count]))


def everything() -> NetworkCredentials:
    return NetworkCredentials(
        credentials("com", Com.parse, 3),
        credentials("capability", Capability.parse, 4),
        credentials("tag", Tag.parse, 3),
        credentials("revocation", Revocation.parse, 2),
        credentials("coo", Ownership.parse, 2),
    )


def test_packet_round_trip() -> None:
    packet = everything()
    assert NetworkCredentials.parse(packet.to_bytes()) == packet
    assert NetworkCredentials.parse(b"") == NetworkCredentials()
    assert NetworkCredentials(packet.coms[:1]).to_bytes() == packet.coms[0].to_bytes() + bytes(9)
    push = NetworkCredentials(revocations=packet.revocations[:1]).to_bytes()
    assert (push[:7], len(push)) == (bytes.fromhex("00000000000001"), 161)


def test_packet_may_end_behind_any_section() -> None:
    packet = everything()
    data = packet.to_bytes()
    sections = [packet.coms, packet.capabilities, packet.tags, packet.revocations, packet.ownerships]
    sizes = [
        sum(len(one.to_bytes()) for one in section) + (2 if i else 1) for i, section in enumerate(sections)
    ]
    ends = {sum(sizes[:n]) for n in range(1, 6)} | {0}
    coms = [len(com.to_bytes()) for com in packet.coms]
    ends |= {sum(coms[:n]) for n in range(1, 4)}
    for length in range(len(data) + 1):
        if length in ends:
            NetworkCredentials.parse(data[:length])
        else:
            with pytest.raises(Malformed):
                NetworkCredentials.parse(data[:length])


def test_too_many_of_a_kind() -> None:
    with pytest.raises(Malformed):
        NetworkCredentials.parse(b"\0\xff\xff" + bytes(100))
    ownership = everything().ownerships[0]
    crowded = replace(ownership, things=ownership.things * 6)
    with pytest.raises(ValueError, match="at most 16"):
        crowded.to_bytes()
    data = bytearray(ownership.to_bytes())
    data[28:30] = b"\0\x11"
    with pytest.raises(Malformed, match="17 things"):
        Ownership.parse(bytes(data))


def test_capability_chain() -> None:
    members = [Identity.parse(text) for text in ENVIRONMENT["members_secret"]]
    start = Capability(NWID, 5, 1, b"\1\0", 2)
    one = sign_capability(start, members[0].address, CONTROLLER)
    two = sign_capability(one, members[1].address, members[0])
    assert [judge(start), judge(one), judge(two)] == [Verdict.INVALID, Verdict.VALID, Verdict.VALID]
    assert judge(replace(two, custody=two.custody[1:])) is Verdict.INVALID
    assert judge(replace(one, max_custody=0)) is Verdict.INVALID
    assert judge(replace(one, max_custody=8)) is Verdict.INVALID
    assert judge(sign_capability(two, 5, members[1])) is Verdict.INVALID
    stranger = replace(start, custody=(one.custody[0]._replace(to=0x1234567890), two.custody[1]))
    passed_on = replace(stranger, custody=(stranger.custody[0], two.custody[1]._replace(giver=0x1234567890)))
    assert judge(passed_on) is Verdict.UNKNOWN_SIGNER
