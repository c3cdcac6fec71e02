"""VL1 packet header (PROTOCOL-VL1 4.1): field offsets, hot verbs, accessors on (slab, offset).

`classify` checks a datagram's length once; the accessors then read without checks. Addresses are 40-bit ints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .slab import Slab

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .access import be16, be40, be64, put_be40, put_be64, put_u8, u8

    # Field offsets.
    PACKET_ID = 0
    DESTINATION = 8
    SOURCE = 13
    FLAGS = 18
    MAC = 19
    VERB = 27
    PAYLOAD = 28

    MAX_PACKET = 10024  # PROTOCOL-VL1 1.1: longer datagrams and packets are dropped
    MAX_RELAY_HOPS = 3  # PROTOCOL-VL1 4.5
    BEACON_LENGTH = 13  # PROTOCOL-VL1 4.3

    # Bits of the flags byte.
    FLAG_ENCRYPTED = 0x80
    FLAG_FRAGMENTED = 0x40
    SUITE_MASK = 0x38
    HOPS_MASK = 0x07
    # Bits of the verb byte.
    VERB_COMPRESSED = 0x80
    VERB_MASK = 0x1F
    FRAGMENT_INDICATOR = 0xFF  # at byte 13; no address begins with it

    # Cipher suites (PROTOCOL-VL1 3).
    SUITE_POLY1305 = 0
    SUITE_SALSA20 = 1
    SUITE_TRUSTED = 2
    SUITE_AES = 3

    # Verbs (PROTOCOL-VL1 5).
    NOP = 0x00
    HELLO = 0x01
    ERROR = 0x02
    OK = 0x03
    WHOIS = 0x04
    RENDEZVOUS = 0x05
    FRAME = 0x06
    EXT_FRAME = 0x07
    ECHO = 0x08
    MULTICAST_LIKE = 0x09
    NETWORK_CREDENTIALS = 0x0A
    NETWORK_CONFIG_REQUEST = 0x0B
    NETWORK_CONFIG = 0x0C
    MULTICAST_GATHER = 0x0D
    MULTICAST_FRAME = 0x0E
    PUSH_DIRECT_PATHS = 0x10
    USER_MESSAGE = 0x14

    # What `classify` answers.
    KIND_JUNK = 0
    KIND_PACKET = 1
    KIND_FRAGMENT = 2
    KIND_BEACON = 3


def classify(s: Slab, o: int, n: int) -> int:
    """KIND_PACKET, KIND_FRAGMENT, KIND_BEACON or KIND_JUNK for a datagram of `n` bytes (PROTOCOL-VL1 4.3)."""
    if n == BEACON_LENGTH:
        return KIND_BEACON
    if n <= 16 or n > MAX_PACKET:
        return KIND_JUNK
    if u8(s, o + SOURCE) == FRAGMENT_INDICATOR:
        return KIND_FRAGMENT
    return KIND_PACKET if n >= PAYLOAD else KIND_JUNK


def run(s: Slab, o: int, length: int, stride: int, most: int) -> int:
    """How many packets from `o` on, one each `stride` bytes, share addresses, suite and the fragmented bit.

    The first one has been classified; `length` bytes are there, of which the last packet may be short.
    """
    count = 1
    at = o + stride
    left = length - stride
    while (
        count < most
        and left >= PAYLOAD
        and be64(s, at + DESTINATION) == be64(s, o + DESTINATION)
        and be16(s, at + DESTINATION + 8) == be16(s, o + DESTINATION + 8)
        and (u8(s, at + FLAGS) ^ u8(s, o + FLAGS)) <= HOPS_MASK
    ):
        count += 1
        at += stride
        left -= stride
    return count


def packet_id(s: Slab, o: int) -> int:
    """The 64-bit packet id as it stands on the wire."""
    return be64(s, o + PACKET_ID)


def destination(s: Slab, o: int) -> int:
    """The address of the receiver."""
    return be40(s, o + DESTINATION)


def source(s: Slab, o: int) -> int:
    """The address of the sender."""
    return be40(s, o + SOURCE)


def flags(s: Slab, o: int) -> int:
    """The flags byte: encrypted, fragmented, suite, hops."""
    return u8(s, o + FLAGS)


def hops(s: Slab, o: int) -> int:
    """How many relays the packet went through, 0 to 7."""
    return u8(s, o + FLAGS) & HOPS_MASK


def suite(s: Slab, o: int) -> int:
    """The cipher suite, 0 to 7."""
    return (u8(s, o + FLAGS) & SUITE_MASK) >> 3


def fragmented(s: Slab, o: int) -> bool:
    """Whether fragments follow this head."""
    return (u8(s, o + FLAGS) & FLAG_FRAGMENTED) != 0


def verb(s: Slab, o: int) -> int:
    """The verb, 0 to 31, without the bits beside it."""
    return u8(s, o + VERB) & VERB_MASK


def compressed(s: Slab, o: int) -> bool:
    """Whether the payload is an LZ4 block (PROTOCOL-VL1 4.4)."""
    return (u8(s, o + VERB) & VERB_COMPRESSED) != 0


def mac(s: Slab, o: int) -> int:
    """The 64 bits of the MAC field."""
    return be64(s, o + MAC)


def set_packet_id(s: Slab, o: int, value: int) -> None:
    """Write the packet id."""
    put_be64(s, o + PACKET_ID, value)


def set_flags(s: Slab, o: int, value: int) -> None:
    """Write the whole flags byte."""
    put_u8(s, o + FLAGS, value)


def set_hops(s: Slab, o: int, value: int) -> None:
    """Write the hop count (its low 3 bits), leaving the other flags."""
    put_u8(s, o + FLAGS, (u8(s, o + FLAGS) & (0xFF ^ HOPS_MASK)) | (value & HOPS_MASK))


def set_fragmented(s: Slab, o: int, on: bool) -> None:
    """Set or clear the bit that announces fragments."""
    rest = u8(s, o + FLAGS) & (0xFF ^ FLAG_FRAGMENTED)
    put_u8(s, o + FLAGS, rest | FLAG_FRAGMENTED if on else rest)


def write_header(
    s: Slab, o: int, packet_id: int, destination: int, source: int, flags: int, verb: int
) -> None:
    """Write the 28 bytes of a header with a zero MAC."""
    put_be64(s, o + PACKET_ID, packet_id)
    put_be40(s, o + DESTINATION, destination)
    put_be40(s, o + SOURCE, source)
    put_u8(s, o + FLAGS, flags)
    put_be64(s, o + MAC, 0)
    put_u8(s, o + VERB, verb)
