"""TCP header and options (RFC 9293 3.1): `check` once, then accessors on (slab, offset) without checks.

`TcpOptions` is reused from segment to segment: `parse` fills it, `write` lays it out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .slab import Slab

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .access import be16, be32, put_be16, put_be32, put_u8, u8

    HEADER = 20
    MAX_HEADER = 60
    MAX_OPTIONS = 40
    CHECKSUM = 16

    FIN = 0x01
    SYN = 0x02
    RST = 0x04
    PSH = 0x08
    ACK = 0x10
    URG = 0x20
    ECE = 0x40
    CWR = 0x80

    OPTION_END = 0
    OPTION_NOP = 1
    OPTION_MSS = 2
    OPTION_WINDOW_SCALE = 3
    OPTION_SACK_PERMITTED = 4
    OPTION_SACK = 5
    OPTION_TIMESTAMPS = 8
    MAX_WINDOW_SCALE = 14  # RFC 7323 2.3: larger values count as 14
    MAX_SACK_BLOCKS = 4  # RFC 2018 3
    TIMESTAMPS_ALONE = 0x0101080A  # NOP, NOP, timestamps, 10: RFC 7323 appendix A


def check(s: Slab, o: int, n: int) -> int:
    """The header length, 20 to 60, or 0 when it lies outside the segment of `n` bytes."""
    if n < HEADER:
        return 0
    length = (u8(s, o + 12) >> 4) * 4
    return length if HEADER <= length <= n else 0


def source_port(s: Slab, o: int) -> int:
    """The sender's port."""
    return be16(s, o)


def destination_port(s: Slab, o: int) -> int:
    """The receiver's port."""
    return be16(s, o + 2)


def sequence(s: Slab, o: int) -> int:
    """The sequence number of the first byte."""
    return be32(s, o + 4)


def acknowledgment(s: Slab, o: int) -> int:
    """The next sequence number that the sender of the segment expects."""
    return be32(s, o + 8)


def header_length(s: Slab, o: int) -> int:
    """Bytes of header with options."""
    return (u8(s, o + 12) >> 4) * 4


def flags(s: Slab, o: int) -> int:
    """The eight control bits."""
    return u8(s, o + 13)


def window(s: Slab, o: int) -> int:
    """The window field, unscaled."""
    return be16(s, o + 14)


def checksum(s: Slab, o: int) -> int:
    """The checksum."""
    return be16(s, o + CHECKSUM)


def set_sequence(s: Slab, o: int, value: int) -> None:
    """Write the sequence number: the low 32 bits of a position in the stream."""
    put_be32(s, o + 4, value)


def set_checksum(s: Slab, o: int, value: int) -> None:
    """Write the checksum."""
    put_be16(s, o + CHECKSUM, value)


def write(
    s: Slab,
    o: int,
    source_port: int,
    destination_port: int,
    sequence: int,
    acknowledgment: int,
    header_length: int,
    flags: int,
    window: int,
) -> None:
    """Write the 20 fixed bytes with checksum and urgent pointer 0."""
    put_be16(s, o, source_port)
    put_be16(s, o + 2, destination_port)
    put_be32(s, o + 4, sequence)
    put_be32(s, o + 8, acknowledgment)
    put_u8(s, o + 12, header_length << 2)
    put_u8(s, o + 13, flags)
    put_be16(s, o + 14, window)
    put_be32(s, o + CHECKSUM, 0)


