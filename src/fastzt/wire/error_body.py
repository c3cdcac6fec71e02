"""ERROR: code and what comes with it (PROTOCOL-VL1 5.2, PROTOCOL-VL2 2.6)."""

from __future__ import annotations

from dataclasses import dataclass

from .dictionary import Dictionary
from .reader import Reader
from .verbs import ErrorCode
from .writer import Writer

_WITH_NETWORK = frozenset(
    {
        ErrorCode.OBJECT_NOT_FOUND,
        ErrorCode.UNSUPPORTED_OPERATION,
        ErrorCode.NEED_MEMBERSHIP_CERTIFICATE,
        ErrorCode.NETWORK_ACCESS_DENIED,
        ErrorCode.UNWANTED_MULTICAST,
        ErrorCode.NETWORK_AUTHENTICATION_REQUIRED,
    }
)


@dataclass(frozen=True, slots=True)
class Authentication:
    """What ERROR 09 says about logging in; `version` 0 has `url`, version 1 the OpenID fields."""

    version: int = 0
    url: str = ""
    issuer_url: str = ""
    central_endpoint_url: str = ""
    nonce: str = ""
    state: str = ""
    client_id: str = ""
    provider: str = "default"

    @property
    def place(self) -> str:
        """Where a person logs in, as far as it is said: the URL, else that of the central or the issuer."""
        return self.url or self.central_endpoint_url or self.issuer_url

    @classmethod
    def parse(cls, data: bytes) -> Authentication:
        """From the dictionary; what is missing is empty."""
        d = Dictionary.parse(data)
        return cls(
            d.uint("aV"),
            d.text("aU", 2047),
            d.text("iU", 2047),
            d.text("aCU", 2047),
            d.text("aN", 63),
            d.text("aS", 127),
            d.text("aCID", 255),
            d.text("aSSOp", 63, "default"),
        )


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """`code`, the network where the code names one, group (mac, adi) of code 08, dictionary of code 09."""

    code: int
    nwid: int | None = None
    mac: int = 0
    adi: int = 0
    details: bytes = b""

    @classmethod
    def parse(cls, body: bytes) -> ErrorBody:
        """From what follows the in-re head; raises Malformed. A dictionary that is cut counts as absent."""
        reader = Reader(body)
        code = reader.u8()
        if code not in _WITH_NETWORK:
            return cls(code)
        nwid = reader.u64() if reader.remaining else None
        if code == ErrorCode.UNWANTED_MULTICAST:
            return cls(code, nwid, reader.mac(), reader.u32())
        if code == ErrorCode.NETWORK_AUTHENTICATION_REQUIRED and reader.remaining > 2:
            size = reader.u16()
            return cls(code, nwid, details=reader.take(size) if size <= reader.remaining else b"")
        return cls(code, nwid)

    @property
    def authentication(self) -> Authentication:
        """The dictionary of code 09, read."""
        return Authentication.parse(self.details)

    def to_bytes(self) -> bytes:
        """The body behind the in-re head."""
        out = Writer().u8(self.code)
        if self.nwid is not None:
            out.u64(self.nwid)
        if self.code == ErrorCode.UNWANTED_MULTICAST:
            out.mac(self.mac).u32(self.adi)
        if self.details:
            out.sized(self.details)
        return out.to_bytes()
