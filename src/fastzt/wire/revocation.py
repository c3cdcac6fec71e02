"""Revocation: credentials of a member up to a time are void (PROTOCOL-VL2 4.6)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

from .reader import Reader
from .signed import framed, read_signature, signature_field, skip_extra
from .writer import Writer

FAST_PROPAGATE = 0x1


class CredentialType(IntEnum):
    """What is revoked (PROTOCOL-VL2 4.1)."""

    COM = 1
    CAPABILITY = 2
    TAG = 3
    OWNERSHIP = 4
    REVOCATION = 6


@dataclass(frozen=True, slots=True)
class Revocation:
    """`threshold` in ms (signed): what `target` was issued up to then with this type and id is void."""

    id: int
    nwid: int
    credential_id: int
    threshold: int
    flags: int
    target: int
    kind: int
    signer: int = 0
    signature: bytes = b""

    @classmethod
    def read(cls, reader: Reader) -> Revocation:
        """Take one off a reader; raises Malformed. Two unused words are passed over and not signed."""
        reader.skip(4)
        own_id, nwid = reader.u32(), reader.u64()
        reader.skip(4)
        credential_id, threshold, flags = reader.u32(), reader.i64(), reader.u64()
        target, signer, kind = reader.address(), reader.address(), reader.u8()
        signature = read_signature(reader)
        skip_extra(reader)
        return cls(own_id, nwid, credential_id, threshold, flags, target, kind, signer, signature)

    @classmethod
    def parse(cls, data: bytes) -> Revocation:
        """From exactly one serialized revocation; raises Malformed."""
        reader = Reader(data)
        revocation = cls.read(reader)
        reader.finish()
        return revocation

    def to_bytes(self) -> bytes:
        """152 bytes."""
        return self._body() + signature_field(self.signature) + b"\0\0"

    @property
    def signed_bytes(self) -> bytes:
        """What the signature covers."""
        return framed(self._body())

    @property
    def fast_propagate(self) -> bool:
        """Whether members hand it on to each other."""
        return bool(self.flags & FAST_PROPAGATE)

    def signed_by(self, signer: int, signature: bytes) -> Revocation:
        """The same, signed (96 bytes)."""
        return replace(self, signer=signer, signature=signature)

    def _body(self) -> bytes:
        out = Writer().u32(0).u32(self.id).u64(self.nwid).u32(0).u32(self.credential_id)
        out.i64(self.threshold).u64(self.flags).address(self.target).address(self.signer)
        return out.u8(self.kind).to_bytes()
