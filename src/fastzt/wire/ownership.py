"""Certificate of ownership: which IPs and MACs are a member's own (PROTOCOL-VL2 4.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from .._core.endpoint import V4_PREFIX
from .reader import Malformed, Reader
from .signed import framed, read_signature, signature_field, skip_extra
from .writer import Writer

MAX_THINGS = 16
MAC, IPV4, IPV6 = 1, 2, 3


class Thing(NamedTuple):
    """A MAC (6 bytes), IPv4 (4) or IPv6 address (16), padded with zeros to 16 bytes."""

    kind: int
    value: bytes

    @classmethod
    def ip(cls, ip: bytes) -> Thing:
        """From an IP in 16 bytes, IPv4 mapped."""
        return cls(IPV4, ip[12:] + bytes(12)) if ip.startswith(V4_PREFIX) else cls(IPV6, ip)

    @classmethod
    def mac(cls, mac: int) -> Thing:
        """From a MAC."""
        return cls(MAC, mac.to_bytes(6, "big") + bytes(10))


@dataclass(frozen=True, slots=True)
class Ownership:
    """`timestamp` in ms (signed), `flags` u64 (0 today), `id` u32, at most 16 things."""

    nwid: int
    timestamp: int
    flags: int
    id: int
    things: tuple[Thing, ...]
    issued_to: int
    signer: int = 0
    signature: bytes = b""

    @classmethod
    def read(cls, reader: Reader) -> Ownership:
        """Take one off a reader; Malformed also for more than 16 things."""
        nwid, timestamp, flags, own_id = reader.u64(), reader.i64(), reader.u64(), reader.u32()
        count = reader.u16()
        if count > MAX_THINGS:
            raise Malformed(f"{count} things owned", reader.offset - 2)
        things = tuple(Thing(reader.u8(), reader.take(16)) for _ in range(count))
        issued_to, signer = reader.address(), reader.address()
        made = cls(nwid, timestamp, flags, own_id, things, issued_to, signer, read_signature(reader))
        skip_extra(reader)
        return made

    @classmethod
    def parse(cls, data: bytes) -> Ownership:
        """From exactly one serialized certificate; raises Malformed."""
        reader = Reader(data)
        ownership = cls.read(reader)
        reader.finish()
        return ownership

    def to_bytes(self) -> bytes:
        """The serialized certificate; ValueError for more than 16 things."""
        return self._body() + signature_field(self.signature) + b"\0\0"

    @property
    def signed_bytes(self) -> bytes:
        """What the signature covers."""
        return framed(self._body())

    def signed_by(self, signer: int, signature: bytes) -> Ownership:
        """The same, signed (96 bytes)."""
        return replace(self, signer=signer, signature=signature)

    def owns_ip(self, ip: bytes) -> bool:
        """Whether an IP (16 bytes, IPv4 mapped) is covered; an IPv4 address listed as IPv6 covers nothing."""
        return Thing.ip(ip) in self.things

    def owns_mac(self, mac: int) -> bool:
        """Whether a MAC is covered."""
        return Thing.mac(mac) in self.things

    def _body(self) -> bytes:
        if len(self.things) > MAX_THINGS:
            raise ValueError("a certificate of ownership covers at most 16 things")
        out = Writer().u64(self.nwid).i64(self.timestamp).u64(self.flags).u32(self.id).u16(len(self.things))
        for kind, value in self.things:
            out.u8(kind).raw(value)
        return out.address(self.issued_to).address(self.signer).to_bytes()
