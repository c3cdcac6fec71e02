"""What signed credentials share: the frame of the signed bytes and the signature field (PROTOCOL-VL2 4.7)."""

from __future__ import annotations

from typing import Protocol

from .reader import Malformed, Reader

SIGNATURE_SIZE = 96
ED25519 = 1
_MARK = b"\x7f" * 8


class Signed(Protocol):
    """A credential with one signer, who has to be the controller of its network."""

    @property
    def nwid(self) -> int: ...
    @property
    def signer(self) -> int: ...
    @property
    def signature(self) -> bytes: ...
    @property
    def signed_bytes(self) -> bytes: ...


def framed(body: bytes) -> bytes:
    """The signed bytes of everything but a COM: marks around the body and a zero u16."""
    return _MARK + body + b"\0\0" + _MARK


def read_signature(reader: Reader) -> bytes:
    """Type, length, signature: 96 bytes, or none when the type is unknown, which then verifies nowhere."""
    kind, size = reader.u8(), reader.u16()
    if kind != ED25519:
        reader.skip(size)
        return b""
    if size != SIGNATURE_SIZE:
        raise Malformed(f"a signature of {size} bytes", reader.offset - 2)
    return reader.take(SIGNATURE_SIZE)


def signature_field(signature: bytes) -> bytes:
    """The field as it is sent; a missing signature becomes zeros."""
    return b"\1\0\x60" + signature.ljust(SIGNATURE_SIZE, b"\0")


def skip_extra(reader: Reader) -> None:
    """Pass over the additional data at the end of a credential."""
    reader.skip(reader.u16())
