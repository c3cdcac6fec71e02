"""Endpoint: a physical UDP address, IPv4 mapped into 16 bytes so that one type serves both families."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

V4_PREFIX = bytes(10) + b"\xff\xff"


class Endpoint:
    """An immutable (16-byte IP, port); `is_v4` tells an IPv4 address mapped by RFC 4291 2.5.5.2."""

    if not cython.compiled:
        __slots__ = ("_hash", "ip", "is_v4", "port")

    def __init__(self, ip: bytes, port: int) -> None:
        if len(ip) == 4:
            ip = V4_PREFIX + ip
        if len(ip) != 16 or not 0 <= port <= 65535:
            raise ValueError("an endpoint takes a 4- or 16-byte address and a 16-bit port")
        self.ip = ip
        self.port = port
        self.is_v4 = ip.startswith(V4_PREFIX)
        self._hash = hash((ip, port))

    @classmethod
    def parse(cls, host: str, port: int) -> Endpoint:
        """From an IP in text; raises ValueError."""
        return cls(ipaddress.ip_address(host.partition("%")[0]).packed, port)

    @property
    def address(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
        """The IP as the standard library's object."""
        return ipaddress.ip_address(self.packed)

    @property
    def packed(self) -> bytes:
        """The IP in 4 or 16 bytes."""
        return self.ip[12:] if self.is_v4 else self.ip

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Endpoint) and self.port == other.port and self.ip == other.ip

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        return f"{self.address}/{self.port}"

    def __repr__(self) -> str:
        return f"Endpoint({self})"


class LocalSocket(NamedTuple):
    """One UDP socket of the driver: its number and the endpoint it is bound to (an IP of zeros: any).

    `tunnel`: it is none, but leads through a TCP relay.
    """

    number: int
    endpoint: Endpoint
    tunnel: bool = False
