"""The Internet checksum against RFC 1071's example, real headers and a model word by word."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastzt._core import checksum
from fastzt._core.slab import Slab


def model(data: bytes, initial: int = 0) -> int:
    """RFC 1071: add 16-bit words, then the carries until none is left."""
    total = initial + sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) & 1)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def slab_of(data: bytes, offset: int = 0) -> Slab:
    slab = Slab(len(data) + offset + 3)
    slab.view[:] = b"\x77" * slab.size
    slab.view[offset : offset + len(data)] = data
    return slab


def test_rfc_1071_example() -> None:
    assert checksum.sum16(slab_of(bytes.fromhex("0001f203f4f5f6f7")), 0, 8) == 0xDDF2


def test_ipv4_header() -> None:
    header = bytes.fromhex("45000073000040004011b861c0a80001c0a800c7")
    assert checksum.verify(slab_of(header), 0, 20)
    assert checksum.checksum(slab_of(header[:10] + b"\0\0" + header[12:]), 0, 20) == 0xB861
    assert not checksum.verify(slab_of(header[:8] + b"\x3f" + header[9:]), 0, 20)


@given(st.binary(max_size=300), st.integers(0, 9), st.integers(0, 2**32 - 1))
def test_equals_the_model(data: bytes, offset: int, initial: int) -> None:
    slab = slab_of(data, offset)
    assert checksum.sum16(slab, offset, len(data), initial) == model(data, initial)
    assert checksum.checksum(slab, offset, len(data), initial) == 0xFFFF ^ model(data, initial)
    assert checksum.verify(slab, offset, len(data), initial) == (model(data, initial) == 0xFFFF)


@pytest.mark.parametrize("fill", [0x00, 0x01, 0x80, 0xFF])
def test_long_and_uniform(fill: int) -> None:
    for n in (0, 1, 2, 3, 4, 5, 31, 32, 33, 1399, 1400, 65535, 200_001):
        data = bytes([fill]) * n
        assert checksum.sum16(slab_of(data, 1), 1, n) == model(data), n


def test_sums_chain_at_even_places() -> None:
    data = random.Random(2).randbytes(1001)
    slab = slab_of(data)
    for cut in (0, 2, 20, 40, 500, 1000):
        first = checksum.sum16(slab, 0, cut)
        assert checksum.sum16(slab, cut, 1001 - cut, first) == model(data)


@pytest.mark.parametrize("protocol", [6, 17, 58])
def test_pseudo_headers(protocol: int) -> None:
    rng, length = random.Random(protocol), 1234
    source, destination = rng.randbytes(16), rng.randbytes(16)
    expected = model(source + destination + struct.pack(">IHBB", length, 0, 0, protocol))
    assert checksum.pseudo_header(source, destination, protocol, length) == expected
    assert checksum.pseudo_sum(slab_of(source + destination, 5), 5, 32, protocol, length) == expected
    prefix = bytes(10) + b"\xff\xff"
    expected = model(source[:4] + destination[:4] + struct.pack(">BBH", 0, protocol, length))
    assert checksum.pseudo_header(prefix + source[:4], prefix + destination[:4], protocol, length) == expected
    assert checksum.pseudo_sum(slab_of(source[:4] + destination[:4], 5), 5, 8, protocol, length) == expected


def test_pseudo_header_wants_16_bytes() -> None:
    for source, destination in [(4, 16), (16, 4), (0, 0)]:
        with pytest.raises(ValueError, match="16 bytes"):
            checksum.pseudo_header(bytes(source), bytes(destination), 6, 20)


@given(st.binary(max_size=300), st.integers(0, 9), st.integers(0, 9), st.integers(0, 2**32 - 1))
def test_a_copy_has_the_same_sum(data: bytes, offset: int, to: int, initial: int) -> None:
    source, target = slab_of(data, offset), slab_of(bytes(len(data)), to)
    assert checksum.copy_sum(target, to, source, offset, len(data), initial) == model(data, initial)
    assert bytes(target.view) == bytes(slab_of(data, to).view)


@pytest.mark.parametrize("to", [0, 1, 2, 26, 31, 32])
def test_long_copies_at_every_length(to: int) -> None:
    data = random.Random(to).randbytes(400)
    source = slab_of(data, 3)
    for n in (*range(56, 180), 255, 256, 257, 399, 400):
        target = slab_of(bytes(n), to)
        assert checksum.copy_sum(target, to, source, 3, n) == model(data[:n]), n
        assert bytes(target.view) == bytes(slab_of(data[:n], to).view), n
        assert checksum.sum16(source, 3, n) == model(data[:n]), n
