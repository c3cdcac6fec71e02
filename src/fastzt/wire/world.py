"""Worlds: planets and moons, the signed lists of roots (PROTOCOL-VL1 6)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .._core.endpoint import Endpoint
from .inetaddress import InetAddress
from .reader import Malformed, Reader
from .writer import Writer

PLANET = 1
MOON = 127
MAX_ROOTS = 4
MAX_ENDPOINTS = 32
MAX_SIZE = 8480
SIGNATURE_SIZE = 96


@dataclass(frozen=True, slots=True)
class Root:
    """One root: its public identity (71 bytes) and where it listens, as it stands on the wire."""

    identity: bytes
    addresses: tuple[InetAddress, ...] = ()

    @classmethod
    def of(cls, identity: bytes, endpoints: list[Endpoint]) -> Root:
        """From an identity (71 bytes) and endpoints."""
        return cls(identity, tuple(map(InetAddress.of, endpoints)))

    @property
    def address(self) -> int:
        """The ZeroTier address."""
        return int.from_bytes(self.identity[:5], "big")

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where it listens; entries that are no IP are left out."""
        return tuple(endpoint for item in self.addresses if (endpoint := item.endpoint) is not None)

    @classmethod
    def read(cls, reader: Reader) -> Root:
        """Take one off a reader; Malformed also for more than 32 endpoints."""
        identity = reader.identity()
        count = reader.u8()
        if count > MAX_ENDPOINTS:
            raise Malformed(f"{count} endpoints for one root", reader.offset - 1)
        return cls(identity, tuple(InetAddress.read(reader) for _ in range(count)))

    def to_bytes(self) -> bytes:
        """Identity, count, endpoints."""
        if len(self.identity) != 71 or len(self.addresses) > MAX_ENDPOINTS:
            raise ValueError("a root takes an identity of 71 bytes and at most 32 endpoints")
        encoded = b"".join(item.to_bytes() for item in self.addresses)
        return self.identity + bytes([len(self.addresses)]) + encoded


@dataclass(frozen=True, slots=True)
class World:
    """A planet (kind 1) or moon (kind 127); `timestamp` in ms, `update_key` 64 bytes, `signature` 96."""

    kind: int
    id: int
    timestamp: int
    update_key: bytes
    roots: tuple[Root, ...]
    signature: bytes = bytes(SIGNATURE_SIZE)

    @classmethod
    def read(cls, reader: Reader) -> World:
        """Take one off a reader; Malformed for what the format forbids. A moon's dictionary is dropped."""
        kind = reader.u8()
        if kind not in (PLANET, MOON):
            raise Malformed(f"unknown world type {kind}", reader.offset - 1)
        world_id, timestamp = reader.u64(), reader.u64()
        update_key, signature = reader.take(64), reader.take(SIGNATURE_SIZE)
        count = reader.u8()
        if count > MAX_ROOTS:
            raise Malformed(f"{count} roots", reader.offset - 1)
        roots = tuple(Root.read(reader) for _ in range(count))
        if kind == MOON:
            reader.skip(reader.u16())
        return cls(kind, world_id, timestamp, update_key, roots, signature)

    @classmethod
    def parse(cls, data: bytes) -> World:
        """From exactly one serialized world; raises Malformed."""
        if len(data) > MAX_SIZE:
            raise Malformed(f"a world of {len(data)} bytes")
        reader = Reader(data)
        world = cls.read(reader)
        reader.finish()
        return world

    def to_bytes(self) -> bytes:
        """The serialized world."""
        return self._encode(self.signature)

    @property
    def signed_bytes(self) -> bytes:
        """What the signature covers."""
        return b"\x7f" * 8 + self._encode(b"") + b"\xf7" * 8

    def with_signature(self, signature: bytes) -> World:
        """The same world, signed (96 bytes)."""
        return replace(self, signature=signature)

    def follows(self, held: World) -> bool:
        """Whether this is a later version of `held` (same kind and id, newer), its signature left aside."""
        return (self.kind, self.id) == (held.kind, held.id) and self.timestamp > held.timestamp

    def _encode(self, signature: bytes) -> bytes:
        if len(self.roots) > MAX_ROOTS or len(self.update_key) != 64:
            raise ValueError("a world takes at most 4 roots and an update key of 64 bytes")
        out = Writer().u8(self.kind).u64(self.id).u64(self.timestamp)
        out.raw(self.update_key).raw(signature).u8(len(self.roots))
        for root in self.roots:
            out.raw(root.to_bytes())
        if self.kind == MOON:
            out.u16(0)
        return out.to_bytes()
