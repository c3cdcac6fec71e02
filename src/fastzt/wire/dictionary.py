"""Dictionary: `key=value` lines with escaped values (PROTOCOL-VL2 3.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ESCAPES = {0: b"\\0", 10: b"\\n", 13: b"\\r", 92: b"\\\\", 61: b"\\e"}
_UNESCAPES = {b"0": b"\0", b"n": b"\n", b"r": b"\r", b"e": b"="}
_ESCAPABLE = re.compile(rb"[\0\n\r\\=]")
_ESCAPED = re.compile(rb"\\(.?)", re.DOTALL)
_LINES = re.compile(rb"[\r\n]+")
_NUMBER = re.compile(rb"[ \t-\r]*([+-]?)(?:0[xX](?=[0-9a-fA-F]))?([0-9a-fA-F]*)")
_U64 = (1 << 64) - 1


def escape(value: bytes) -> bytes:
    """A value as it stands in a line."""
    return _ESCAPABLE.sub(lambda match: _ESCAPES[match[0][0]], value)


def unescape(text: bytes) -> bytes:
    """The inverse; a backslash before any other byte stands for that byte, one at the end for nothing."""
    return _ESCAPED.sub(lambda match: _UNESCAPES.get(match[1], match[1]), text)


class Dictionary:
    """A parsed dictionary: of a key that stands there twice, the first value."""

    __slots__ = ("entries",)

    def __init__(self, entries: dict[bytes, bytes]) -> None:
        self.entries = entries

    @classmethod
    def parse(cls, data: bytes) -> Dictionary:
        """From text that ends at the first NUL. Any bytes parse: lines without `=` are passed over."""
        entries: dict[bytes, bytes] = {}
        for line in _LINES.split(data.partition(b"\0")[0]):
            key, equals, value = line.partition(b"=")
            if equals:
                entries.setdefault(key, unescape(value))
        return cls(entries)

    def get(self, key: str) -> bytes | None:
        """The value, or None when the key is absent."""
        return self.entries.get(key.encode())

    def blob(self, key: str) -> bytes:
        """The value, or nothing when the key is absent."""
        return self.entries.get(key.encode(), b"")

    def text(self, key: str, limit: int, default: str = "") -> str:
        """At most `limit` bytes of UTF-8 up to the first NUL."""
        value = self.get(key)
        if value is None:
            return default
        text = value.partition(b"\0")[0][:limit].decode(errors="replace")
        return text.encode()[:limit].decode(
            errors="ignore"
        )  # what stands in for bad bytes is longer than they are

    def uint(self, key: str, default: int = 0) -> int:
        """A hexadecimal u64 read as C's strtoull reads it: prefix, sign and what follows are tolerated."""
        value = self.get(key)
        if not value:
            return default
        number = _signed(value)
        return _U64 if abs(number) > _U64 else number & _U64

    def sint(self, key: str, default: int = 0) -> int:
        """A hexadecimal i64, read as strtoll does."""
        value = self.get(key)
        return max(-(1 << 63), min(_signed(value), (1 << 63) - 1)) if value else default

    def boolean(self, key: str, default: bool = False) -> bool:
        """True when the value begins with 1, t or T."""
        value = self.get(key)
        return default if value is None else value[:1] in (b"1", b"t", b"T")


def _signed(value: bytes) -> int:
    match = _NUMBER.match(value)
    if match is None or not match[2]:
        return 0
    return -int(match[2], 16) if match[1] == b"-" else int(match[2], 16)


def encode(entries: Iterable[tuple[str, bytes]]) -> bytes:
    """Lines in the given order, joined by LF."""
    return b"\n".join(key.encode() + b"=" + escape(value) for key, value in entries)


def number(value: int) -> bytes:
    """A u64 as sixteen hex digits."""
    return b"%016x" % value


def address(value: int) -> bytes:
    """A ZeroTier address as ten hex digits."""
    return b"%010x" % value


def boolean(value: bool) -> bytes:
    """`1` or `0`."""
    return b"1" if value else b"0"
