"""InetAddress: an IP and a port, or in VL2 an IP and a prefix length (PROTOCOL-VL1 8, PROTOCOL-VL2 0)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import IntEnum
from itertools import starmap
from operator import xor

from .._core.endpoint import V4_PREFIX, Endpoint
from .reader import Malformed, Reader

_SKIPPED = {1: 6, 2: 6}  # Ethernet and Bluetooth addresses: nothing to do with them


class Scope(IntEnum):
    """Where an IP is reachable from, in ascending order of preference (PROTOCOL-VL1 7.2)."""

    NONE = 0
    MULTICAST = 1
    LOOPBACK = 2
    PSEUDO_PRIVATE = 3
    GLOBAL = 4
    LINK_LOCAL = 5
    SHARED = 6
    PRIVATE = 7


def _v4(scope: Scope, *networks: str) -> list[tuple[int, int, Scope]]:
    nets = map(ipaddress.IPv4Network, networks)
    return [(int(net.network_address), int(net.netmask), scope) for net in nets]


_PSEUDO_PRIVATE = (6, 11, 21, 22, 25, 26, 28, 29, 30, 51, 55, 56, *range(240, 255))
_V4_SCOPES = [
    *_v4(Scope.NONE, "0.0.0.0/8", "255.0.0.0/8"),
    *_v4(Scope.PRIVATE, "10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "192.0.2.0/24"),
    *_v4(Scope.PRIVATE, "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
    *_v4(Scope.LOOPBACK, "127.0.0.0/8"),
    *_v4(Scope.LINK_LOCAL, "169.254.0.0/16"),
    *_v4(Scope.MULTICAST, "224.0.0.0/4"),
    *_v4(Scope.PSEUDO_PRIVATE, *(f"{first}.0.0.0/8" for first in _PSEUDO_PRIVATE)),
]


def scope_of(ip: bytes) -> Scope:
    """The scope of a packed IP of 4 bytes or of 16 that is not a mapped IPv4; any other length has none."""
    if len(ip) == 4:
        value = int.from_bytes(ip, "big")
        return next((scope for base, mask, scope in _V4_SCOPES if value & mask == base), Scope.GLOBAL)
    return _scope6(ip) if len(ip) == 16 else Scope.NONE


def _scope6(ip: bytes) -> Scope:
    if ip[0] == 0xFF:
        return Scope.MULTICAST
    if ip[0] == 0xFE and ip[1] & 0xC0 == 0x80:
        return Scope.LOOPBACK if ip[2:] == bytes(13) + b"\1" else Scope.LINK_LOCAL
    if ip[0] & 0xFE == 0xFC:
        return Scope.PRIVATE
    if ip == bytes(15) + b"\1" or ip[:13] == V4_PREFIX + b"\x7f":
        return Scope.LOOPBACK
    return Scope.NONE if ip == bytes(16) else Scope.GLOBAL


@dataclass(frozen=True, slots=True)
class InetAddress:
    """`ip` of 4, 16 or 0 bytes (nil) with `port`, which VL2 uses as prefix length (`bits`).

    An IPv6 address stays as it came, even one that maps IPv4, so that what is signed re-encodes alike.
    """

    ip: bytes = b""
    port: int = 0

    def __post_init__(self) -> None:
        if len(self.ip) not in (0, 4, 16) or not 0 <= self.port <= 65535:
            raise ValueError("an InetAddress takes an IP of 0, 4 or 16 bytes and a 16-bit port")

    @classmethod
    def read(cls, reader: Reader) -> InetAddress:
        """Take one off a reader; types 1 to 3 are skipped and give nil. Malformed for others."""
        kind = reader.u8()
        if kind == 4:
            return cls(reader.take(4), reader.u16())
        if kind == 6:
            return cls(reader.take(16), reader.u16())
        if kind in _SKIPPED:
            reader.skip(_SKIPPED[kind])
        elif kind == 3:
            reader.skip(reader.u16())
        elif kind != 0:
            raise Malformed(f"unknown address type {kind}", reader.offset - 1)
        return NIL

    @classmethod
    def parse(cls, data: bytes) -> InetAddress:
        """From exactly one serialized address; raises Malformed."""
        reader = Reader(data)
        address = cls.read(reader)
        reader.finish()
        return address

    @classmethod
    def from_text(cls, text: str) -> InetAddress:
        """From "ip", "ip/port" or "ip/bits"; raises ValueError, also where the port is no 16-bit number."""
        host, slash, port = text.partition("/")
        if slash and not (port.isascii() and port.isdigit() and len(port) <= 5):
            raise ValueError(f"{text!r} is not an address: what follows the slash is not a number")
        return cls(ipaddress.ip_address(host.partition("%")[0]).packed, int(port or 0))

    @classmethod
    def of(cls, endpoint: Endpoint | None) -> InetAddress:
        """From an endpoint, or nil."""
        return NIL if endpoint is None else cls(endpoint.packed, endpoint.port)

    def to_bytes(self) -> bytes:
        """1, 7 or 19 bytes."""
        if not self.ip:
            return b"\0"
        return (b"\4" if len(self.ip) == 4 else b"\6") + self.ip + self.port.to_bytes(2, "big")

    @property
    def bits(self) -> int:
        """The port read as a prefix length."""
        return self.port

    @property
    def ip16(self) -> bytes:
        """The IP in 16 bytes, IPv4 mapped; empty for nil."""
        return V4_PREFIX + self.ip if len(self.ip) == 4 else self.ip

    @property
    def endpoint(self) -> Endpoint | None:
        """As an endpoint; None for nil."""
        return Endpoint(self.ip, self.port) if self.ip else None

    @property
    def scope(self) -> Scope:
        """Where it is reachable from."""
        return scope_of(self.ip)

    @property
    def network(self) -> InetAddress:
        """The address with all bits behind the prefix cleared; ValueError when `port` is no prefix length."""
        size = self._size()
        value = int.from_bytes(self.ip, "big") >> size - self.port << size - self.port
        return InetAddress(value.to_bytes(size // 8, "big"), self.port)

    @property
    def netmask(self) -> bytes:
        """The mask of the prefix, as long as the IP; ValueError when `port` is no prefix length."""
        size = self._size()
        return ((1 << size) - (1 << size - self.port)).to_bytes(size // 8, "big")

    @property
    def broadcast(self) -> bytes:
        """The IPv4 address with all bits behind the prefix set; ValueError for anything else."""
        size = self._size()
        if size != 32:
            raise ValueError("only an IPv4 network has a broadcast address")
        return (int.from_bytes(self.ip, "big") | (1 << 32 - self.port) - 1).to_bytes(4, "big")

    @property
    def is_network(self) -> bool:
        """Whether there are bits behind the prefix and none is set."""
        return 0 < self.port < len(self.ip) * 8 and self.network == self

    def contains(self, other: InetAddress) -> bool:
        """Whether `other` lies in this prefix; families never mix."""
        return len(self.ip) == len(other.ip) and matching_bits(self.ip, other.ip) >= self._size_bits()

    def _size(self) -> int:
        size = len(self.ip) * 8
        if not size or self.port > size:
            raise ValueError(f"{self} is no network")
        return size

    def _size_bits(self) -> int:
        self._size()
        return self.port

    def __str__(self) -> str:
        return f"{ipaddress.ip_address(self.ip)}/{self.port}" if self.ip else "nil"


def matching_bits(a: bytes, b: bytes) -> int:
    """How many leading bits two IPs of one family share; 0 between families."""
    if len(a) != len(b) or not a:
        return 0
    differ = int.from_bytes(bytes(starmap(xor, zip(a, b, strict=True))), "big")
    return len(a) * 8 - differ.bit_length()


NIL = InetAddress()
