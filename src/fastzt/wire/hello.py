"""HELLO and OK(HELLO): payloads behind the packet header (PROTOCOL-VL1 5.1, 5.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .._core.endpoint import Endpoint
from .inetaddress import InetAddress
from .reader import Malformed, Reader
from .world import MOON, World
from .writer import Writer

PROTOCOL_VERSION = 12
MIN_PROTOCOL_VERSION = 4
VERSION = (1, 14, 1)  # what is spoken: major, minor, revision
MAX_WORLDS = 16  # more than any responder holds; OK(HELLO) itself is capped by the packet


@dataclass(frozen=True, slots=True)
class Hello:
    """A HELLO: `clock` (opaque) comes back in the OK; `identity` 71 bytes; `moons` (id, timestamp) pairs.

    What an older sender leaves out reads as None or zero.
    """

    clock: int
    identity: bytes
    destination: Endpoint | None = None
    planet_id: int = 0
    planet_timestamp: int = 0
    moons: tuple[tuple[int, int], ...] = ()
    protocol: int = PROTOCOL_VERSION
    major: int = VERSION[0]
    minor: int = VERSION[1]
    revision: int = VERSION[2]

    @property
    def source(self) -> int:
        """The ZeroTier address in the identity."""
        return int.from_bytes(self.identity[:5], "big")

    @classmethod
    def parse(cls, payload: bytes) -> Hello:
        """From a payload whose masked tail has been unmasked; raises Malformed."""
        reader = Reader(payload)
        head = cls._head(reader)
        return replace(head, moons=_moons(reader))

    @classmethod
    def parse_head(cls, payload: bytes) -> Hello:
        """As parse, without looking at the masked tail: what can be known before the MAC is verified."""
        return cls._head(Reader(payload))

    @classmethod
    def tail_offset(cls, payload: bytes) -> int:
        """Payload offset where the masked tail begins (PROTOCOL-VL1 3.2); the length when there is none."""
        reader = Reader(payload)
        cls._head(reader)
        return reader.offset

    @classmethod
    def _head(cls, reader: Reader) -> Hello:
        protocol, major, minor, revision = reader.u8(), reader.u8(), reader.u8(), reader.u16()
        clock, identity = reader.u64(), reader.identity()
        destination = InetAddress.read(reader).endpoint if reader.remaining else None
        planet = (reader.u64(), reader.u64()) if reader.remaining else (0, 0)
        return cls(clock, identity, destination, *planet, (), protocol, major, minor, revision)

    def to_bytes(self) -> bytes:
        """The payload with its tail unmasked; `tail_offset` of it tells where to mask from."""
        out = Writer().u8(self.protocol).u8(self.major).u8(self.minor).u16(self.revision).u64(self.clock)
        out.raw(self.identity).raw(InetAddress.of(self.destination).to_bytes())
        out.u64(self.planet_id).u64(self.planet_timestamp).u16(len(self.moons))
        for moon_id, timestamp in self.moons:
            out.u8(MOON).u64(moon_id).u64(timestamp)
        return out.to_bytes()


def _moons(reader: Reader) -> tuple[tuple[int, int], ...]:
    if not reader.remaining:
        return ()
    entries = [(reader.u8(), reader.u64(), reader.u64()) for _ in range(reader.u16())]
    return tuple((moon_id, timestamp) for kind, moon_id, timestamp in entries if kind == MOON)


@dataclass(frozen=True, slots=True)
class OkHello:
    """OK(HELLO): `clock` as it stood in the HELLO, `destination` where the responder saw the asker."""

    clock: int
    destination: Endpoint | None = None
    worlds: tuple[World, ...] = ()
    protocol: int = PROTOCOL_VERSION
    major: int = VERSION[0]
    minor: int = VERSION[1]
    revision: int = VERSION[2]

    @classmethod
    def parse(cls, body: bytes) -> OkHello:
        """From what follows the 9-byte in-re head; raises Malformed, for a malformed world too."""
        reader = Reader(body)
        clock = reader.u64()
        protocol, major, minor, revision = reader.u8(), reader.u8(), reader.u8(), reader.u16()
        destination = InetAddress.read(reader).endpoint if reader.remaining else None
        worlds = _worlds(reader)
        return cls(clock, destination, worlds, protocol, major, minor, revision)

    def to_bytes(self) -> bytes:
        """The body behind the in-re head."""
        out = Writer().u64(self.clock).u8(self.protocol).u8(self.major).u8(self.minor).u16(self.revision)
        out.raw(InetAddress.of(self.destination).to_bytes())
        return out.sized(b"".join(world.to_bytes() for world in self.worlds)).to_bytes()


def _worlds(reader: Reader) -> tuple[World, ...]:
    if not reader.remaining:
        return ()
    inner = Reader(reader.take(reader.u16()))
    worlds: list[World] = []
    while inner.remaining:
        if len(worlds) == MAX_WORLDS:
            raise Malformed("too many worlds", inner.offset)
        worlds.append(World.read(inner))
    return tuple(worlds)
