"""Neighbor Discovery: what a solicitation or advertisement says (RFC 4861 4.3, 4.4)."""

from __future__ import annotations

from dataclasses import dataclass

from .._core import checksum
from .._core.slab import Slab
from .reader import Malformed, Reader
from .writer import Writer

ETHERTYPE = 0x86DD
SOLICITATION, ADVERTISEMENT = 135, 136
SOLICITED, OVERRIDE = 0x2, 0x1  # flags of an advertisement (RFC 4861 4.4)
UNSPECIFIED = bytes(16)
ALL_NODES = bytes.fromhex("ff02") + bytes(13) + b"\1"
_SOLICITED_NODE = bytes.fromhex("ff0200000000000000000001ff")  # RFC 4291 2.7.1
_ICMPV6 = 58
_HEADER = 40  # of IPv6
_HOP_LIMIT = 255  # anything less has crossed a router
_LINK_LAYER = {SOLICITATION: 1, ADVERTISEMENT: 2}


@dataclass(frozen=True, slots=True)
class Neighbor:
    """`kind` SOLICITATION or ADVERTISEMENT of `target`; `mac` from the link-layer option, if it is there."""

    kind: int
    source: bytes
    destination: bytes
    target: bytes
    flags: int = 0
    mac: int | None = None

    @classmethod
    def parse(cls, packet: bytes) -> Neighbor:
        """From an IPv6 packet, its checksum left to whoever accepts it; Malformed for anything else."""
        reader = Reader(packet)
        if reader.u8() >> 4 != 6:
            raise Malformed("not IPv6")
        reader.skip(3)
        length, following, hop_limit = reader.u16(), reader.u8(), reader.u8()
        source, destination = reader.take(16), reader.take(16)
        reader.end = min(reader.end, reader.offset + length)
        kind, code = reader.u8(), reader.u8()
        if following != _ICMPV6 or hop_limit != _HOP_LIMIT or code or kind not in _LINK_LAYER:
            raise Malformed("not a neighbor message", reader.offset - 2)
        reader.skip(2)
        flags, target = reader.u32() >> 29, reader.take(16)
        return cls(kind, source, destination, target, flags, _option(reader, _LINK_LAYER[kind]))

    @classmethod
    def accept(cls, packet: bytes) -> Neighbor:
        """As `parse`, and Malformed for what RFC 4861 7.1 has a receiver discard."""
        found = cls.parse(packet)
        length = int.from_bytes(packet[4:6], "big")
        if len(packet) < _HEADER + length or _sum(packet, length) != 0:
            raise Malformed("wrong length or checksum of a neighbor message", 2)
        if found.target[0] == 0xFF:
            raise Malformed("a group has no neighbor", _HEADER + 8)
        if found.kind == SOLICITATION and found.source == UNSPECIFIED:
            if found.mac is not None or found.destination != solicited_node(found.target):
                raise Malformed("a probe that names its sender, or goes elsewhere", 8)
        elif found.kind == ADVERTISEMENT and found.flags & SOLICITED and found.destination[0] == 0xFF:
            raise Malformed("an answer to a group", _HEADER + 4)
        return found

    def to_bytes(self) -> bytes:
        """The whole IPv6 packet."""
        body = Writer().u8(self.kind).u8(0).u16(0).u32(self.flags << 29).raw(self.target)
        if self.mac is not None:
            body.u8(_LINK_LAYER[self.kind]).u8(1).mac(self.mac)
        length = len(body.data)
        out = Writer().u32(6 << 28).u16(length).u8(_ICMPV6).u8(_HOP_LIMIT)
        out.raw(self.source).raw(self.destination).raw(body.to_bytes())
        out.data[_HEADER + 2 : _HEADER + 4] = _sum(out.to_bytes(), length).to_bytes(2, "big")
        return out.to_bytes()

    def answer(self, mac: int) -> Neighbor:
        """The advertisement by the owner of the target, whose MAC is `mac` (RFC 4861 7.2.4)."""
        if self.source == UNSPECIFIED:
            return Neighbor(ADVERTISEMENT, self.target, ALL_NODES, self.target, OVERRIDE, mac)
        return Neighbor(ADVERTISEMENT, self.target, self.source, self.target, SOLICITED | OVERRIDE, mac)


def solicitation(source: bytes, target: bytes, mac: int) -> Neighbor:
    """The question who `target` is, from our address `source`."""
    return Neighbor(SOLICITATION, source, solicited_node(target), target, 0, mac)


def solicited_node(ip: bytes) -> bytes:
    """The group where the owner of an address hears solicitations."""
    return _SOLICITED_NODE + ip[13:]


def _sum(packet: bytes, length: int) -> int:
    """What the checksum field of the message has to be while it is zero; zero when it is right."""
    slab = Slab(len(packet))
    slab.view[:] = packet
    initial = checksum.pseudo_header(packet[8:24], packet[24:40], _ICMPV6, length)
    return int(checksum.checksum(slab, _HEADER, length, initial))


def _option(reader: Reader, wanted: int) -> int | None:
    """The MAC in a link-layer address option; options of length zero are malformed (RFC 4861 4.6)."""
    while reader.remaining:
        kind, size = reader.u8(), reader.u8() * 8
        if size == 0:
            raise Malformed("an option of length zero", reader.offset - 1)
        body = reader.take(size - 2)
        if kind == wanted and size == 8:
            return int.from_bytes(body, "big")
    return None
