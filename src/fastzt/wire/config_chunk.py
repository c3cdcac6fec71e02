"""Chunks of a network config: NETWORK_CONFIG and OK(NETWORK_CONFIG_REQUEST) (PROTOCOL-VL2 2.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .reader import Malformed, Reader
from .signed import ED25519, SIGNATURE_SIZE, signature_field
from .writer import Writer

FAST_PROPAGATE = 0x01
MAX_DATA = 9740  # what the reference puts into one chunk
MAX_TOTAL = 484520  # a config is shorter than this
MAX_CHUNKS = 474


@dataclass(frozen=True, slots=True)
class ConfigChunk:
    """`data` belongs at `offset` of a dictionary of `total` bytes; chunks of one config share `update_id`.

    The legacy form, the whole dictionary unsigned, has update id 0: only the controller itself may send it.
    """

    nwid: int
    data: bytes
    update_id: int = 0
    total: int = 0
    offset: int = 0
    flags: int = 0
    signature: bytes = b""

    @classmethod
    def parse(cls, body: bytes) -> ConfigChunk:
        """Raises Malformed, also for a chunk that does not fit its config or has no Ed25519 signature."""
        reader = Reader(body)
        nwid, data = reader.u64(), reader.take(reader.u16())
        if not reader.remaining:
            return cls(nwid, data, total=len(data))
        flags, update_id, total, offset = reader.u8(), reader.u64(), reader.u32(), reader.u32()
        if offset + len(data) > total or total >= MAX_TOTAL or not update_id:
            raise reader.fail(f"a chunk of {len(data)} bytes at {offset} of {total}")
        if (reader.u8(), reader.u16()) != (ED25519, SIGNATURE_SIZE):
            raise Malformed("unknown signature type", reader.offset - 3)
        return cls(nwid, data, update_id, total, offset, flags, reader.take(SIGNATURE_SIZE))

    @property
    def is_legacy(self) -> bool:
        """Whether this is a whole dictionary without a signature."""
        return self.update_id == 0

    @property
    def key(self) -> bytes:
        """What tells chunks of one config apart: 8 bytes folded from the signature (PROTOCOL-VL2 2.4)."""
        return bytes(a ^ b for a, b in zip(self.signature[:8], self.signature[8:16], strict=True))

    @property
    def signed_bytes(self) -> bytes:
        """What the controller signs: all up to the signature field."""
        out = Writer().u64(self.nwid).sized(self.data).u8(self.flags)
        return out.u64(self.update_id).u32(self.total).u32(self.offset).to_bytes()

    def with_signature(self, signature: bytes) -> ConfigChunk:
        """The same, signed (96 bytes)."""
        return replace(self, signature=signature)

    def to_bytes(self) -> bytes:
        """The body, as it was signed: fast propagation hands it on unchanged."""
        if self.is_legacy:
            return Writer().u64(self.nwid).sized(self.data).to_bytes()
        return self.signed_bytes + signature_field(self.signature)


def split(nwid: int, dictionary: bytes, update_id: int, flags: int = 0) -> list[ConfigChunk]:
    """The unsigned chunks of a dictionary; ValueError when it is too long or the update id is 0."""
    if len(dictionary) >= MAX_TOTAL or not update_id:
        raise ValueError(f"a config of {len(dictionary)} bytes with update id {update_id}")
    total = len(dictionary)
    return [
        ConfigChunk(nwid, dictionary[offset : offset + MAX_DATA], update_id, total, offset, flags)
        for offset in range(0, max(total, 1), MAX_DATA)
    ]


@dataclass(frozen=True, slots=True)
class ConfigAck:
    """That a pushed config is complete: an OK with ECHO as its in-re verb (PROTOCOL-VL2 2.4)."""

    nwid: int
    update_id: int

    @classmethod
    def parse(cls, body: bytes) -> ConfigAck:
        """From what follows the in-re head; raises Malformed."""
        reader = Reader(body)
        return cls(reader.u64(), reader.u64())

    def to_bytes(self) -> bytes:
        """The body behind the in-re head."""
        return Writer().u64(self.nwid).u64(self.update_id).to_bytes()
