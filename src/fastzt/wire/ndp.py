"""Neighbor Discovery: what a solicitation or advertisement says (RFC 4861 4.3, 4.4)."""

from __future__ import annotations

from dataclasses import dataclass

from .reader import Malformed, Reader

ETHERTYPE = 0x86DD
SOLICITATION, ADVERTISEMENT = 135, 136
_ICMPV6 = 58
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
