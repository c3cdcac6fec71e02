"""FRAME and EXT_FRAME as cold code reads and writes them (PROTOCOL-VL2 5.1, 5.2)."""

from __future__ import annotations

from dataclasses import dataclass

from .com import Com
from .reader import Reader
from .writer import Writer

FRAME_HEAD = 10  # network id, ethertype
EXT_FRAME_HEAD = 23  # network id, flags, two MACs, ethertype
COM_ATTACHED = 0x01
ACK_REQUESTED = 0x10
NORMAL, TEE_OUT, REDIRECT_OUT, WATCH_OUT = 0x00, 0x02, 0x04, 0x16
TEE_IN, REDIRECT_IN, WATCH_IN = 0x08, 0x0A, 0x1C


@dataclass(frozen=True, slots=True)
class Frame:
    """An Ethernet payload between the MACs that derive from the two nodes' addresses."""

    nwid: int
    ethertype: int
    data: bytes

    @classmethod
    def parse(cls, payload: bytes) -> Frame:
        """Raises Malformed."""
        reader = Reader(payload)
        return cls(reader.u64(), reader.u16(), reader.rest())

    def to_bytes(self) -> bytes:
        """The payload."""
        return Writer().u64(self.nwid).u16(self.ethertype).raw(self.data).to_bytes()


@dataclass(frozen=True, slots=True)
class ExtFrame:
    """An Ethernet frame with its MACs; `flags` without the COM bit, which `com` decides."""

    nwid: int
    destination: int
    source: int
    ethertype: int
    data: bytes
    flags: int = NORMAL
    com: Com | None = None

    @classmethod
    def parse(cls, payload: bytes) -> ExtFrame:
        """Raises Malformed."""
        reader = Reader(payload)
        nwid, flags = reader.u64(), reader.u8()
        com = Com.read(reader) if flags & COM_ATTACHED else None
        destination, source, ethertype = reader.mac(), reader.mac(), reader.u16()
        return cls(nwid, destination, source, ethertype, reader.rest(), flags & ~COM_ATTACHED, com)

    @property
    def ack_requested(self) -> bool:
        """Whether an OK with the network id is wanted."""
        return bool(self.flags & ACK_REQUESTED)

    def to_bytes(self) -> bytes:
        """The payload."""
        out = Writer().u64(self.nwid).u8(self.flags | (COM_ATTACHED if self.com else 0))
        out.raw(self.com.to_bytes() if self.com else b"")
        return out.mac(self.destination).mac(self.source).u16(self.ethertype).raw(self.data).to_bytes()
