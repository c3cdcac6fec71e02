"""The head of OK and ERROR: which packet they answer (PROTOCOL-VL1 5.2)."""

from __future__ import annotations

from dataclasses import dataclass

from .reader import Reader

HEAD_SIZE = 9


@dataclass(frozen=True, slots=True)
class InRe:
    """Verb and packet id (as on the wire) of the request."""

    verb: int
    packet_id: int

    @classmethod
    def split(cls, payload: bytes) -> tuple[InRe, bytes]:
        """The head and what follows it; raises Malformed."""
        reader = Reader(payload)
        return cls(reader.u8(), reader.u64()), reader.rest()

    def to_bytes(self) -> bytes:
        """Nine bytes."""
        return bytes([self.verb]) + self.packet_id.to_bytes(8, "big")
