"""The packet at hand: addresses, ports and TCP fields of an arriving IP packet, in one reused object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._core.slab import Slab
from ..._core.tcp_header import TcpOptions

if TYPE_CHECKING:
    import cython
else:
    from ... import _cython as cython

if not cython.compiled:
    from ..._core import checksum, ipv4, ipv6, tcp_header
    from ..._core.access import be16, be32, be64, same, u8
    from ..._core.seqnum import diff

    PLAIN_HEADER = 32  # TCP header with timestamps alone
    PLAIN_IPV4 = 0x4500  # no options, no traffic class
    MALFORMED = -1
    FRAGMENT = -2

    def address(hi: int, lo: int) -> bytes:
        """16 bytes of two u64."""
        return hi.to_bytes(8, "big") + lo.to_bytes(8, "big")


class Segment:
    """Filled by `parse_ip` and then `parse_tcp`; offsets point into `slab`, addresses are pairs of u64.

    `packet` is where the IP header starts, `header` the transport header, `payload` the data; `total` counts
    bytes from `header` to the end of the packet, `length` those of the data.
    """

    if not cython.compiled:
        __slots__ = (
            "acknowledgment",
            "destination_hi",
            "destination_lo",
            "destination_port",
            "flags",
            "header",
            "is_v4",
            "length",
            "options",
            "packet",
            "partial",
            "payload",
            "sequence",
            "slab",
            "source_hi",
            "source_lo",
            "source_port",
            "total",
            "window",
        )

    def __init__(self, slab: Slab) -> None:
        self.slab = slab
        self.options = TcpOptions()
        self.packet = self.header = self.payload = self.total = self.length = self.partial = 0
        self.is_v4 = True
        self.source_hi = self.source_lo = self.destination_hi = self.destination_lo = 0
        self.source_port = self.destination_port = self.sequence = self.acknowledgment = 0
        self.flags = self.window = 0

    def parse_ip(self, slab: Slab, offset: int, length: int) -> int:
        """The transport protocol of a whole IPv4 or IPv6 packet; MALFORMED or FRAGMENT, both negative."""
        self.slab = slab
        self.packet = offset
        size = ipv4.check(slab, offset, length)
        if size != 0:
            if ipv4.is_fragment(slab, offset):
                return FRAGMENT
            self.is_v4 = True
            self.source_hi = 0
            self.source_lo = ipv4.source_low(slab, offset)
            self.destination_hi = 0
            self.destination_lo = ipv4.destination_low(slab, offset)
            self.header = offset + size
            self.total = ipv4.total_length(slab, offset) - size
            return ipv4.protocol(slab, offset)
        return self.parse_ipv6(slab, offset, length)

    def parse_ipv6(self, slab: Slab, offset: int, length: int) -> int:
        """As `parse_ip`; an extension header counts as the protocol (none is walked)."""
        size = ipv6.check(slab, offset, length)
        if size == 0:
            return MALFORMED
        self.is_v4 = False
        self.source_hi = ipv6.source_high(slab, offset)
        self.source_lo = ipv6.source_low(slab, offset)
        self.destination_hi = ipv6.destination_high(slab, offset)
        self.destination_lo = ipv6.destination_low(slab, offset)
        self.header = offset + size
        self.total = ipv6.payload_length(slab, offset)
        return ipv6.next_header(slab, offset)

    def parse_tcp(self) -> bool:
        """Read the TCP header after `parse_ip`; False when it, its options or its checksum are wrong."""
        slab = self.slab
        o = self.header
        size = tcp_header.check(slab, o, self.total)
        if size == 0 or not self.checksum_holds():
            return False
        self.source_port = tcp_header.source_port(slab, o)
        self.destination_port = tcp_header.destination_port(slab, o)
        self.sequence = tcp_header.sequence(slab, o)
        self.acknowledgment = tcp_header.acknowledgment(slab, o)
        self.flags = tcp_header.flags(slab, o)
        self.window = tcp_header.window(slab, o)
        self.payload = o + size
        self.length = self.total - size
        return self.options.parse(slab, o, size)

    def continues(self, offset: int, n: int) -> bool:
        """Whether the `n` bytes at an offset look like the segment that follows this one.

        Same addresses, ports, acknowledgment, window and timestamps, the next text, no flag but ACK and PSH.
        It then takes this one's place, but its checksum is left to whoever takes the text: `partial` is the
        sum of all before it.
        """
        slab = self.slab
        a, p = self.packet, self.header
        lead = p - a
        o = offset + lead
        size = self.payload - p
        if (
            n <= lead + size
            or (size != tcp_header.HEADER and size != PLAIN_HEADER)
            or (self.flags & ~tcp_header.PSH) != tcp_header.ACK
            or not (is_next_v4(slab, a, offset, n) if self.is_v4 else is_next_v6(slab, a, offset, n))
            or be32(slab, o) != be32(slab, p)  # ports
            or diff(be32(slab, o + 4), self.sequence) != self.length
            or be32(slab, o + 8) != be32(slab, p + 8)  # acknowledgment
            or be16(slab, o + 14) != be16(slab, p + 14)  # window
            or u8(slab, o + 12) != u8(slab, p + 12)
            or ((u8(slab, o + 13) ^ self.flags) & ~tcp_header.PSH) != 0
            or (size == PLAIN_HEADER and be64(slab, o + 20) != be64(slab, p + 20))
            or (size == PLAIN_HEADER and be32(slab, o + 28) != be32(slab, p + 28))
        ):
            return False
        self.packet = offset
        self.header = o
        self.total = n - lead
        self.sequence = be32(slab, o + 4)
        self.flags = u8(slab, o + 13)
        self.payload = o + size
        self.length = self.total - size
        self.partial = checksum.sum16(slab, o, size, self.pseudo())
        return True

    def checksum_holds(self) -> bool:
        """Whether the transport checksum with the pseudo header is right (RFC 9293 3.1, RFC 8200 8.1)."""
        return checksum.verify(self.slab, self.header, self.total, self.pseudo())

    def pseudo(self) -> int:
        """The sum of the pseudo header."""
        if self.is_v4:
            return checksum.pseudo_sum(self.slab, self.packet + 12, 8, ipv4.PROTOCOL_TCP, self.total)
        return checksum.pseudo_sum(self.slab, self.packet + 8, 32, ipv4.PROTOCOL_TCP, self.total)

    def source(self) -> bytes:
        """The sender's 16 bytes."""
        return address(self.source_hi, self.source_lo)

    def destination(self) -> bytes:
        """The receiver's 16 bytes."""
        return address(self.destination_hi, self.destination_lo)


def is_next_v4(slab: Slab, a: int, o: int, n: int) -> bool:
    """Whether a packet of `n` bytes at `o` has the IPv4 header of the one at `a`, but for length and id."""
    return (
        be16(slab, o) == be16(slab, a) == PLAIN_IPV4
        and be16(slab, o + 2) == n
        and be16(slab, o + 6) == be16(slab, a + 6)
        and be16(slab, o + 8) == be16(slab, a + 8)
        and be64(slab, o + 12) == be64(slab, a + 12)
        and checksum.verify(slab, o, ipv4.HEADER, 0)
    )


def is_next_v6(slab: Slab, a: int, o: int, n: int) -> bool:
    """Whether a packet of `n` bytes at `o` has the IPv6 header of the one at `a`, but for the length."""
    return (
        be32(slab, o) == be32(slab, a)
        and be16(slab, o + 4) == n - ipv6.HEADER
        and be16(slab, o + 6) == be16(slab, a + 6)
        and same(slab, o + 8, slab, a + 8, 32)
    )
