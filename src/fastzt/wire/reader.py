"""Reader: the one bounds-checked way to take cold wire formats apart. All integers are big-endian."""

from __future__ import annotations

IDENTITY_SIZE = 71  # PROTOCOL-VL1 2.6 without a private key


class Malformed(ValueError):
    """Bytes that are not what their format says; `offset` tells where. The receive path counts it."""

    def __init__(self, what: str, offset: int = 0) -> None:
        super().__init__(f"{what} at byte {offset}")
        self.what = what
        self.offset = offset


class Reader:
    """A cursor over `data[offset:end]`; each method takes bytes off the front or raises Malformed."""

    __slots__ = ("data", "end", "offset")

    def __init__(self, data: bytes, offset: int = 0, end: int | None = None) -> None:
        self.data = data
        self.offset = offset
        self.end = len(data) if end is None else min(end, len(data))

    @property
    def remaining(self) -> int:
        """How many bytes are left."""
        return self.end - self.offset

    def fail(self, what: str) -> Malformed:
        """A Malformed naming the present offset, for the caller to raise."""
        return Malformed(what, self.offset)

    def take(self, n: int) -> bytes:
        """The next `n` bytes."""
        if not 0 <= n <= self.end - self.offset:
            raise self.fail(f"truncated: {n} bytes wanted, {self.remaining} left")
        start = self.offset
        self.offset = start + n
        return bytes(self.data[start : self.offset])

    def rest(self) -> bytes:
        """All bytes that are left."""
        return self.take(self.remaining)

    def skip(self, n: int) -> None:
        """Pass over `n` bytes."""
        self.take(n)

    def uint(self, size: int) -> int:
        """An unsigned integer of `size` bytes."""
        start = self.offset
        end = start + size
        if end > self.end:
            self.take(size)
        self.offset = end
        return int.from_bytes(self.data[start:end], "big")

    def u8(self) -> int:
        """One byte."""
        return self.uint(1)

    def u16(self) -> int:
        """Two bytes."""
        return self.uint(2)

    def u32(self) -> int:
        """Four bytes."""
        return self.uint(4)

    def u64(self) -> int:
        """Eight bytes."""
        return self.uint(8)

    def i64(self) -> int:
        """Eight bytes, signed: a time."""
        return int.from_bytes(self.take(8), "big", signed=True)

    def address(self) -> int:
        """A ZeroTier address: five bytes."""
        return self.uint(5)

    def mac(self) -> int:
        """A MAC: six bytes."""
        return self.uint(6)

    def identity(self) -> bytes:
        """The 71 bytes of a public identity (PROTOCOL-VL1 2.6); a private key is refused here."""
        data = self.take(IDENTITY_SIZE)
        if data[5] != 0 or data[70] != 0:
            raise Malformed("not a public identity of type 0", self.offset - IDENTITY_SIZE)
        return data

    def finish(self) -> None:
        """Require that nothing is left."""
        if self.offset != self.end:
            raise self.fail(f"{self.remaining} bytes too many")
