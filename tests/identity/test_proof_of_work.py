"""The memory-hard hash against the hashes and addresses of the reference's identities."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from support.pure import twin
from support.vectors import parametrize

from fastzt.identity.proof_of_work import memory_hard_hash

# A public identity whose intermediate values are known too.
PUBLIC = bytes.fromhex(
    "ac3d46abe0c21f3cfe7a6c8d6a85cfcffcb82fbd55af6a4d6350657c68200843"
    "fa2e16f9418bbd9702cae365f2af5fb4c420908b803a681d4daef6114d78a2d7"
)
HASH = (
    "10b1afd388c4c1561f184ed54cd5bd012a1c8edf5a5975200bb15608dba0b5eb"
    "b9faa360a0c6bf99cf684e015bf5bda9d347a4867a5515fa48c6c58e4df28b72"
)


@parametrize("identity", "identity")
def test_vectors(case: dict[str, Any]) -> None:
    made = memory_hard_hash(bytes.fromhex(case["public_key"]))
    assert made.hex() == case["memory_hard_hash"]
    assert made[-5:].hex() == case["address"]
    assert made[0] < 17


def test_known_identity() -> None:
    assert memory_hard_hash(PUBLIC).hex() == HASH


def test_both_builds_agree_on_any_key() -> None:
    pure = twin("fastzt.identity.proof_of_work")
    for seed in (b"first", b"second"):
        public = hashlib.sha512(seed).digest()
        assert memory_hard_hash(public) == pure.memory_hard_hash(public)


@pytest.mark.parametrize("size", [0, 63, 65, 128])
def test_bad_length(size: int) -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        memory_hard_hash(bytes(size))
