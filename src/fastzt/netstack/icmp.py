"""ICMP (RFC 792) and ICMPv6 (RFC 4443): echo is answered, unreachable messages become errors of flows."""

from __future__ import annotations

import errno
from dataclasses import dataclass

V4_MAPPED = bytes(10) + b"\xff\xff"
PROTOCOL_ICMP = 1
PROTOCOL_TCP = 6
PROTOCOL_ICMPV6 = 58
HEADER = 8
MAX_ECHO = 9000  # bytes of an echo request that is answered

# Codes of destination unreachable, as RFC 1122 3.2.2.1 and RFC 4443 3.1 read them.
ERRORS_V4 = {
    0: errno.ENETUNREACH,
    1: errno.EHOSTUNREACH,
    2: errno.ECONNREFUSED,
    3: errno.ECONNREFUSED,
    9: errno.EHOSTUNREACH,
    10: errno.EHOSTUNREACH,
    13: errno.EHOSTUNREACH,
}
ERRORS_V6 = {
    0: errno.ENETUNREACH,
    1: errno.EHOSTUNREACH,
    3: errno.EHOSTUNREACH,
    4: errno.ECONNREFUSED,
}


@dataclass(frozen=True)
class Unreachable:
    """A TCP segment of ours did not arrive: its flow, its sequence number, and the errno that tells why."""

    error: int
    local: bytes
    local_port: int
    remote: bytes
    remote_port: int
    sequence: int


def checksum(data: bytes) -> int:
    """RFC 1071, as the remainder modulo 2**16 - 1."""
    if len(data) % 2:
        data += b"\0"
    return 0xFFFF - int.from_bytes(data, "big") % 0xFFFF


def echo_reply(message: bytes, source: bytes, destination: bytes) -> bytes | None:
    """The IP packet that answers an ICMP message of ours to `destination`, or None; addresses of 16 bytes."""
    if not HEADER <= len(message) <= MAX_ECHO:
        return None
    if source.startswith(V4_MAPPED):
        if message[:2] != b"\x08\x00" or checksum(message) not in (0, 0xFFFF):
            return None
        body = b"\0\0\0\0" + message[4:]
        body = body[:2] + checksum(body).to_bytes(2, "big") + body[4:]
        return ipv4_packet(destination, source, PROTOCOL_ICMP, body)
    if message[:2] != b"\x80\x00" or checksum(pseudo(source, destination, message)) not in (0, 0xFFFF):
        return None
    body = b"\x81\0\0\0" + message[4:]
    body = body[:2] + checksum(pseudo(destination, source, body)).to_bytes(2, "big") + body[4:]
    head = b"\x60\0\0\0" + len(body).to_bytes(2, "big") + bytes((PROTOCOL_ICMPV6, 64))
    return head + destination + source + body


def ipv4_packet(source: bytes, destination: bytes, protocol: int, body: bytes) -> bytes:
    """An IPv4 packet without options that forbids fragments."""
    total = 20 + len(body)
    head = b"\x45\0" + total.to_bytes(2, "big") + b"\0\0\x40\0\x40" + bytes((protocol,)) + b"\0\0"
    head += source[12:] + destination[12:]
    return head[:10] + checksum(head).to_bytes(2, "big") + head[12:] + body


def pseudo(source: bytes, destination: bytes, message: bytes) -> bytes:
    """An ICMPv6 message behind its pseudo header (RFC 8200 section 8.1)."""
    return source + destination + len(message).to_bytes(4, "big") + b"\0\0\0\x3a" + message


def unreachable(message: bytes, is_v4: bool) -> Unreachable | None:
    """What a destination-unreachable message says of a TCP flow, or None when it says nothing usable."""
    if len(message) < HEADER or message[0] != (3 if is_v4 else 1):
        return None
    error = (ERRORS_V4 if is_v4 else ERRORS_V6).get(message[1])
    if error is None:
        return None
    packet = message[HEADER:]
    return quoted_v4(error, packet) if is_v4 else quoted_v6(error, packet)


def quoted_v4(error: int, packet: bytes) -> Unreachable | None:
    """The flow of a quoted IPv4 packet: its header and 8 bytes at least (RFC 792)."""
    if len(packet) < 28 or packet[0] >> 4 != 4 or packet[9] != PROTOCOL_TCP:
        return None
    size = (packet[0] & 15) * 4
    if size < 20 or len(packet) < size + 8:
        return None
    return quoted(error, V4_MAPPED + packet[12:16], V4_MAPPED + packet[16:20], packet[size : size + 8])


def quoted_v6(error: int, packet: bytes) -> Unreachable | None:
    """The flow of a quoted IPv6 packet without extension headers."""
    if len(packet) < 48 or packet[0] >> 4 != 6 or packet[6] != PROTOCOL_TCP:
        return None
    return quoted(error, packet[8:24], packet[24:40], packet[40:48])


def quoted(error: int, local: bytes, remote: bytes, tcp: bytes) -> Unreachable:
    """From the first 8 bytes of a TCP header."""
    ports = int.from_bytes(tcp[:2], "big"), int.from_bytes(tcp[2:4], "big")
    return Unreachable(error, local, ports[0], remote, ports[1], int.from_bytes(tcp[4:8], "big"))
