"""Packet armor against the reference vectors, alone and in batches, and one build against the other."""

from __future__ import annotations

import random
from typing import Any

import pytest
from support.pure import twin
from support.vectors import parametrize, parametrize_parts

from fastzt._core.armor import (
    SessionKey,
    armor,
    armor_batch,
    dearmor,
    dearmor_batch,
    mask_hello_tail,
)
from fastzt._core.slab import Slab

ROOM = 64  # bytes kept free on both sides of a packet: nothing may be written there


def slab_of(packet: bytes) -> Slab:
    slab = Slab(len(packet) + 2 * ROOM)
    slab.view[:] = b"\xa5" * slab.size
    slab.view[ROOM : ROOM + len(packet)] = packet
    return slab


def packet_of(slab: Slab) -> bytes:
    edge = b"\xa5" * ROOM
    assert bytes(slab.view[:ROOM]) == edge
    assert bytes(slab.view[slab.size - ROOM :]) == edge
    return bytes(slab.view[ROOM : slab.size - ROOM])


def opened(packet: bytes, key: SessionKey) -> bytes | None:
    """The packet after dearmor, or None when it was refused."""
    slab = slab_of(packet)
    good = dearmor(slab, ROOM, len(packet), key)
    return packet_of(slab) if good else None


def without_hops(packet: bytes) -> bytes:
    return packet[:18] + bytes([packet[18] & 0xF8]) + packet[19:]


