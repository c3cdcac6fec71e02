"""NETWORK_CONFIG_REQUEST: a member asks its controller, and says what it can do (PROTOCOL-VL2 2.2)."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

from . import dictionary
from .dictionary import Dictionary
from .hello import PROTOCOL_VERSION, VERSION
from .reader import Reader
from .writer import Writer

MAX_METADATA = 1023  # what the reference controller reads


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a member tells its controller; `token` is a pre-authorization without its `token:` prefix."""

    version: int = 7
    vendor: int = 1
    protocol: int = PROTOCOL_VERSION
    major: int = VERSION[0]
    minor: int = VERSION[1]
    revision: int = VERSION[2]
    max_rules: int = 1024
    max_capabilities: int = 128
    max_capability_rules: int = 64
    max_tags: int = 128
    flags: int = 0
    rules_engine: int = 1
    platform: str = ""
    token: str = ""

    @classmethod
    def parse(cls, data: bytes) -> Metadata:
        """From the dictionary; numbers that are missing read as 0."""
        d = Dictionary.parse(data)
        credential = d.text("a", MAX_METADATA)
        token = credential.removeprefix("token:") if credential.startswith("token:") else ""
        return cls(
            version=d.uint("v"),
            vendor=d.uint("vend"),
            protocol=d.uint("pv"),
            major=d.uint("majv"),
            minor=d.uint("minv"),
            revision=d.uint("revv"),
            max_rules=d.uint("mr"),
            max_capabilities=d.uint("mc"),
            max_capability_rules=d.uint("mcr"),
            max_tags=d.uint("mt"),
            flags=d.uint("f"),
            rules_engine=d.uint("revr"),
            platform=d.text("o", MAX_METADATA),
            token=token,
        )

    def to_bytes(self) -> bytes:
        """The dictionary; ValueError when it is longer than controllers read."""
        entries = [(key, dictionary.number(getattr(self, name))) for key, name in _KEYS.items()]
        entries.append(("o", self.platform.encode()))
        if self.token:
            entries.append(("a", b"token:" + self.token.encode()))
        data = dictionary.encode(entries)
        if len(data) > MAX_METADATA:
            raise ValueError(f"metadata of {len(data)} bytes: the token is too long")
        return data


_KEYS = {
    "v": "version",
    "vend": "vendor",
    "pv": "protocol",
    "majv": "major",
    "minv": "minor",
    "revv": "revision",
    "mr": "max_rules",
    "mc": "max_capabilities",
    "mcr": "max_capability_rules",
    "mt": "max_tags",
    "f": "flags",
    "revr": "rules_engine",
}


def platform_text() -> str:
    """This machine as the reference names it, as in linux/x86_64."""
    return f"{sys.platform}/{platform.machine().lower() or 'unknown'}"


@dataclass(frozen=True, slots=True)
class ConfigRequest:
    """Asks for a config; `revision` and `timestamp` are those of the config held, 0 without one."""

    nwid: int
    metadata: bytes
    revision: int = 0
    timestamp: int = 0

    @classmethod
    def parse(cls, payload: bytes) -> ConfigRequest:
        """Raises Malformed; the last two fields may be missing."""
        reader = Reader(payload)
        nwid, metadata = reader.u64(), reader.take(reader.u16())
        held = (reader.u64(), reader.u64()) if reader.remaining >= 16 else (0, 0)
        return cls(nwid, metadata, *held)

    def to_bytes(self) -> bytes:
        """The payload."""
        out = Writer().u64(self.nwid).sized(self.metadata)
        return out.u64(self.revision).u64(self.timestamp).to_bytes()
