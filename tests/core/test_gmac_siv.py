"""AES-256, counter mode, GMAC and the key derivation against the reference vectors."""

from __future__ import annotations

import random
from typing import Any

import pytest
from support.pure import twin
from support.vectors import parametrize

from fastzt._core import gmac_siv


@parametrize("armor", "kdf")
def test_derivation(case: dict[str, Any]) -> None:
    key = bytes.fromhex(case["shared_key"])
    assert gmac_siv.kbkdf(key, ord("0")).hex() == case["kbkdf_k0"]
    assert gmac_siv.kbkdf(key, ord("1")).hex() == case["kbkdf_k1"]
    assert tuple(k.hex() for k in gmac_siv.siv_keys(key)) == (case["aes_k0"], case["aes_k1"])
    for other in case["other"]:
        made = gmac_siv.kbkdf(key, other["label"], other["context"], other["iteration"])
        assert made.hex() == other["output"]


@parametrize("armor", "aes256_block")
def test_block(case: dict[str, Any]) -> None:
    key, plain, secret = (bytes.fromhex(case[k]) for k in ("key", "plaintext", "ciphertext"))
    assert gmac_siv.encrypt_block(key, plain) == secret
    assert gmac_siv.decrypt_block(key, secret) == plain


@parametrize("armor", "gmac")
def test_gmac(case: dict[str, Any]) -> None:
    key, iv, data = (bytes.fromhex(case[k]) for k in ("key", "iv", "data"))
    assert gmac_siv.gmac(key, iv, data).hex() == case["tag"]


@parametrize("armor", "aes_ctr")
def test_ctr(case: dict[str, Any]) -> None:
    key, iv, plain = (bytes.fromhex(case[k]) for k in ("key", "iv", "plaintext"))
    assert gmac_siv.ctr(key, iv, plain).hex() == case["ciphertext"]


@pytest.mark.parametrize("tail", ["ffffffff", "fffffffe", "fffffffffffffffe", "7fffffff"])
def test_counter_carries_over_128_bits(tail: str) -> None:
    # SP 800-38A: the whole block counts. Packets never come here, their counter has bit 31 clear.
    rng = random.Random(tail)
    key, data = rng.randbytes(32), rng.randbytes(333)
    counter = rng.randbytes(16 - len(tail) // 2) + bytes.fromhex(tail)
    made = gmac_siv.ctr(key, counter, data)
    for i in range(0, 333, 16):
        block = ((int.from_bytes(counter, "big") + i // 16) % 2**128).to_bytes(16, "big")
        stream = gmac_siv.encrypt_block(key, block)
        assert made[i : i + 16] == bytes(a ^ b for a, b in zip(data[i : i + 16], stream, strict=False))


def test_both_builds_agree() -> None:
    pure, rng = twin("fastzt._core.gmac_siv"), random.Random(3)
    for n in [*range(70), 255, 256, 257, 1373, 2047, 2048, 2049, 5000]:
        key, iv, data = rng.randbytes(32), rng.randbytes(16), rng.randbytes(n)
        assert gmac_siv.gmac(key, iv[:12], data) == pure.gmac(key, iv[:12], data), n
        assert gmac_siv.ctr(key, iv, data) == pure.ctr(key, iv, data), n
        block = gmac_siv.encrypt_block(key, iv)
        assert block == pure.encrypt_block(key, iv)
        assert gmac_siv.decrypt_block(key, block) == iv


@pytest.mark.parametrize("key", [b"", bytes(15), bytes(31), bytes(33)])
def test_wrong_lengths(key: bytes) -> None:
    for call in (gmac_siv.encrypt_block, gmac_siv.decrypt_block):
        with pytest.raises(ValueError, match="32 bytes"):
            call(key, bytes(16))
        with pytest.raises(ValueError, match="16 bytes"):
            call(bytes(32), key)
    with pytest.raises(ValueError, match="32 bytes"):
        gmac_siv.ctr(key, bytes(16), b"")
    with pytest.raises(ValueError, match="12 bytes"):
        gmac_siv.gmac(bytes(32), key, b"")
