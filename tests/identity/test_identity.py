from __future__ import annotations

import copy
import dataclasses
import pickle
import random
from typing import Any

import pytest
from support.vectors import committed, parametrize

from fastzt.errors import IdentityError
from fastzt.identity.agreement import agree
from fastzt.identity.identity import Identity
from fastzt.identity.signatures import verify

KNOWN = [Identity.parse(case["secret_string"]) for case in committed("identity", "identity")]
# Where the reference is lenient and this library is not: docs/compatibility.md.
REFUSED_QUIRKS = {
    "public key contains a non-hex character",
    "public key one byte too long",
    "binary: valid identity followed by two unrelated bytes",
}


@parametrize("identity", "identity")
def test_identity_of_the_reference(case: dict[str, Any]) -> None:
    identity = Identity.parse(case["secret_string"])
    assert f"{identity.address:010x}" == case["address"]
    assert identity.public.hex() == case["public_key"]
    assert identity.to_text() == case["public_string"]
    assert identity.to_text(secret=True) == case["secret_string"]
    assert identity.to_bytes().hex() == case["public_binary"]
    assert identity.to_secret_bytes().hex() == case["secret_binary"]
    assert (
        Identity.from_bytes(bytes.fromhex(case["secret_binary"])).to_text(secret=True)
        == case["secret_string"]
    )
    assert identity.public_hash().hex() == case["public_key_hash_sha384"][:64]
    assert identity.validate() == case["locally_valid"]


@parametrize("identity", "invalid_identity", "accepted_identity")
def test_unusual_identity(case: dict[str, Any]) -> None:
    if not case["parse_ok"] or case["reason"] in REFUSED_QUIRKS:
        with pytest.raises(IdentityError):
            _read(case)
        return
    identity = _read(case)
    assert identity.validate() == case["locally_valid"]
    if "parsed_string" in case:
        assert identity.to_text(secret=case["has_private"]) == case["parsed_string"]


def _read(case: dict[str, Any]) -> Identity:
    if case["encoding"] == "binary":
        return Identity.from_bytes(bytes.fromhex(case["binary"]))
    return Identity.parse(case["string"])


@parametrize("identity", "agree")
def test_agreement(case: dict[str, Any]) -> None:
    a, b = Identity.parse(case["a_secret"]), Identity.parse(case["b_secret"])
    key = bytes.fromhex(case["shared_key"])
    assert len(key) == case["length"]
    assert a.agree(Identity.parse(case["b_public"])) == key == b.agree(a)
    secret = bytes.fromhex(case["a_secret"].split(":")[3])
    for length, other in case.get("other_lengths", {}).items():
        assert agree(secret[:32], b.public[:32], int(length)).hex() == other


@parametrize("armor", "kdf")
def test_agreement_of_session_keys(case: dict[str, Any]) -> None:
    if "a_secret" in case:
        a, b = Identity.parse(case["a_secret"]), Identity.parse(case["b_secret"])
        assert a.agree(b).hex() == b.agree(a).hex() == case["shared_key"]
    else:
        assert len(bytes.fromhex(case["shared_key"])) == 48


@parametrize("identity", "signature")
def test_signature(case: dict[str, Any]) -> None:
    signer = Identity.parse(case["signer_public"])
    message, signature = bytes.fromhex(case["message"]), bytes.fromhex(case["signature"])
    # An S that is not reduced is accepted by the reference; Ed25519 (RFC 8032 5.1.7) refuses it.
    expected = case["verify"] and not case.get("quirk")
    assert signer.verify(message, signature) is expected
    if case["tamper"] == "none" and "signer_secret" in case:
        assert Identity.parse(case["signer_secret"]).sign(message) == signature


