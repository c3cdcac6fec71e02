"""Whole IP packets as bytes, off the hot way: made, cut into fragments, freed of extension headers."""

from __future__ import annotations

V4_MAPPED = bytes(10) + b"\xff\xff"
V4_HEADER = 20
V6_HEADER = 40
FRAGMENT_HEADER = 8  # RFC 8200 4.5
MAX_PACKET = 65535
DONT_FRAGMENT = 0x4000
MORE_V4 = 0x2000
MORE_V6 = 0x0001
HOP_LIMIT = 64  # RFC 1700
# RFC 8200 section 4
HOP_BY_HOP = 0
ROUTING = 43
FRAGMENT = 44
DESTINATION_OPTIONS = 60
MAX_EXTENSIONS = 8  # no sender needs more; RFC 8504 5.3 lets a receiver limit them


def checksum(data: bytes) -> int:
    """RFC 1071, as the remainder modulo 2**16 - 1."""
    if len(data) % 2:
        data += b"\0"
    return 0xFFFF - int.from_bytes(data, "big") % 0xFFFF


def pseudo_header(source: bytes, destination: bytes, protocol: int, length: int) -> bytes:
    """What transport checksums cover besides the message: the same sum for IPv4 and IPv6 (RFC 8200 8.1)."""
    return source + destination + length.to_bytes(4, "big") + protocol.to_bytes(4, "big")


def whole(source: bytes, destination: bytes, protocol: int, body: bytes, hops: int = HOP_LIMIT) -> bytes:
    """A packet between two 16-byte addresses; an IPv4 one has no options and forbids fragments."""
    if destination.startswith(V4_MAPPED):
        addresses = source[12:] + destination[12:]
        return v4(V4_HEADER + len(body), 0, DONT_FRAGMENT, protocol, addresses, hops) + body
    head = b"\x60\0\0\0" + len(body).to_bytes(2, "big") + bytes((protocol, hops))
    return head + source + destination + body


def v4(
    total: int,
    identification: int,
    flags_offset: int,
    protocol: int,
    addresses: bytes,
    hops: int = HOP_LIMIT,
) -> bytes:
    """An IPv4 header (RFC 791) without options."""
    fields = total.to_bytes(2, "big") + identification.to_bytes(2, "big") + flags_offset.to_bytes(2, "big")
    head = b"\x45\0" + fields + bytes((hops, protocol)) + b"\0\0" + addresses
    return head[:10] + checksum(head).to_bytes(2, "big") + head[12:]


def header_length(packet: bytes) -> int:
    """Where the transport header of a packet made by `whole`, or accepted by the stack, begins."""
    return (packet[0] & 15) * 4 if packet[0] >> 4 == 4 else V6_HEADER


def is_unicast(ip: bytes) -> bool:
    """Whether one host can own a 16-byte address."""
    if ip.startswith(V4_MAPPED):
        return ip[12] not in (0, 127) and ip[12] < 224
    return ip[0] != 0xFF and ip[:15] != bytes(15)


def is_multicast(ip: bytes) -> bool:
    """Whether a 16-byte address is a group's."""
    return ip[12] >> 4 == 14 if ip.startswith(V4_MAPPED) else ip[0] == 0xFF


def source_of(packet: bytes) -> bytes:
    """The sender's 16 bytes."""
    return V4_MAPPED + packet[12:16] if packet[0] >> 4 == 4 else packet[8:24]


def destination_of(packet: bytes) -> bytes:
    """The receiver's 16 bytes."""
    return V4_MAPPED + packet[16:20] if packet[0] >> 4 == 4 else packet[24:40]


def cut(packet: bytes, mtu: int, identification: int) -> list[bytes]:
    """A packet made by `whole` as packets of at most `mtu` bytes; none when that cannot be.

    `identification` is u32, of which IPv4 uses half.
    """
    if len(packet) <= mtu:
        return [packet]
    is_v4 = packet[0] >> 4 == 4
    lead = V4_HEADER if is_v4 else V6_HEADER + FRAGMENT_HEADER
    step = (mtu - lead) // 8 * 8
    if step <= 0:
        return []
    body = packet[V4_HEADER if is_v4 else V6_HEADER :]
    pieces = [(at, body[at : at + step]) for at in range(0, len(body), step)]
    last = pieces[-1][0]
    if is_v4:
        return [
            v4(
                lead + len(data),
                identification & 0xFFFF,
                (at >> 3) | (MORE_V4 if at != last else 0),
                packet[9],
                packet[12:20],
                packet[8],
            )
            + data
            for at, data in pieces
        ]
    return [
        packet[:4]
        + (FRAGMENT_HEADER + len(data)).to_bytes(2, "big")
        + bytes((FRAGMENT, packet[7]))
        + packet[8:40]
        + bytes((packet[6], 0))
        + (at | (MORE_V6 if at != last else 0)).to_bytes(2, "big")
        + identification.to_bytes(4, "big")
        + data
        for at, data in pieces
    ]


def upper(data: bytes, protocol: int, at: int) -> tuple[int, int] | None:
    """The protocol behind IPv6 extension headers from `at` on, and where it begins; None: malformed.

    A fragment header ends the walk. A routing header with segments left is for routers: malformed here.
    """
    for _ in range(MAX_EXTENSIONS):
        if protocol not in (HOP_BY_HOP, ROUTING, DESTINATION_OPTIONS):
            return protocol, at
        if at + 8 > len(data) or (protocol == ROUTING and data[at + 3]):
            return None
        protocol, at = data[at], at + (data[at + 1] + 1) * 8
        if at > len(data):
            return None
    return None
