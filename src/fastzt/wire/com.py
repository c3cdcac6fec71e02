"""Certificate of membership (PROTOCOL-VL2 4.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from .reader import Malformed, Reader
from .signed import SIGNATURE_SIZE
from .writer import Writer

VERSION = 1
MAX_QUALIFIERS = 8
TIMESTAMP, NETWORK, ISSUED_TO = 0, 1, 2
IDENTITY_HASH = (3, 4, 5, 6)
ANY_DELTA = (1 << 64) - 1


class Qualifier(NamedTuple):
    """One property of the member; another's may differ by `max_delta`."""

    id: int
    value: int
    max_delta: int


@dataclass(frozen=True, slots=True)
class Com:
    """Qualifiers in order of their ids, the signer and its signature (96 bytes; none when it is 0)."""

    qualifiers: tuple[Qualifier, ...]
    signer: int = 0
    signature: bytes = b""

    @classmethod
    def issue(cls, timestamp: int, max_delta: int, nwid: int, member: int, public_hash: bytes) -> Com:
        """An unsigned COM; times in ms, `public_hash` 32 bytes (Identity.public_hash)."""
        parts = [int.from_bytes(public_hash[i : i + 8], "big") for i in range(0, 32, 8)]
        hashed = [Qualifier(key, part, ANY_DELTA) for key, part in zip(IDENTITY_HASH, parts, strict=True)]
        head = Qualifier(TIMESTAMP, timestamp, max_delta), Qualifier(NETWORK, nwid, 0)
        return cls((*head, Qualifier(ISSUED_TO, member, ANY_DELTA), *hashed))

    @classmethod
    def read(cls, reader: Reader) -> Com:
        """Take one off a reader; Malformed also for qualifiers out of order or more than 8."""
        version = reader.u8()
        if version != VERSION:
            raise Malformed(f"a certificate of membership of version {version}", reader.offset - 1)
        count = reader.u16()
        if count > MAX_QUALIFIERS:
            raise Malformed(f"{count} qualifiers", reader.offset - 2)
        qualifiers = tuple(Qualifier(reader.u64(), reader.u64(), reader.u64()) for _ in range(count))
        if any(a.id > b.id for a, b in pairwise(qualifiers)):
            raise reader.fail("qualifiers out of order")
        signer = reader.address()
        return cls(qualifiers, signer, reader.take(SIGNATURE_SIZE) if signer else b"")

    @classmethod
    def parse(cls, data: bytes) -> Com:
        """From exactly one serialized COM; raises Malformed."""
        reader = Reader(data)
        com = cls.read(reader)
        reader.finish()
        return com

    def to_bytes(self) -> bytes:
        """The serialized COM: 272 bytes as controllers issue it."""
        out = Writer().u8(VERSION).u16(len(self.qualifiers)).raw(self.signed_bytes).address(self.signer)
        return out.raw(self.signature.ljust(SIGNATURE_SIZE, b"\0") if self.signer else b"").to_bytes()

    @property
    def signed_bytes(self) -> bytes:
        """What the signature covers: the qualifiers alone."""
        out = Writer()
        for qualifier in self.qualifiers:
            out.u64(qualifier.id).u64(qualifier.value).u64(qualifier.max_delta)
        return out.to_bytes()

    def signed_by(self, signer: int, signature: bytes) -> Com:
        """The same, signed (96 bytes)."""
        return replace(self, signer=signer, signature=signature)

    def value(self, key: int) -> int:
        """The value of the first qualifier with this id, 0 when there is none."""
        return next((qualifier.value for qualifier in self.qualifiers if qualifier.id == key), 0)

    @property
    def timestamp(self) -> int:
        """When it was issued, ms of the controller's clock."""
        return self.value(TIMESTAMP)

    @property
    def nwid(self) -> int:
        """The network."""
        return self.value(NETWORK)

    @property
    def issued_to(self) -> int:
        """The member's address."""
        return self.value(ISSUED_TO)

    @property
    def public_hash(self) -> bytes:
        """The member's identity hash (32 bytes), nothing when a part of it is missing."""
        found = {qualifier.id: qualifier.value for qualifier in reversed(self.qualifiers)}
        if not all(key in found for key in IDENTITY_HASH):
            return b""
        return b"".join(found[key].to_bytes(8, "big") for key in IDENTITY_HASH)


def agrees(mine: Com, theirs: Com, public_hash: bytes) -> bool:
    """Whether two COMs let their members talk; `public_hash` is that of the identity that shows `theirs`."""
    if not mine.qualifiers or not theirs.qualifiers:
        return False
    others = {qualifier.id: qualifier.value for qualifier in reversed(theirs.qualifiers)}
    for key, value, max_delta in mine.qualifiers:
        if key not in others or abs(value - others[key]) > max_delta:
            return False
    hashed = any(qualifier.id in IDENTITY_HASH for qualifier in mine.qualifiers)
    return not hashed or theirs.public_hash == public_hash
