"""pcapng: the blocks of a capture file (draft-ietf-opsawg-pcapng), as bytes."""

from __future__ import annotations

import struct

BYTE_ORDER = 0x1A2B3C4D
SECTION, INTERFACE, INTERFACE_STATISTICS, ENHANCED_PACKET = 0x0A0D0D0A, 1, 5, 6
ETHERNET = 1  # LINKTYPE_ETHERNET
SNAPLEN = (
    65535  # of every interface: libpcap takes no file whose interfaces differ in it, or in the link type
)
END, COMMENT, IF_NAME, IF_DESCRIPTION, PACKET_FLAGS, DROPPED = 0, 1, 2, 3, 2, 5
INBOUND, OUTBOUND = 1, 2


def block(kind: int, body: bytes) -> bytes:
    """Any block: its length stands before and behind its body."""
    total = len(body) + 12
    return struct.pack("<II", kind, total) + body + struct.pack("<I", total)


def padded(data: bytes) -> bytes:
    """To a multiple of 4."""
    return data + bytes(-len(data) % 4)


def option(code: int, value: bytes) -> bytes:
    """One option."""
    return struct.pack("<HH", code, len(value)) + padded(value)


def options(*each: bytes) -> bytes:
    """Options and their end."""
    return b"".join(each) + struct.pack("<HH", END, 0)


def section(application: str) -> bytes:
    """The first block; `application` wrote the file."""
    user_application = 4
    head = struct.pack("<IHHq", BYTE_ORDER, 1, 0, -1)
    return block(SECTION, head + options(option(user_application, application.encode())))


def interface(name: str, description: str) -> bytes:
    """An Ethernet interface; they count from 0 in the order of the file. Times are in microseconds."""
    head = struct.pack("<HHI", ETHERNET, 0, SNAPLEN)
    texts = options(option(IF_NAME, name.encode()), option(IF_DESCRIPTION, description.encode()))
    return block(INTERFACE, head + texts)


def packet(number: int, us: int, data: bytes, outbound: bool, comment: str = "") -> bytes:
    """A packet on interface `number`, `us` microseconds after 1970."""
    kept = data[:SNAPLEN]
    head = struct.pack("<IIIII", number, us >> 32 & 0xFFFFFFFF, us & 0xFFFFFFFF, len(kept), len(data))
    flags = option(PACKET_FLAGS, struct.pack("<I", OUTBOUND if outbound else INBOUND))
    text = option(COMMENT, comment.encode()) if comment else b""
    return block(ENHANCED_PACKET, head + padded(kept) + options(text, flags))


def statistics(number: int, us: int, dropped: int) -> bytes:
    """The end of an interface: how many packets are missing."""
    head = struct.pack("<III", number, us >> 32 & 0xFFFFFFFF, us & 0xFFFFFFFF)
    return block(INTERFACE_STATISTICS, head + options(option(DROPPED, struct.pack("<Q", dropped))))
