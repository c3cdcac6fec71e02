"""Emitter: writes one segment, headers and payload, at the place that the egress reserves for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.ring_buffer import RingBuffer
from .._core.stats import Stats, register
from .._core.tcp_header import TcpOptions
from .egress import Egress
from .flow_table import Flow

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .._core import checksum, ipv4, ipv6, tcp_header
    from .._core.access import put_bytes

FILTERED = register("netstack.filtered")
UNSENDABLE = register("netstack.unsendable")


class Emitter:
    """`options` is filled by the caller before each segment; `sent` counts segments."""

    if not cython.compiled:
        __slots__ = ("egress", "options", "sent", "stats")

    def __init__(self, egress: Egress, stats: Stats) -> None:
        self.egress = egress
        self.stats = stats
        self.options = TcpOptions()
        self.sent = 0

    def room(self, flow: Flow, now: int) -> int:
        """Bytes of TCP header and payload that leave toward the flow's peer in one datagram."""
        return self.egress.room(flow.peer, now) - (ipv4.HEADER if flow.is_v4 else ipv6.HEADER)

    def segment(
        self,
        flow: Flow,
        sequence: int,
        acknowledgment: int,
        flags: int,
        window: int,
        ring: RingBuffer | None,
        position: int,
        length: int,
        now: int,
    ) -> bool:
        """Send a segment with `length` bytes of the ring at `position`; False when the egress has no room."""
        options = self.options.length()
        header = tcp_header.HEADER + options
        lead = ipv4.HEADER if flow.is_v4 else ipv6.HEADER
        total = lead + header + length
        o = self.egress.reserve(flow.peer, total, now)
        if o < 0:
            return False
        slab = self.egress.slab
        at = o + lead
        tcp_header.write(
            slab, at, flow.local_port, flow.remote_port, sequence, acknowledgment, header, flags, window
        )
        self.options.write(slab, at + tcp_header.HEADER)
        if ring is not None and length > 0:
            ring.peek(position, slab, at + header, length)
        self.finish(flow, o, lead, header + length)
        verdict = self.egress.commit(flow.peer, total, flow.verdict_out, now)
        if verdict < 0:
            self.stats.drop(FILTERED)
        else:
            flow.verdict_out = verdict
        self.sent += 1
        return True

    def repeat(self, flow: Flow, ring: RingBuffer, position: int, length: int, most: int, now: int) -> int:
        """Segments like the one just sent, with the bytes of the ring from `position` on; how many, at most.

        Only sequence numbers, data and checksums differ: the rest is copied from the one before, and summed
        once.
        """
        header = tcp_header.HEADER + self.options.length()
        same = (ipv4.HEADER if flow.is_v4 else ipv6.HEADER) + header
        n = self.egress.repeat(flow.peer, same + length, same, most, flow.verdict_out, now)
        if n == 0:
            return 0
        slab, stride = self.egress.slab, self.egress.repeat_stride
        at = self.egress.repeat_at + same - header
        tcp_header.set_sequence(slab, at, 0)
        tcp_header.set_checksum(slab, at, 0)
        common = checksum.sum16(slab, at, header, flow.pseudo + header + length)
        for _ in range(n):
            tcp_header.set_sequence(slab, at, position)
            sequence = tcp_header.sequence(slab, at)
            total = common + (sequence >> 16) + (sequence & 0xFFFF)
            total = ring.peek_sum(position, slab, at + header, length, total)
            tcp_header.set_checksum(slab, at, 0xFFFF ^ total)
            position += length
            at += stride
        self.sent += n
        return n

    def control(self, flow: Flow, sequence: int, acknowledgment: int, flags: int, now: int) -> bool:
        """Send a segment without options, window and data; False when the egress has no room."""
        self.options.clear()
        return self.segment(flow, sequence, acknowledgment, flags, 0, None, 0, 0, now)

    def packet(self, peer: object, data: bytes, now: int) -> bool:
        """Send a whole IP packet; False when the egress has no room now (too large: dropped)."""
        if len(data) > self.egress.mtu():
            self.stats.drop(UNSENDABLE)
            return True
        o = self.egress.reserve(peer, len(data), now)
        if o < 0:
            return False
        put_bytes(self.egress.slab, o, data)
        if self.egress.commit(peer, len(data), 0, now) < 0:
            self.stats.drop(FILTERED)
        self.sent += 1
        return True

    def finish(self, flow: Flow, o: int, lead: int, total: int) -> None:
        """Write the IP header at `o` and the checksum of the `total` transport bytes that follow it."""
        slab = self.egress.slab
        if flow.is_v4:
            ipv4.write(slab, o, lead + total, 0, ipv4.PROTOCOL_TCP, flow.local_lo, flow.remote_lo)
        else:
            ipv6.write(
                slab,
                o,
                total,
                ipv4.PROTOCOL_TCP,
                flow.local_hi,
                flow.local_lo,
                flow.remote_hi,
                flow.remote_lo,
            )
        value = checksum.checksum(slab, o + lead, total, flow.pseudo + total)
        tcp_header.set_checksum(slab, o + lead, value)
