"""Answers that belong to no flow: RST, and what ICMP says. Each is made for one packet and leaves once."""

from __future__ import annotations

from .emitter import Emitter
from .flow_table import Flow
from .tcp.segment import Segment

PATIENCE = 1_000_000  # microseconds that an answer waits for a path
ACK = 0x10
SYN = 0x02
FIN = 0x01
RST = 0x04


class Reply(Flow):
    """Dropped when it has waited too long: its peer may have no path any more."""

    __slots__ = ("until",)

    def is_stale(self, now: int) -> bool:
        """Whether it waits no longer; its time begins with the first call."""
        if not hasattr(self, "until"):
            self.until = now + PATIENCE
        return now >= self.until


class Reset(Reply):
    """The RST for a segment that nobody expects (RFC 9293 section 3.5.2)."""

    __slots__ = ("acknowledgment", "emitter", "flags", "sequence")

    def __init__(self, emitter: Emitter, segment: Segment, peer: object) -> None:
        super().__init__(
            segment.destination(), segment.destination_port, segment.source(), segment.source_port, peer
        )
        self.emitter = emitter
        if segment.flags & ACK:
            self.sequence, self.acknowledgment, self.flags = segment.acknowledgment, 0, RST
        else:
            length = segment.length + bool(segment.flags & SYN) + bool(segment.flags & FIN)
            self.sequence = 0
            self.acknowledgment = (segment.sequence + length) & 0xFFFFFFFF
            self.flags = RST | ACK

    def output(self, now: int) -> bool:
        """Send it; True when the egress had no room."""
        return not self.emitter.control(self, self.sequence, self.acknowledgment, self.flags, now)


class Packet(Reply):
    """A whole IP packet made elsewhere."""

    __slots__ = ("data", "emitter")

    def __init__(self, emitter: Emitter, data: bytes, peer: object) -> None:
        super().__init__(bytes(16), 0, bytes(16), 0, peer)
        self.emitter = emitter
        self.data = data

    def output(self, now: int) -> bool:
        """Send it; True when the egress had no room."""
        return not self.emitter.packet(self.peer, self.data, now)