def changed(packet: bytes, variant: dict[str, Any]) -> bytes:
    data = bytearray(packet)
    for offset, patch in variant.get("patch", ()):
        data[offset : offset + len(patch) // 2] = bytes.fromhex(patch)
    if variant.get("truncate_to") is not None:
        del data[variant["truncate_to"] :]
    return bytes(data) + bytes.fromhex(variant.get("append") or "")


@parametrize("armor", "armor")
def test_seal(case: dict[str, Any]) -> None:
    plain, sealed = bytes.fromhex(case["plaintext_packet"]), bytes.fromhex(case["armored_packet"])
    key = SessionKey(bytes.fromhex(case["key"]))
    slab = slab_of(plain)
    armor(slab, ROOM, len(plain), key, case["cipher_suite"])
    made = packet_of(slab)
    if case["hops_before"] and case["cipher_suite"] == 3:
        # The reference seals the hops it was given and makes a packet that nobody can open; ours are cleared.
        assert made[18] == sealed[18] & 0xF8
        assert (opened(made, key) or b"")[27:] == plain[27:]
    else:
        assert made == without_hops(sealed)
        if not case["hops_before"]:
            assert made[:8].hex() == case["packet_id_after"]
            assert made[19:27].hex() == case["mac_after"]


@parametrize("armor", "armor")
def test_open(case: dict[str, Any]) -> None:
    plain, sealed = bytes.fromhex(case["plaintext_packet"]), bytes.fromhex(case["armored_packet"])
    key = SessionKey(bytes.fromhex(case["key"]))
    result = opened(sealed, key)
    assert (result is not None) == case["dearmor"]
    if result is not None:
        assert result[:27] == sealed[:27]
        assert result[27:] == plain[27:]


@parametrize_parts("armor", "armor", "variants")
def test_variant(case: dict[str, Any], entry: dict[str, Any]) -> None:
    packet = changed(bytes.fromhex(case["armored_packet"]), entry)
    result = opened(packet, SessionKey(bytes.fromhex(case["key"])))
    assert (result is not None) == entry["dearmor"], entry["name"]
    if result is not None and "payload_same" in entry:
        same = result[27:] == bytes.fromhex(case["plaintext_packet"])[27:]
        assert same == entry["payload_same"], entry["name"]


@parametrize("armor", "dearmor")
def test_refused(case: dict[str, Any]) -> None:
    result = opened(bytes.fromhex(case["packet"]), SessionKey(bytes.fromhex(case["key"])))
    # One receiver of the reference had no AES keys: a session key of ours always derives them.
    assert (result is not None) == (case["dearmor"] or "without AES keys" in case.get("note", ""))


@parametrize("armor", "crypt_field")
def test_mask(case: dict[str, Any]) -> None:
    before, after = bytes.fromhex(case["packet_before"]), bytes.fromhex(case["packet_after"])
    key = SessionKey(bytes.fromhex(case["key"]))
    slab = slab_of(before)
    mask_hello_tail(slab, ROOM, case["start"] + case["length"], case["start"], key)
    assert packet_of(slab) == after
    mask_hello_tail(slab, ROOM, case["start"] + case["length"], case["start"], key)
    assert packet_of(slab) == before


@parametrize("armor", "kdf")
def test_session_keys(case: dict[str, Any]) -> None:
    key = SessionKey(bytes.fromhex(case["shared_key"]))
    assert key.salsa_key == bytes.fromhex(case["shared_key"])[:32]
    assert tuple(k.hex() for k in key.siv_keys) == (case["aes_k0"], case["aes_k1"])
    assert case["aes_k0"] not in repr(key)


def packets(rng: random.Random, stride: int, count: int, last: int, suite: int | None = None) -> bytes:
    """`count` random packets; with a suite, headers as before sealing."""
    data = bytearray(rng.randbytes(stride * (count - 1) + last))
    for i in range(count):
        data[i * stride + 18] &= 0x40
    return bytes(data)


SHAPES = [
    (28, 1, 28),
    (60, 2, 29),
    (1428, 3, 1428),
    (1432, 45, 1000),
    (1500, 7, 28),
    (100, 64, 100),
    (9000, 2, 77),
]


@pytest.mark.parametrize("suite", [0, 1, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_batch_equals_singles(suite: int, shape: tuple[int, int, int]) -> None:
    stride, count, last = shape
    rng = random.Random(f"{suite}{shape}")
    key = SessionKey(rng.randbytes(48))
    plain = packets(rng, stride, count, last)
    one, many = slab_of(plain), slab_of(plain)
    for i in range(count):
        armor(one, ROOM + i * stride, stride if i + 1 < count else last, key, suite)
    armor_batch(many, ROOM, stride, count, last, key, suite)
    sealed = packet_of(many)
    assert packet_of(one) == sealed
    assert sealed != plain
    verdicts = bytearray(count + 1)
    assert dearmor_batch(many, ROOM, stride, count, last, key, verdicts) == count
    assert verdicts == b"\1" * count + b"\0"
    result = packet_of(many)
    for i in range(count):
        assert result[i * stride + 27 : (i + 1) * stride] == plain[i * stride + 27 : (i + 1) * stride]


def test_batch_of_mixed_suites_and_forgeries() -> None:
    rng = random.Random(7)
    key, stride, count = SessionKey(rng.randbytes(48)), 700, 24
    plain = packets(rng, stride, count, stride)
    slab = slab_of(plain)
    for i in range(count):
        armor(slab, ROOM + i * stride, stride, key, (0, 1, 3)[i % 3])
    forged = {2, 3, 4, 13, 23}
    for i in forged:
        slab.view[ROOM + i * stride + 27 + i] ^= 1 << i % 8
    verdicts = bytearray(count)
    assert dearmor_batch(slab, ROOM, stride, count, stride, key, verdicts) == count - len(forged)
    result = packet_of(slab)
    for i in range(count):
        assert verdicts[i] == (i not in forged)
        if i not in forged:
            assert result[i * stride + 27 : (i + 1) * stride] == plain[i * stride + 27 : (i + 1) * stride]


@pytest.mark.parametrize("suite", [0, 1, 3])
def test_batches_in_both_builds(suite: int) -> None:
    """Random shapes: blocks of several packets share a pass, and forged ones stand among the genuine."""
    pure, slabs = twin("fastzt._core.armor"), twin("fastzt._core.slab")
    rng = random.Random(suite)
    for _ in range(60):
        stride = 28 + rng.randrange(rng.choice((70, 300, 1500)))
        count = 1 + rng.randrange(max(2, min(40, 12000 // stride)))
        last = rng.choice((stride, rng.randint(28, stride)))
        secret, plain = rng.randbytes(48), packets(rng, stride, count, last)
        key, twin_key = SessionKey(secret), pure.SessionKey(secret)
        slab, other = slab_of(plain), slabs.Slab(len(plain))
        other.view[:] = plain
        armor_batch(slab, ROOM, stride, count, last, key, suite)
        pure.armor_batch(other, 0, stride, count, last, twin_key, suite)
        assert packet_of(slab) == bytes(other.view), (stride, count, last)
        forged = {i for i in range(count) if rng.random() < 0.2}
        for i in forged:
            place = i * stride + rng.randrange(19, stride if i + 1 < count else last)
            slab.view[ROOM + place] ^= 0x10
            other.view[place] ^= 0x10
        verdicts, twin_verdicts = bytearray(count), bytearray(count)
        good = dearmor_batch(slab, ROOM, stride, count, last, key, verdicts)
        assert pure.dearmor_batch(other, 0, stride, count, last, twin_key, twin_verdicts) == good
        assert good == count - len(forged)
        assert verdicts == twin_verdicts == bytes(i not in forged for i in range(count))
        assert packet_of(slab) == bytes(other.view), (stride, count, last)


@pytest.mark.parametrize("suite", [0, 1, 3])
def test_every_length_in_both_builds(suite: int) -> None:
    pure, slabs = twin("fastzt._core.armor"), twin("fastzt._core.slab")
    rng = random.Random(suite)
    secret = rng.randbytes(48)
    key, twin_key = SessionKey(secret), pure.SessionKey(secret)
    for length in [*range(28, 28 + 270), 1427, 1428, 1429, 2076, 2091, 2092, 2107, 4123, 4140]:
        packet = packets(rng, length, 1, length)
        slab, other = slab_of(packet), slabs.Slab(length)
        other.view[:] = packet
        armor(slab, ROOM, length, key, suite)
        pure.armor(other, 0, length, twin_key, suite)
        assert packet_of(slab) == bytes(other.view), length
        assert dearmor(slab, ROOM, length, key)
        assert packet_of(slab)[27:] == packet[27:], length


@pytest.mark.parametrize("suite", [0, 1, 3])
def test_every_bit_counts(suite: int) -> None:
    rng = random.Random(suite)
    key = SessionKey(rng.randbytes(48))
    slab = slab_of(packets(rng, 61, 1, 61))
    armor(slab, ROOM, 61, key, suite)
    sealed = packet_of(slab)
    for bit in range(61 * 8):
        flipped = bytearray(sealed)
        flipped[bit // 8] ^= 1 << bit % 8
        # The three hop bits change on the way and are not authenticated.
        assert (opened(bytes(flipped), key) is not None) == (bit in (18 * 8, 18 * 8 + 1, 18 * 8 + 2)), bit


def test_impossible_ranges() -> None:
    key, slab = SessionKey(bytes(48)), Slab(200)
    for offset, length in [(0, 27), (0, 0), (0, -5), (-1, 60), (150, 60), (0, 201), (2**40, 60)]:
        assert dearmor(slab, offset, length, key) is False
        with pytest.raises(ValueError, match="outside"):
            armor(slab, offset, length, key, 1)
        with pytest.raises(ValueError, match="outside"):
            mask_hello_tail(slab, offset, length, 28, key)
    for stride, count, last in [(60, 4, 60), (30, 2, 60), (60, -1, 60), (2**62, 4, 60), (60, 2, 27)]:
        with pytest.raises(ValueError, match="outside"):
            armor_batch(slab, 0, stride, count, last, key, 1)
    for offset, stride, count, last in [(-1, 60, 1, 60), (0, 60, 3, 61), (0, 0, 2, 0), (141, 60, 1, 60)]:
        with pytest.raises(ValueError, match="outside"):
            armor_batch(slab, offset, stride, count, last, key, 3)
    verdicts = bytearray(b"\1" * 4)
    assert dearmor_batch(slab, 0, 60, 4, 60, key, verdicts) == 0
    assert verdicts == bytes(4)
    assert dearmor_batch(slab, 0, 60, 0, 60, key, verdicts) == 0
    assert bytes(slab.view) == bytes(200)


def test_bad_arguments() -> None:
    slab = Slab(200)
    with pytest.raises(ValueError, match="48 bytes"):
        SessionKey(bytes(32))
    for suite in (2, 4, 5, 7, -1, 8):
        with pytest.raises(ValueError, match="suites"):
            armor(slab, 0, 60, SessionKey(bytes(48)), suite)
    with pytest.raises(ValueError, match="verdicts"):
        dearmor_batch(slab, 0, 60, 2, 60, SessionKey(bytes(48)), bytearray(1))
