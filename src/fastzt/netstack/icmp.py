"""ICMP (RFC 792) and ICMPv6 (RFC 4443): what messages say, and the messages that are sent."""

from __future__ import annotations

import errno
from dataclasses import dataclass, replace

from .ip_packet import V4_HEADER, V4_MAPPED, V6_HEADER, checksum, header_length, pseudo_header, whole

PROTOCOL_ICMP = 1
PROTOCOL_TCP = 6
PROTOCOL_UDP = 17
PROTOCOL_ICMPV6 = 58
HEADER = 8
MAX_ECHO = 9000  # bytes of an echo request that is answered
ECHO_REPLY_V4, ECHO_V4, UNREACHABLE_V4 = 0, 8, 3
ECHO_REPLY_V6, ECHO_V6, UNREACHABLE_V6 = 129, 128, 1
TOO_BIG_V6 = 2  # for IPv4 a code of unreachable
PORT_V4, PORT_V6 = 3, 4  # codes of port unreachable
TOO_BIG_V4 = 4  # code: RFC 1191 4
LEAST_V4, LEAST_V6 = 552, 1280  # what no router makes us go below (RFC 8201 4 for IPv6)
QUOTED_V4 = 576 - V4_HEADER - HEADER  # bytes of the packet that an error quotes: RFC 1812 4.3.2.3
QUOTED_V6 = 1280 - V6_HEADER - HEADER  # RFC 4443 3.1

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
    """A packet of ours did not arrive: its protocol, its flow, and the errno that tells why.

    `sequence`: TCP's, or that of an echo, whose identifier is the local port. `mtu`: the packet was larger
    than this, which is as much as its way takes; 0 for other errors.
    """

    error: int
    protocol: int
    local: bytes
    local_port: int
    remote: bytes
    remote_port: int
    sequence: int
    mtu: int = 0


def message(source: bytes, destination: bytes, body: bytes) -> bytes:
    """The IP packet of a message whose checksum field is zero; addresses of 16 bytes."""
    is_v4 = destination.startswith(V4_MAPPED)
    covered = body if is_v4 else pseudo(source, destination, body)
    body = body[:2] + checksum(covered).to_bytes(2, "big") + body[4:]
    return whole(source, destination, PROTOCOL_ICMP if is_v4 else PROTOCOL_ICMPV6, body)


def is_intact(message: bytes, source: bytes, destination: bytes) -> bool:
    """Whether a message has its length and checksum."""
    is_v4 = source.startswith(V4_MAPPED)
    covered = message if is_v4 else pseudo(source, destination, message)
    return len(message) >= HEADER and checksum(covered) in (0, 0xFFFF)


def pseudo(source: bytes, destination: bytes, message: bytes) -> bytes:
    """An ICMPv6 message behind its pseudo header (RFC 8200 section 8.1)."""
    return pseudo_header(source, destination, PROTOCOL_ICMPV6, len(message)) + message


def echo_reply(request: bytes, source: bytes, destination: bytes) -> bytes | None:
    """The IP packet that answers an intact message to `destination`, or None when it is no echo request."""
    is_v4 = source.startswith(V4_MAPPED)
    if request[:2] != bytes((ECHO_V4 if is_v4 else ECHO_V6, 0)) or len(request) > MAX_ECHO:
        return None
    reply = bytes((ECHO_REPLY_V4 if is_v4 else ECHO_REPLY_V6, 0, 0, 0)) + request[4:]
    return message(destination, source, reply)


def echo(source: bytes, destination: bytes, identifier: int, sequence: int, data: bytes) -> bytes:
    """The IP packet of an echo request."""
    kind = ECHO_V4 if destination.startswith(V4_MAPPED) else ECHO_V6
    head = bytes((kind, 0, 0, 0)) + identifier.to_bytes(2, "big") + sequence.to_bytes(2, "big")
    return message(source, destination, head + data)


