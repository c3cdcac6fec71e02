"""PeerRecord: what is kept of a peer between runs (PROTOCOL-VL1 6.4): identity, version, endpoints."""

from __future__ import annotations

from dataclasses import dataclass

from .._core.endpoint import Endpoint
from ..errors import IdentityError
from ..identity.identity import Identity
from ..wire.inetaddress import InetAddress
from ..wire.reader import Malformed, Reader
from ..wire.writer import Writer

VERSION = 2
MAX_ENDPOINTS = 16


@dataclass(frozen=True, slots=True)
class PeerRecord:
    """A peer whose identity was validated when it was met."""

    identity: Identity
    protocol: int
    version: tuple[int, int, int]
    endpoints: tuple[Endpoint, ...]

    @classmethod
    def parse(cls, data: bytes) -> PeerRecord | None:
        """From a file's bytes; None for anything malformed."""
        try:
            reader = Reader(data)
            if reader.u8() != VERSION:
                return None
            identity = Identity.from_bytes(reader.identity())
            protocol, version = reader.u16(), (reader.u16(), reader.u16(), reader.u16())
            found = [InetAddress.read(reader).endpoint for _ in range(min(reader.u16(), MAX_ENDPOINTS))]
        except (Malformed, IdentityError):
            return None
        return cls(identity, protocol, version, tuple(e for e in found if e is not None))

    def to_bytes(self) -> bytes:
        """As `parse` takes it."""
        out = Writer().u8(VERSION).raw(self.identity.to_bytes()).u16(self.protocol)
        for number in self.version:
            out.u16(number)
        endpoints = self.endpoints[:MAX_ENDPOINTS]
        out.u16(len(endpoints))
        for endpoint in endpoints:
            out.raw(InetAddress.of(endpoint).to_bytes())
        return out.to_bytes()
