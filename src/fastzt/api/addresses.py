"""Text and `ipaddress` objects on the caller's side, 16-byte addresses and ints inside."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Any

from .._core.endpoint import V4_PREFIX
from ..errors import InputError
from ..wire.address import parse_network_id

Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# What looks like an address and is none is not looked up as a name.
NO_NAME = re.compile(r"[0-9.]*|.*[:/\s].*", re.S)
REMEMBERED = 1024  # addresses whose text and bytes are known: most programs speak with a few


def network_id(value: str | int) -> int:
    """A network id from 16 hex digits (or an int); raises InputError, also for zero."""
    nwid = parse_network_id(value.strip()) if isinstance(value, str) else value
    if isinstance(nwid, int) and not isinstance(nwid, bool) and 0 < nwid < 1 << 64:
        return nwid
    raise InputError(f"{value!r} is not a network id: 16 hexadecimal digits expected, not all zero")


@lru_cache(maxsize=REMEMBERED)
def ip16(host: str) -> bytes:
    """A literal IP address as 16 bytes, IPv4 mapped; raises InputError."""
    try:
        packed = ipaddress.ip_address(host).packed
    except ValueError:
        raise InputError(f"not an IP address: {host!r}") from None
    return packed if len(packed) == 16 else V4_PREFIX + packed


def is_v4(ip: bytes) -> bool:
    """Whether 16 bytes are an IPv4 address, mapped."""
    return ip.startswith(V4_PREFIX)


@lru_cache(maxsize=REMEMBERED)
def host_text(ip: bytes) -> str:
    """An address of 16 bytes as text."""
    return str(ipaddress.ip_address(ip[12:] if is_v4(ip) else ip))


def address(ip: bytes) -> Address:
    """An address of 16 bytes as the standard library's object."""
    return ipaddress.ip_address(host_text(ip))


def interface(ip: bytes, prefix: int) -> Interface:
    """An address and its prefix length as the standard library's object."""
    return ipaddress.ip_interface(f"{host_text(ip)}/{prefix}")


def socket_address(ip: bytes, port: int) -> tuple[Any, ...]:
    """What `socket.getpeername` gives: (host, port), or (host, port, 0, 0) for IPv6."""
    return (host_text(ip), port) if is_v4(ip) else (host_text(ip), port, 0, 0)


def check_port(port: object, lowest: int = 1) -> int:
    """A TCP port; raises InputError."""
    if isinstance(port, int) and not isinstance(port, bool) and lowest <= port <= 65535:
        return port
    raise InputError(f"not a port ({lowest} to 65535): {port!r}")


def literal(host: str) -> bytes | None:
    """The address that `host` is, None for what may be a name; raises InputError for what is neither."""
    try:
        return ip16(host)
    except InputError:
        if NO_NAME.fullmatch(host):
            raise
        return None


def pair(address: tuple[Any, ...]) -> tuple[str, int]:
    """Host and port of an address pair; raises InputError for what is neither an IP address nor a name."""
    if not isinstance(address, tuple) or len(address) < 2 or not isinstance(address[0], str):
        raise InputError(f"not an address (host, port): {address!r}")
    host, port = address[0], check_port(address[1])
    literal(host)
    return host, port