def test_agreement_of_the_specification() -> None:
    a = Identity.parse(
        "8e4df28b72:0:ac3d46abe0c21f3cfe7a6c8d6a85cfcffcb82fbd55af6a4d6350657c68200843fa2e16f9418bbd9702cae365f2af5fb"
        "4c420908b803a681d4daef6114d78a2d7:bd8dd6e4ce7022d2f812797a80c6ee8ad180dc4ebf301dec8b06d1be08832bddd63a2f1cfa7"
        "b2c504474c75bdc8898ba476ef92e8e2d0509f8441985171ff16e"
    )
    assert (
        a.sign(b"hello world")
        .hex()
        .startswith("3fce145c1c171c5836c2084d334d253500a7f1a4ab437d44fde6b46280fdb615")
    )
    assert a.verify(b"hello world", a.sign(b"hello world"))
    assert a.validate()
    assert not dataclasses.replace(a, address=0x9E4DF28B72).validate()


def test_low_order_key_is_refused() -> None:
    for low in (bytes(32), b"\1" + bytes(31)):
        with pytest.raises(IdentityError, match="low order"):
            KNOWN[0].agree(Identity(0x1234567890, low + bytes(32)))


def test_low_order_signing_key_verifies_nothing() -> None:
    identity = KNOWN[0]
    forged = bytes(64) + identity.sign(b"x")[64:]
    assert not verify(bytes(64), b"x", forged)


def test_unclamped_secret_round_trips() -> None:
    secrets = [
        bytes.fromhex(case["secret_string"].split(":")[3]) for case in committed("identity", "identity")
    ]
    assert any(secret[0] & 7 or secret[31] & 0x80 or not secret[31] & 0x40 for secret in secrets)
    assert [identity.to_secret_bytes()[71:] for identity in KNOWN] == secrets


def test_generated_identity_is_valid() -> None:
    identity = Identity.generate(random.Random(7).randbytes)
    assert identity.has_secret
    assert identity.validate()
    again = Identity.parse(identity.to_text(secret=True))
    assert again == identity
    assert again.agree(KNOWN[0]) == KNOWN[0].agree(identity)
    assert identity.verify(b"m", again.sign(b"m"))


def test_secret_stays_secret() -> None:
    for identity in KNOWN:
        secret = identity.to_secret_bytes()[71:]
        for shown in (repr(identity), str(identity), f"{identity}", identity.to_text()):
            assert secret.hex()[:8] not in shown
            assert repr(secret)[2:10] not in shown
    assert repr(KNOWN[0]) == f"Identity({KNOWN[0].address:010x}, with secret)"


def test_without_secret() -> None:
    public = KNOWN[0].without_secret
    assert public == KNOWN[0]
    assert hash(public) == hash(KNOWN[0])
    assert not public.has_secret
    for use in (
        lambda: public.sign(b""),
        lambda: public.agree(KNOWN[1]),
        lambda: public.to_text(secret=True),
    ):
        with pytest.raises(IdentityError, match="has no secret key"):
            use()


def test_secret_of_another_identity_is_refused() -> None:
    a, b = (identity.to_text(secret=True).split(":") for identity in KNOWN[:2])
    with pytest.raises(IdentityError, match="does not belong"):
        Identity.parse(":".join([*a[:3], b[3]]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "fields"),
        ("8e4df28b72", "fields"),
        ("8e4df28b7:0:" + "00" * 64, "address"),
        ("8e4df28b7g:0:" + "00" * 64, "address"),
        ("8e4df28b72:1:" + "00" * 64, "type"),
        ("8e4df28b72:0:" + "0_" * 64, "public key"),
        ("8e4df28b72:0:" + "00" * 64 + ":" + "00" * 63, "secret key"),
        ("8e4df28b72:0:" + "0 " * 64, "public key"),
        ("ff4df28b72:0:" + "00" * 64, "reserved"),
        ("8e4df28b72:0:" + "٣" * 128, "public key"),
    ],
)
def test_errors_name_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(IdentityError, match=message) as caught:
        Identity.parse(text)
    assert "\n" not in str(caught.value)


def test_immutable_and_copied_by_value() -> None:
    identity = KNOWN[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        identity.address = 1  # type: ignore[misc]
    assert copy.deepcopy(identity) == identity
    assert pickle.loads(pickle.dumps(identity)).to_text(secret=True) == identity.to_text(secret=True)
