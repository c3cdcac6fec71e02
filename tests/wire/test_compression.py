from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.vectors import parametrize

from fastzt.wire.compression import MAX_OUTPUT, compress, decompress
from fastzt.wire.reader import Malformed
from fastzt.wire.verbs import COMPRESSED

VERB = 27


def uncompressed(packet: bytes) -> bytes:
    """A packet with its payload as it was before compression."""
    if not packet[VERB] & COMPRESSED:
        return packet
    return packet[:VERB] + bytes([packet[VERB] & ~COMPRESSED]) + decompress(packet[VERB + 1 :])


@parametrize("lz4", "compress")
def test_compress(case: dict[str, Any]) -> None:
    before, after = bytes.fromhex(case["packet_before"]), bytes.fromhex(case["packet_after"])
    block = compress(before[VERB + 1 :])
    if case.get(
        "quirk"
    ):  # a packet that already carries the flag: never compressed twice by whoever builds packets
        assert before[VERB] & COMPRESSED
        assert not case["compressed"]
        return
    assert uncompressed(after) == before
    if case["compressed"]:
        assert block is not None
        assert len(block) < len(before) - VERB - 1
        assert decompress(block) == before[VERB + 1 :]
    else:
        # Not to compress is the sender's choice, unless the payload is too short to try.
        assert block is None or case["payload_length"] > 64


# What the reference lets pass and this library does not: docs/compatibility.md.
REFUSED_QUIRKS = {"flag set, no payload", "offset zero"}


@parametrize("lz4", "uncompress")
def test_uncompress(case: dict[str, Any]) -> None:
    packet = bytes.fromhex(case["packet"])
    if case["ok"] and case["name"] not in REFUSED_QUIRKS:
        assert uncompressed(packet).hex() == case["result"]
    else:
        with pytest.raises(Malformed):
            uncompressed(packet)


@given(st.binary(max_size=200), st.integers(1, 60))
def test_round_trip(unit: bytes, times: int) -> None:
    payload = (unit * times)[:MAX_OUTPUT]
    block = compress(payload)
    if block is None:
        assert len(payload) <= 64 or len(set(payload)) > 1
    else:
        assert len(block) < len(payload)
        assert decompress(block) == payload


def test_largest_output() -> None:
    assert compress(bytes(MAX_OUTPUT + 1)) is None
    block = compress(bytes(MAX_OUTPUT))
    assert block is not None
    assert decompress(block) == bytes(MAX_OUTPUT)


@given(st.binary(max_size=300))
def test_any_block_gives_bytes_or_malformed(block: bytes) -> None:
    with contextlib.suppress(Malformed):
        assert 1 <= len(decompress(block)) <= MAX_OUTPUT
