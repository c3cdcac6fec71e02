"""IP packets with TCP made and taken apart by hand, independent of the code under test."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from typing import Any

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
MAPPED = bytes(10) + b"\xff\xff"


def v4(text: str) -> bytes:
    """A dotted address in 16 bytes."""
    return MAPPED + bytes(int(part) for part in text.split("."))


def internet_sum(data: bytes) -> int:
    """The one's complement of the one's complement sum."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF ^ total


@dataclass(frozen=True)
class Tcp:
    """A TCP segment between two 16-byte addresses; options as {kind: body}."""

    source: bytes
    destination: bytes
    source_port: int
    destination_port: int
    seq: int = 0
    ack: int = 0
    flags: int = 0
    window: int = 0
    options: dict[int, bytes] = field(default_factory=dict)
    payload: bytes = b""

    def but(self, **changes: Any) -> Tcp:
        """A copy with some fields changed."""
        return replace(self, **changes)

    @property
    def mss(self) -> int:
        return int.from_bytes(self.options[2], "big")

    @property
    def timestamps(self) -> tuple[int, int]:
        value, echo = struct.unpack(">II", self.options[8])
        return value, echo

    @property
    def sack(self) -> list[tuple[int, int]]:
        blocks = self.options.get(5, b"")
        return [struct.unpack_from(">II", blocks, i) for i in range(0, len(blocks), 8)]  # type: ignore[misc]

    def packet(self) -> bytes:
        """The IP packet."""
        options = b"".join(
            b"\x01" * (-(len(body) + 2) % 4) + bytes((kind, len(body) + 2)) + body
            for kind, body in self.options.items()
        )
        head = struct.pack(
            ">HHIIBBHHH",
            self.source_port,
            self.destination_port,
            self.seq % 2**32,
            self.ack % 2**32,
            (20 + len(options)) << 2,
            self.flags,
            self.window,
            0,
            0,
        )
        body = head + options + self.payload
        pseudo = self.source + self.destination + struct.pack(">II", len(body), 6)
        body = body[:16] + internet_sum(pseudo + body).to_bytes(2, "big") + body[18:]
        return ip_packet(self.source, self.destination, 6, body)


def ip_packet(source: bytes, destination: bytes, protocol: int, body: bytes) -> bytes:
    """An IPv4 packet for mapped addresses, else an IPv6 packet."""
    if not source.startswith(MAPPED):
        return struct.pack(">IHBB", 6 << 28, len(body), protocol, 64) + source + destination + body
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0x4000, 64, protocol, 0)
    head += source[12:] + destination[12:]
    return head[:10] + internet_sum(head).to_bytes(2, "big") + head[12:] + body


def parse(packet: bytes) -> Tcp:
    """The TCP segment in an IP packet; asserts that both checksums are right."""
    if packet[0] >> 4 == 4:
        assert internet_sum(packet[:20]) == 0
        assert int.from_bytes(packet[2:4], "big") == len(packet)
        source, destination = MAPPED + packet[12:16], MAPPED + packet[16:20]
        protocol, body = packet[9], packet[20:]
    else:
        source, destination = packet[8:24], packet[24:40]
        protocol, body = packet[6], packet[40:]
        assert int.from_bytes(packet[4:6], "big") == len(body)
    assert protocol == 6
    assert internet_sum(source + destination + struct.pack(">II", len(body), 6) + body) == 0
    ports = struct.unpack_from(">HHIIBBH", body)
    size = (ports[4] >> 4) * 4
    return Tcp(
        source,
        destination,
        ports[0],
        ports[1],
        ports[2],
        ports[3],
        ports[5],
        ports[6],
        split(body[20:size]),
        body[size:],
    )


def split(options: bytes) -> dict[int, bytes]:
    """The options by kind."""
    found = {}
    at = 0
    while at < len(options) and options[at] != 0:
        if options[at] == 1:
            at += 1
            continue
        length = options[at + 1]
        found[options[at]] = options[at + 2 : at + length]
        at += length
    return found