def is_echo_reply(message: bytes, is_v4: bool) -> bool:
    """Whether an intact message answers an echo request."""
    return message[0] == (ECHO_REPLY_V4 if is_v4 else ECHO_REPLY_V6) and message[1] == 0


def port_unreachable(source: bytes, destination: bytes, packet: bytes) -> bytes:
    """The IP packet by which `source` says that nobody takes a packet that `destination` sent."""
    is_v4 = destination.startswith(V4_MAPPED)
    kind, code = (UNREACHABLE_V4, PORT_V4) if is_v4 else (UNREACHABLE_V6, PORT_V6)
    body = bytes((kind, code)) + bytes(6) + packet[: QUOTED_V4 if is_v4 else QUOTED_V6]
    return message(source, destination, body)


def unreachable(message: bytes, is_v4: bool) -> Unreachable | None:
    """What a message about a packet that did not arrive says of it, or None when it says nothing usable."""
    if len(message) < HEADER:
        return None
    mtu, error = too_big(message, is_v4), None
    if mtu:
        error = errno.EMSGSIZE
    elif message[0] == (UNREACHABLE_V4 if is_v4 else UNREACHABLE_V6):
        error = (ERRORS_V4 if is_v4 else ERRORS_V6).get(message[1])
    if error is None:
        return None
    packet = message[HEADER:]
    told = quoted_v4(error, packet) if is_v4 else quoted_v6(error, packet)
    return told and replace(told, mtu=mtu)


def too_big(message: bytes, is_v4: bool) -> int:
    """The MTU in a message about a packet that was too big (RFC 1191 4, RFC 4443 3.2); 0 in others."""
    if is_v4:
        mtu = int.from_bytes(message[6:8], "big")
        return max(mtu, LEAST_V4) if mtu and message[:2] == bytes((UNREACHABLE_V4, TOO_BIG_V4)) else 0
    mtu = int.from_bytes(message[4:8], "big")
    return max(mtu, LEAST_V6) if mtu and message[0] == TOO_BIG_V6 else 0


def quoted_v4(error: int, packet: bytes) -> Unreachable | None:
    """The flow of a quoted IPv4 packet: its header and 8 bytes at least (RFC 792), no later fragment."""
    if len(packet) < V4_HEADER + 8 or packet[0] >> 4 != 4 or int.from_bytes(packet[6:8], "big") & 0x1FFF:
        return None
    size = header_length(packet)
    if size < V4_HEADER or len(packet) < size + 8:
        return None
    ends = V4_MAPPED + packet[12:16], V4_MAPPED + packet[16:20]
    return quoted(error, packet[9], *ends, packet[size : size + 8])


def quoted_v6(error: int, packet: bytes) -> Unreachable | None:
    """The flow of a quoted IPv6 packet, which may be a first fragment."""
    if len(packet) < V6_HEADER + 8 or packet[0] >> 4 != 6:
        return None
    protocol, at = packet[6], V6_HEADER
    if protocol == 44 and packet[at + 2] == 0 and packet[at + 3] < 8:
        protocol, at = packet[at], at + 8
    if len(packet) < at + 8:
        return None
    return quoted(error, protocol, packet[8:24], packet[24:40], packet[at : at + 8])


def quoted(error: int, protocol: int, local: bytes, remote: bytes, head: bytes) -> Unreachable | None:
    """From the first 8 bytes of a TCP, UDP or echo header."""
    first, second, rest = (
        int.from_bytes(head[:2], "big"),
        int.from_bytes(head[2:4], "big"),
        int.from_bytes(head[4:8], "big"),
    )
    if protocol in (PROTOCOL_TCP, PROTOCOL_UDP):
        return Unreachable(error, protocol, local, first, remote, second, rest)
    if protocol in (PROTOCOL_ICMP, PROTOCOL_ICMPV6) and head[0] in (ECHO_V4, ECHO_V6):
        return Unreachable(error, protocol, local, rest >> 16, remote, 0, rest & 0xFFFF)
    return None
