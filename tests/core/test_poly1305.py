"""Poly1305 against the reference vectors, its edge cases, and a plain integer model."""

from __future__ import annotations

import random
from typing import Any

import pytest
from support.vectors import parametrize

from fastzt._core import poly1305
from fastzt._core.slab import Slab

P = 2**130 - 5


def model(key: bytes, message: bytes) -> bytes:
    """RFC 8439 section 2.5.1, word by word."""
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    h = 0
    for i in range(0, len(message), 16):
        h = (h + int.from_bytes(message[i : i + 16] + b"\1", "little")) * r % P
    return ((h + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")


@parametrize("salsa_poly", "poly1305")
def test_vectors(case: dict[str, Any]) -> None:
    key, message = bytes.fromhex(case["key"]), bytes.fromhex(case["message"])
    assert poly1305.tag(key, message).hex() == case["tag"]
    slab = Slab(len(message) + 7)
    slab.view[3:-4] = message
    assert poly1305.tag_of(slab, 3, len(message), key).hex() == case["tag"]


def test_every_length() -> None:
    rng = random.Random(1)
    for n in [*range(600), 767, 768, 769, 1373, 1405, 2048, 5000, 9001]:
        key, message = rng.randbytes(32), rng.randbytes(n)
        assert poly1305.tag(key, message) == model(key, message), n


@pytest.mark.parametrize("fill", [0x00, 0xFF, 0xFB, 0x01])
@pytest.mark.parametrize("r", ["00" * 16, "ff" * 16, "02" + "00" * 15, "01" + "00" * 15])
@pytest.mark.parametrize("s", ["00" * 16, "ff" * 16])
def test_carries(fill: int, r: str, s: str) -> None:
    key = bytes.fromhex(r + s)
    for n in (0, 1, 15, 16, 17, 32, 48, 128, 256, 384, 1024, 1373, 2000):
        message = bytes([fill]) * n
        assert poly1305.tag(key, message) == model(key, message), n
        # RFC 8439 appendix A.3: sums that end next to the prime.
        message = b"\xfb" + b"\xfe" * 15 + b"\x01" * 16 + message
        assert poly1305.tag(key, message) == model(key, message), n


def test_bad_arguments() -> None:
    for n in (0, 16, 31, 33):
        with pytest.raises(ValueError, match="32 bytes"):
            poly1305.tag(bytes(n), b"x")
        with pytest.raises(ValueError, match="32 bytes"):
            poly1305.tag_of(Slab(10), 0, 5, bytes(n))
    for offset, length in [(-1, 5), (0, 11), (6, 5), (0, -1)]:
        with pytest.raises(ValueError, match="outside"):
            poly1305.tag_of(Slab(10), offset, length, bytes(32))
