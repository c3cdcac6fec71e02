"""PUSH_DIRECT_PATHS: where a node can be reached (PROTOCOL-VL1 5.7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .._core.endpoint import Endpoint
from .reader import Malformed, Reader
from .writer import Writer

FORGET = 0x01
REDIRECT = 0x02
MAX_SIZE = 1200 - 28  # payload bytes of one packet as the reference fills it
_IP_SIZES = {4: 4, 6: 16}


@dataclass(frozen=True, slots=True)
class PathRecord:
    """One endpoint, with FORGET and REDIRECT flags."""

    endpoint: Endpoint
    flags: int = 0

    @classmethod
    def read(cls, reader: Reader) -> PathRecord | None:
        """Take one off a reader; None for an address that is no IP. Extensions are passed over."""
        flags = reader.u8()
        reader.skip(reader.u16())
        kind = reader.u8()
        size = reader.u8()
        inner = Reader(reader.take(size))
        if kind not in _IP_SIZES:
            return None
        if size < _IP_SIZES[kind] + 2:
            raise Malformed(f"an address of {size} bytes", reader.offset - size - 1)
        return cls(Endpoint(inner.take(_IP_SIZES[kind]), inner.u16()), flags)

    def to_bytes(self) -> bytes:
        """The record without extension."""
        ip = self.endpoint.packed
        out = Writer().u8(self.flags).u16(0).u8(4 if len(ip) == 4 else 6)
        return out.u8(len(ip) + 2).raw(ip).u16(self.endpoint.port).to_bytes()


@dataclass(frozen=True, slots=True)
class PushDirectPaths:
    """The records of one packet."""

    records: tuple[PathRecord, ...]

    @classmethod
    def parse(cls, payload: bytes) -> PushDirectPaths:
        """Raises Malformed."""
        reader = Reader(payload)
        records = [PathRecord.read(reader) for _ in range(reader.u16())]
        return cls(tuple(record for record in records if record is not None))

    def to_bytes(self) -> bytes:
        """Count and records."""
        return len(self.records).to_bytes(2, "big") + b"".join(record.to_bytes() for record in self.records)


def split(endpoints: Iterable[Endpoint]) -> list[PushDirectPaths]:
    """As many packets as it takes to announce all endpoints."""
    packets: list[list[PathRecord]] = []
    room = 0
    for endpoint in endpoints:
        record = PathRecord(endpoint)
        size = len(record.to_bytes())
        if size > room:
            packets.append([])
            room = MAX_SIZE - 2
        packets[-1].append(record)
        room -= size
    return [PushDirectPaths(tuple(records)) for records in packets]
