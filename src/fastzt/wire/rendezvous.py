"""RENDEZVOUS: a root tells two nodes where the other one is (PROTOCOL-VL1 5.5)."""

from __future__ import annotations

from dataclasses import dataclass

from .._core.endpoint import Endpoint
from .reader import Malformed, Reader
from .writer import Writer


@dataclass(frozen=True, slots=True)
class Rendezvous:
    """Contact `peer` at `endpoint`; `flags` are 0 today."""

    peer: int
    endpoint: Endpoint
    flags: int = 0

    @classmethod
    def parse(cls, payload: bytes) -> Rendezvous:
        """Raises Malformed, also for port 0 and for an IP that is neither 4 nor 16 bytes long."""
        reader = Reader(payload)
        flags, peer, port = reader.u8(), reader.address(), reader.u16()
        size = reader.u8()
        if size not in (4, 16) or not port:
            raise Malformed("not an endpoint", reader.offset - 1)
        return cls(peer, Endpoint(reader.take(size), port), flags)

    def to_bytes(self) -> bytes:
        """The payload."""
        ip = self.endpoint.packed
        out = Writer().u8(self.flags).address(self.peer).u16(self.endpoint.port)
        return out.u8(len(ip)).raw(ip).to_bytes()
