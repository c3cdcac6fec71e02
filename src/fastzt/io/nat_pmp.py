"""NAT-PMP (RFC 6886): the router at the default gateway is asked to forward the UDP port."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
import sys
from pathlib import Path
from typing import Any

from .._core.endpoint import Endpoint

PORT = 5351
EXTERNAL_ADDRESS, MAP_UDP = 0, 1
ANSWER = 128  # added to the operation
LIFETIME = 7200  # seconds; section 3.3 recommends it
FIRST_WAIT, TRIES = 0.25, 5  # section 3.1 doubles nine times; a router that is there answers the first
ROUTES = Path("/proc/net/route")
UP_GATEWAY = 0x3  # RTF_UP, RTF_GATEWAY

_OUTSIDE = struct.Struct("!BBHI4s")
_MAPPED = struct.Struct("!BBHIHHI")
_ASKED = struct.Struct("!BBHHHI")


class Refused(Exception):
    """The router does not do it, or there is none."""


def gateway() -> str:
    """The IPv4 default gateway; raises Refused where there is none, or the system does not tell."""
    if sys.platform != "linux":
        raise Refused("the default gateway is not known on this system")
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in ROUTES.read_text().splitlines()[1:]:
            fields = line.split()
            if int(fields[1], 16) == 0 and int(fields[3], 16) & UP_GATEWAY == UP_GATEWAY:
                return str(ipaddress.IPv4Address(int(fields[2], 16).to_bytes(4, sys.byteorder)))
    raise Refused("there is no default gateway")


def ask(request: bytes, answer: struct.Struct, port: int = PORT) -> tuple[Any, ...]:
    """The fields of the gateway's answer; raises Refused."""
    router = gateway()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect((router, port))  # answers of others are not heard
            for step in range(TRIES):
                sock.send(request)
                sock.settimeout(FIRST_WAIT * 2**step)
                with contextlib.suppress(TimeoutError):
                    return fields(sock.recv(64), request[1], answer)
    except OSError as error:
        raise Refused(f"{router}: {error.strerror or error}") from None
    raise Refused(f"{router} does not answer")


def fields(data: bytes, operation: int, answer: struct.Struct) -> tuple[Any, ...]:
    """The fields of an answer; raises Refused when it is none, or a refusal (section 3.5)."""
    if len(data) < 4 or data[0] != 0 or data[1] != ANSWER + operation:
        raise Refused("the router's answer is none of NAT-PMP")
    result = int.from_bytes(data[2:4], "big")
    if result:
        raise Refused(f"the router refuses: result {result}")
    if len(data) < answer.size:
        raise Refused("the router's answer is too short")
    return answer.unpack_from(data)


def map_port(port: int, wanted: int, at: int = PORT) -> Endpoint:
    """Have UDP `port` forwarded, from the outside port `wanted` if that is free; where others reach it."""
    *_, outside = ask(bytes((0, EXTERNAL_ADDRESS)), _OUTSIDE, at)
    asked = _ASKED.pack(0, MAP_UDP, 0, port, wanted, LIFETIME)
    *_, inner, mapped, lifetime = ask(asked, _MAPPED, at)
    if inner != port or mapped == 0 or lifetime == 0 or outside == bytes(4):
        raise Refused("the router maps nothing")
    return Endpoint(outside, mapped)


def unmap(port: int, at: int = PORT) -> None:
    """Give the mapping back (section 3.4); raises Refused."""
    ask(_ASKED.pack(0, MAP_UDP, 0, port, 0, 0), _MAPPED, at)
