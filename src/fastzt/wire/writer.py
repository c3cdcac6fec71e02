"""Writer: the counterpart of Reader. Values that do not fit their field raise OverflowError."""

from __future__ import annotations


class Writer:
    """Appends big-endian fields to a bytearray; each method returns the writer."""

    __slots__ = ("data",)

    def __init__(self) -> None:
        self.data = bytearray()

    def uint(self, value: int, size: int) -> Writer:
        """An unsigned integer of `size` bytes."""
        self.data += value.to_bytes(size, "big")
        return self

    def u8(self, value: int) -> Writer:
        """One byte."""
        return self.uint(value, 1)

    def u16(self, value: int) -> Writer:
        """Two bytes."""
        return self.uint(value, 2)

    def u32(self, value: int) -> Writer:
        """Four bytes."""
        return self.uint(value, 4)

    def u64(self, value: int) -> Writer:
        """Eight bytes."""
        return self.uint(value, 8)

    def i64(self, value: int) -> Writer:
        """Eight bytes, signed: a time."""
        return self.raw(value.to_bytes(8, "big", signed=True))

    def address(self, value: int) -> Writer:
        """A ZeroTier address: five bytes."""
        return self.uint(value, 5)

    def mac(self, value: int) -> Writer:
        """A MAC: six bytes."""
        return self.uint(value, 6)

    def raw(self, data: bytes) -> Writer:
        """Bytes as they are."""
        self.data += data
        return self

    def sized(self, data: bytes) -> Writer:
        """A u16 length, then the bytes."""
        return self.u16(len(data)).raw(data)

    def to_bytes(self) -> bytes:
        """Everything written so far."""
        return bytes(self.data)
