"""WHOIS: which identity belongs to an address (PROTOCOL-VL1 5.4)."""

from __future__ import annotations

from dataclasses import dataclass

from .reader import Reader


@dataclass(frozen=True, slots=True)
class Whois:
    """Asks for the identities of addresses."""

    addresses: tuple[int, ...]

    @classmethod
    def parse(cls, payload: bytes) -> Whois:
        """From a payload of one or more addresses; raises Malformed."""
        reader = Reader(payload)
        addresses = [reader.address()]
        while reader.remaining:
            addresses.append(reader.address())
        return cls(tuple(addresses))

    def to_bytes(self) -> bytes:
        """Five bytes an address."""
        return b"".join(address.to_bytes(5, "big") for address in self.addresses)


@dataclass(frozen=True, slots=True)
class OkWhois:
    """The identities asked for (71 bytes each) that the responder knows."""

    identities: tuple[bytes, ...]

    @classmethod
    def parse(cls, body: bytes) -> OkWhois:
        """From what follows the in-re head; raises Malformed, also when there is none."""
        reader = Reader(body)
        identities = [reader.identity()]
        while reader.remaining:
            identities.append(reader.identity())
        return cls(tuple(identities))

    def to_bytes(self) -> bytes:
        """71 bytes an identity."""
        return b"".join(self.identities)