class TcpOptions:
    """The options of a segment.

    `mss` 0 and `window_scale` -1 mean absent; `sack_left[i]`, `sack_right[i]` (sequence numbers) count up to
    `sack_count`.
    """

    if not cython.compiled:
        __slots__ = (
            "has_timestamps",
            "mss",
            "sack_count",
            "sack_left",
            "sack_permitted",
            "sack_right",
            "ts_echo",
            "ts_value",
            "window_scale",
        )

    def __init__(self) -> None:
        if not cython.compiled:
            self.sack_left = [0] * MAX_SACK_BLOCKS
            self.sack_right = [0] * MAX_SACK_BLOCKS
        self.clear()

    def clear(self) -> None:
        """Set all to absent."""
        self.mss = 0
        self.window_scale = -1
        self.sack_permitted = False
        self.has_timestamps = False
        self.ts_value = 0
        self.ts_echo = 0
        self.sack_count = 0

    def parse(self, s: Slab, o: int, header_length: int) -> bool:
        """Take the options of a header at `o`; False at the first malformed one (RFC 9293 MUST-7)."""
        self.clear()
        at = o + HEADER
        end = o + header_length
        if end - at == 12 and be32(s, at) == TIMESTAMPS_ALONE:
            return self.take_option(s, at + 2, OPTION_TIMESTAMPS, 10)
        while at < end:
            kind = u8(s, at)
            if kind == OPTION_END:
                return True
            if kind == OPTION_NOP:
                at += 1
                continue
            if end - at < 2:
                return False
            length = u8(s, at + 1)
            if length < 2 or length > end - at or not self.take_option(s, at, kind, length):
                return False
            at += length
        return True

    def take_option(self, s: Slab, at: int, kind: int, length: int) -> bool:
        """Take one option that lies inside the header; False when its length is not that of its kind."""
        if kind == OPTION_TIMESTAMPS:
            if length != 10:
                return False
            self.has_timestamps = True
            self.ts_value = be32(s, at + 2)
            self.ts_echo = be32(s, at + 6)
        elif kind == OPTION_SACK:
            return self.take_sack(s, at, length)
        elif kind == OPTION_MSS:
            if length != 4:
                return False
            self.mss = be16(s, at + 2)
        elif kind == OPTION_WINDOW_SCALE:
            if length != 3:
                return False
            scale = u8(s, at + 2)
            self.window_scale = MAX_WINDOW_SCALE if scale > MAX_WINDOW_SCALE else scale
        elif kind == OPTION_SACK_PERMITTED:
            if length != 2:
                return False
            self.sack_permitted = True
        return True

    def take_sack(self, s: Slab, at: int, length: int) -> bool:
        """Take the SACK blocks, 1 to 4."""
        count = (length - 2) >> 3
        if count < 1 or count > MAX_SACK_BLOCKS or length != 2 + count * 8:
            return False
        for i in range(count):
            self.sack_left[i] = be32(s, at + 2 + i * 8)
            self.sack_right[i] = be32(s, at + 6 + i * 8)
        self.sack_count = count
        return True

    def add_sack(self, left: int, right: int) -> bool:
        """Append a block to be written; False when there are 4 already."""
        if self.sack_count >= MAX_SACK_BLOCKS:
            return False
        self.sack_left[self.sack_count] = left
        self.sack_right[self.sack_count] = right
        self.sack_count += 1
        return True

    def sack_block(self, i: int) -> tuple[int, int]:
        """Block i, for code outside the hot way; IndexError."""
        if not 0 <= i < self.sack_count:
            raise IndexError(i)
        return self.sack_left[i], self.sack_right[i]

    def sack_room(self) -> int:
        """How many SACK blocks fit beside the other options, at most 4."""
        return min(MAX_SACK_BLOCKS, (MAX_OPTIONS - self.fixed_length() - 4) >> 3)

    def fixed_length(self) -> int:
        """Bytes of the options without SACK blocks, padding included."""
        n = 4 if self.mss else 0
        if self.window_scale >= 0:
            n += 4
        if self.has_timestamps:
            n += 12
        elif self.sack_permitted:
            n += 4
        return n

    def length(self) -> int:
        """How many bytes `write` will take, a multiple of 4, at most 40."""
        blocks = min(self.sack_count, self.sack_room())
        return self.fixed_length() + (4 + blocks * 8 if blocks else 0)

    def write(self, s: Slab, o: int) -> int:
        """Write the options at `o`, each on a word, leaving out SACK blocks without room; how many bytes."""
        at = o
        if self.mss:
            put_be16(s, at, (OPTION_MSS << 8) | 4)
            put_be16(s, at + 2, self.mss)
            at += 4
        if self.window_scale >= 0:
            put_be32(s, at, (OPTION_NOP << 24) | (OPTION_WINDOW_SCALE << 16) | (3 << 8) | self.window_scale)
            at += 4
        if self.has_timestamps:
            lead = (OPTION_SACK_PERMITTED << 8) | 2 if self.sack_permitted else (OPTION_NOP << 8) | OPTION_NOP
            put_be16(s, at, lead)
            put_be16(s, at + 2, (OPTION_TIMESTAMPS << 8) | 10)
            put_be32(s, at + 4, self.ts_value)
            put_be32(s, at + 8, self.ts_echo)
            at += 12
        elif self.sack_permitted:
            put_be32(s, at, (OPTION_NOP << 24) | (OPTION_NOP << 16) | (OPTION_SACK_PERMITTED << 8) | 2)
            at += 4
        return self.write_sack(s, at) - o

    def write_sack(self, s: Slab, at: int) -> int:
        """Write as many blocks as fit; the offset behind them."""
        blocks = min(self.sack_count, self.sack_room())
        if blocks == 0:
            return at
        put_be32(s, at, (OPTION_NOP << 24) | (OPTION_NOP << 16) | (OPTION_SACK << 8) | (2 + blocks * 8))
        at += 4
        for i in range(blocks):
            put_be32(s, at, self.sack_left[i])
            put_be32(s, at + 4, self.sack_right[i])
            at += 8
        return at
