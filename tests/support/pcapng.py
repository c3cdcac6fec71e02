"""A reader of pcapng files that knows nothing of the writer's code (draft-ietf-opsawg-pcapng)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Captured:
    """One packet and the name of its interface."""

    interface: str
    us: int
    data: bytes
    outbound: bool
    comment: str


@dataclass
class File:
    interfaces: list[str] = field(default_factory=list)
    packets: list[Captured] = field(default_factory=list)
    lost: dict[str, int] = field(default_factory=dict)

    def on(self, interface: str) -> list[Captured]:
        return [packet for packet in self.packets if packet.interface == interface]


def options(data: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while at < len(data):
        code, length = struct.unpack_from("<HH", data, at)
        if code == 0:
            assert length == 0
            return found
        found[code] = data[at + 4 : at + 4 + length]
        at += 4 + (length + 3) // 4 * 4
    return found


def read(path: Path) -> File:
    """Everything; an AssertionError for a file that is not well-formed."""
    data, found, at = path.read_bytes(), File(), 0
    while at < len(data):
        kind, total = struct.unpack_from("<II", data, at)
        assert total % 4 == 0
        assert struct.unpack_from("<I", data, at + total - 4)[0] == total
        body = data[at + 8 : at + total - 4]
        if at == 0:
            assert kind == 0x0A0D0D0A
            assert struct.unpack_from("<IHH", body) == (0x1A2B3C4D, 1, 0)
        elif kind == 1:
            link, _, snaplen = struct.unpack_from("<HHI", body)
            assert (link, snaplen) == (1, 65535)
            found.interfaces.append(options(body[8:])[2].decode())
        elif kind == 6:
            number, high, low, kept, length = struct.unpack_from("<IIIII", body)
            assert kept <= length
            more = options(body[20 + (kept + 3) // 4 * 4 :])
            flags = struct.unpack("<I", more[2])[0]
            comment = more.get(1, b"").decode()
            name, us = found.interfaces[number], high << 32 | low
            found.packets.append(Captured(name, us, body[20 : 20 + kept], flags & 3 == 2, comment))
        elif kind == 5:
            number = struct.unpack_from("<I", body)[0]
            found.lost[found.interfaces[number]] = struct.unpack("<Q", options(body[12:])[5])[0]
        at += total
    assert at == len(data)
    return found
