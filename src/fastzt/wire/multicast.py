"""MULTICAST_LIKE, MULTICAST_GATHER and MULTICAST_FRAME with their OKs (PROTOCOL-VL2 6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from .com import Com
from .reader import Reader
from .writer import Writer

COM_ATTACHED = 0x01
GATHER = 0x02
SOURCE = 0x04
REPLICATE = 0x08


class Like(NamedTuple):
    """The sender listens to group (mac, adi) of a network."""

    nwid: int
    mac: int
    adi: int


def parse_likes(payload: bytes) -> tuple[Like, ...]:
    """The records of a MULTICAST_LIKE; raises Malformed."""
    reader = Reader(payload)
    likes = []
    while reader.remaining:
        likes.append(Like(reader.u64(), reader.mac(), reader.u32()))
    return tuple(likes)


def encode_likes(likes: Iterable[Like]) -> bytes:
    """18 bytes a record."""
    out = Writer()
    for nwid, mac, adi in likes:
        out.u64(nwid).mac(mac).u32(adi)
    return out.to_bytes()


@dataclass(frozen=True, slots=True)
class Gathered:
    """Members of a group: those told, and how many the responder knows."""

    total: int
    members: tuple[int, ...]

    @classmethod
    def read(cls, reader: Reader) -> Gathered:
        """Take them off a reader; raises Malformed."""
        total = reader.u32()
        return cls(total, tuple(reader.address() for _ in range(reader.u16())))

    def to_bytes(self) -> bytes:
        """Total, count, addresses."""
        out = Writer().u32(self.total).u16(len(self.members))
        for address in self.members:
            out.address(address)
        return out.to_bytes()


@dataclass(frozen=True, slots=True)
class Gather:
    """Asks for up to `limit` members of a group; a COM makes strangers answer."""

    nwid: int
    mac: int
    adi: int
    limit: int
    com: Com | None = None

    @classmethod
    def parse(cls, payload: bytes) -> Gather:
        """Raises Malformed."""
        reader = Reader(payload)
        nwid, flags, mac, adi, limit = reader.u64(), reader.u8(), reader.mac(), reader.u32(), reader.u32()
        return cls(nwid, mac, adi, limit, Com.read(reader) if flags & COM_ATTACHED else None)

    def to_bytes(self) -> bytes:
        """The payload."""
        out = Writer().u64(self.nwid).u8(COM_ATTACHED if self.com else 0)
        out.mac(self.mac).u32(self.adi).u32(self.limit)
        return out.raw(self.com.to_bytes() if self.com else b"").to_bytes()


@dataclass(frozen=True, slots=True)
class OkGather:
    """The answer to a GATHER; there is none when nobody is known."""

    nwid: int
    mac: int
    adi: int
    gathered: Gathered

    @classmethod
    def parse(cls, body: bytes) -> OkGather:
        """From what follows the in-re head; raises Malformed."""
        reader = Reader(body)
        return cls(reader.u64(), reader.mac(), reader.u32(), Gathered.read(reader))

    def to_bytes(self) -> bytes:
        """The body behind the in-re head."""
        return Writer().u64(self.nwid).mac(self.mac).u32(self.adi).raw(self.gathered.to_bytes()).to_bytes()


@dataclass(frozen=True, slots=True)
class MulticastFrame:
    """An Ethernet frame to group (mac, adi); without `source` it comes from the sender's own MAC."""

    nwid: int
    mac: int
    adi: int
    ethertype: int
    data: bytes
    gather_limit: int | None = None
    source: int | None = None
    com: Com | None = None
    replicate: bool = False

    @classmethod
    def parse(cls, payload: bytes) -> MulticastFrame:
        """Raises Malformed."""
        reader = Reader(payload)
        nwid, flags = reader.u64(), reader.u8()
        com = Com.read(reader) if flags & COM_ATTACHED else None
        limit = reader.u32() if flags & GATHER else None
        source = reader.mac() if flags & SOURCE else None
        mac, adi, ethertype = reader.mac(), reader.u32(), reader.u16()
        replicate = bool(flags & REPLICATE)
        return cls(nwid, mac, adi, ethertype, reader.rest(), limit, source, com, replicate)

    @property
    def flags(self) -> int:
        """The flags byte that says which fields are there."""
        present = (self.com, COM_ATTACHED), (self.gather_limit, GATHER), (self.source, SOURCE)
        given = sum(flag for value, flag in present if value is not None)
        return given | (REPLICATE if self.replicate else 0)

    def to_bytes(self) -> bytes:
        """The payload."""
        out = Writer().u64(self.nwid).u8(self.flags)
        if self.com is not None:
            out.raw(self.com.to_bytes())
        if self.gather_limit is not None:
            out.u32(self.gather_limit)
        if self.source is not None:
            out.mac(self.source)
        return out.mac(self.mac).u32(self.adi).u16(self.ethertype).raw(self.data).to_bytes()


@dataclass(frozen=True, slots=True)
class OkMulticastFrame:
    """The answer to a MULTICAST_FRAME: members of its group, if any."""

    nwid: int
    mac: int
    adi: int
    com: Com | None = None
    gathered: Gathered | None = None

    @classmethod
    def parse(cls, body: bytes) -> OkMulticastFrame:
        """From what follows the in-re head; raises Malformed."""
        reader = Reader(body)
        nwid, mac, adi, flags = reader.u64(), reader.mac(), reader.u32(), reader.u8()
        com = Com.read(reader) if flags & COM_ATTACHED else None
        return cls(nwid, mac, adi, com, Gathered.read(reader) if flags & GATHER else None)

    def to_bytes(self) -> bytes:
        """The body behind the in-re head."""
        flags = (COM_ATTACHED if self.com else 0) | (GATHER if self.gathered else 0)
        out = Writer().u64(self.nwid).mac(self.mac).u32(self.adi).u8(flags)
        out.raw(self.com.to_bytes() if self.com else b"")
        return out.raw(self.gathered.to_bytes() if self.gathered else b"").to_bytes()
