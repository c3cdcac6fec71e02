"""Tag: a number that the controller gives a member, for rules to look at (PROTOCOL-VL2 4.4)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .reader import Reader
from .signed import framed, read_signature, signature_field, skip_extra
from .writer import Writer


@dataclass(frozen=True, slots=True)
class Tag:
    """`timestamp` in ms (signed), `id` and `value` u32."""

    nwid: int
    timestamp: int
    id: int
    value: int
    issued_to: int
    signer: int = 0
    signature: bytes = b""

    @classmethod
    def read(cls, reader: Reader) -> Tag:
        """Take one off a reader; raises Malformed."""
        nwid, timestamp = reader.u64(), reader.i64()
        tag_id, value, issued_to, signer = reader.u32(), reader.u32(), reader.address(), reader.address()
        tag = cls(nwid, timestamp, tag_id, value, issued_to, signer, read_signature(reader))
        skip_extra(reader)
        return tag

    @classmethod
    def parse(cls, data: bytes) -> Tag:
        """From exactly one serialized tag; raises Malformed."""
        reader = Reader(data)
        tag = cls.read(reader)
        reader.finish()
        return tag

    def to_bytes(self) -> bytes:
        """135 bytes."""
        return self._body() + signature_field(self.signature) + b"\0\0"

    @property
    def signed_bytes(self) -> bytes:
        """What the signature covers."""
        return framed(self._body())

    def signed_by(self, signer: int, signature: bytes) -> Tag:
        """The same, signed (96 bytes)."""
        return replace(self, signer=signer, signature=signature)

    def _body(self) -> bytes:
        out = Writer().u64(self.nwid).i64(self.timestamp).u32(self.id).u32(self.value)
        return out.address(self.issued_to).address(self.signer).to_bytes()
