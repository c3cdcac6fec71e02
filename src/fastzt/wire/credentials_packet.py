"""NETWORK_CREDENTIALS: what a member shows its peers (PROTOCOL-VL2 4.8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from .capability import Capability
from .com import Com
from .ownership import Ownership
from .reader import Malformed, Reader
from .revocation import Revocation
from .tag import Tag
from .writer import Writer

T = TypeVar("T")


class _Serialized(Protocol):
    def to_bytes(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class NetworkCredentials:
    """Credentials of any member of any network: who delivers them does not matter."""

    coms: tuple[Com, ...] = ()
    capabilities: tuple[Capability, ...] = ()
    tags: tuple[Tag, ...] = ()
    revocations: tuple[Revocation, ...] = ()
    ownerships: tuple[Ownership, ...] = ()

    @classmethod
    def parse(cls, payload: bytes) -> NetworkCredentials:
        """From a payload that may end behind any section; raises Malformed."""
        reader = Reader(payload)
        coms: list[Com] = []
        while reader.remaining:
            if payload[reader.offset] == 0:
                reader.skip(1)
                break
            coms.append(Com.read(reader))
        return cls(
            tuple(coms),
            _section(reader, Capability.read),
            _section(reader, Tag.read),
            _section(reader, Revocation.read),
            _section(reader, Ownership.read),
        )

    def to_bytes(self) -> bytes:
        """The payload, with all sections."""
        out = Writer()
        for com in self.coms:
            out.raw(com.to_bytes())
        out.u8(0)
        lists: tuple[Sequence[_Serialized], ...]
        lists = (self.capabilities, self.tags, self.revocations, self.ownerships)
        for section in lists:
            out.u16(len(section))
            for credential in section:
                out.raw(credential.to_bytes())
        return out.to_bytes()


def _section(reader: Reader, read: Callable[[Reader], T]) -> tuple[T, ...]:
    if not reader.remaining:
        return ()
    count = reader.u16()
    if count > reader.remaining:
        raise Malformed(f"{count} credentials", reader.offset - 2)
    return tuple(read(reader) for _ in range(count))
