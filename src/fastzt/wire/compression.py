"""LZ4 of packet payloads: raw blocks, no frame and no length (PROTOCOL-VL1 4.4)."""

from __future__ import annotations

import lz4.block

from .reader import Malformed

MAX_OUTPUT = 9996  # what still fits a packet buffer of 10024 bytes behind the 28-byte header
MIN_INPUT = 65  # shorter payloads are never compressed


def decompress(block: bytes) -> bytes:
    """The 1..9996 bytes that a block stands for; raises Malformed."""
    try:
        data: bytes = lz4.block.decompress(block, uncompressed_size=MAX_OUTPUT)
    except (lz4.block.LZ4BlockError, ValueError) as error:
        raise Malformed("not an LZ4 block of at most 9996 bytes") from error
    if not data:
        raise Malformed("an LZ4 block of nothing")
    # The library copies nothing useful for an offset of zero instead of refusing it.
    if b"\0\0" in block and _has_zero_offset(block):
        raise Malformed("an LZ4 match at offset zero")
    return data


def _has_zero_offset(block: bytes) -> bool:
    """Whether a match of a block, which the library could decode, points at itself."""
    at, end = 0, len(block)
    while at < end:
        token = block[at]
        literals, at = _length(block, at + 1, token >> 4)
        at += literals
        if at >= end:  # the last sequence has no match
            return False
        if block[at] == block[at + 1] == 0:
            return True
        _, at = _length(block, at + 2, token & 15)
    return False


def _length(block: bytes, at: int, nibble: int) -> tuple[int, int]:
    """(length, offset behind it) of a length that begins in a nibble and goes on while bytes are 255."""
    length = nibble
    while nibble == 15:
        length += block[at]
        at += 1
        if block[at - 1] != 255:
            break
    return length, at


def compress(payload: bytes) -> bytes | None:
    """A block that is shorter than `payload`, or None when it should be sent as it is."""
    if not MIN_INPUT <= len(payload) <= MAX_OUTPUT:
        return None
    block: bytes = lz4.block.compress(payload, store_size=False)
    return block if len(block) < len(payload) else None
