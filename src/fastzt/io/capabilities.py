"""What the system's UDP sockets can do: segmentation offload both ways, buffers, the route's MTU."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
from dataclasses import dataclass

from .._core.endpoint import Endpoint
from .._core.kernels.udp import SO_RXQ_OVFL, SOL_UDP, UDP_GRO, UDP_SEGMENT

# Linux, include/uapi/asm-generic/socket.h and linux/in.h, in6.h; not all of them are in the standard library.
SO_RCVBUFFORCE = 33
SO_SNDBUFFORCE = 32
IP_MTU = 14
IPV6_MTU = 24

IPV4_OVERHEAD = 28  # IPv4 and UDP headers
IPV6_OVERHEAD = 48
PROBED_SEGMENT = 1500

# How a send fails when its destination cannot be reached now.
UNREACHABLE = frozenset(
    number
    for name in (
        "EACCES",
        "EADDRNOTAVAIL",
        "EAFNOSUPPORT",
        "ECONNREFUSED",
        "ECONNRESET",
        "EHOSTDOWN",
        "EHOSTUNREACH",
        "ENETDOWN",
        "ENETUNREACH",
        "ENONET",
        "EPERM",
        "EPROTO",
    )
    if (number := getattr(errno, name, None)) is not None
)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`segment`: one send carries many datagrams (UDP_SEGMENT); `coalesce`: so does one receive (UDP_GRO).

    `receive_buffer`, `send_buffer`: bytes as the system counts them, of the smallest socket.
    """

    segment: bool
    coalesce: bool
    receive_buffer: int
    send_buffer: int


def can_segment(sock: socket.socket) -> bool:
    """Whether the system takes UDP_SEGMENT (Linux 4.18); FASTZT_UDP_OFFLOAD=0 says no."""
    if not offload_wanted():
        return False
    try:
        sock.setsockopt(SOL_UDP, UDP_SEGMENT, PROBED_SEGMENT)
        sock.setsockopt(SOL_UDP, UDP_SEGMENT, 0)  # asked for with each send, never for the socket
    except OSError:
        return False
    return True


def enable_coalescing(sock: socket.socket) -> bool:
    """Turn on UDP_GRO (Linux 5.0); False where there is none or FASTZT_UDP_OFFLOAD=0."""
    if not offload_wanted():
        return False
    try:
        sock.setsockopt(SOL_UDP, UDP_GRO, 1)
    except OSError:
        return False
    return True


def offload_wanted() -> bool:
    """Whether to look for offloads at all: on Linux unless FASTZT_UDP_OFFLOAD=0."""
    return sys.platform == "linux" and os.environ.get("FASTZT_UDP_OFFLOAD", "1") != "0"


def enable_overflow_count(sock: socket.socket) -> None:
    """Let the kernel tell with each message how many it has dropped for want of buffer (Linux)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)


def raise_buffers(
    sock: socket.socket, receive: int, send: int, receive_limit: int | None = None
) -> tuple[int, int]:
    """Ask for buffers of that many bytes; what the system gave, as it counts (Linux: double).

    `receive_limit`: no more than that for receiving, as it counts.
    """
    _raise(sock, socket.SO_RCVBUF, SO_RCVBUFFORCE, receive)
    _raise(sock, socket.SO_SNDBUF, SO_SNDBUFFORCE, send)
    if receive_limit is not None:
        _limit(sock, socket.SO_RCVBUF, receive_limit)
    return _buffer(sock, socket.SO_RCVBUF), _buffer(sock, socket.SO_SNDBUF)


def _limit(sock: socket.socket, option: int, most: int) -> None:
    if _buffer(sock, option) > most:
        doubles = sys.platform == "linux"  # socket(7): the kernel doubles what it is told
        sock.setsockopt(socket.SOL_SOCKET, option, most // 2 if doubles else most)


def _raise(sock: socket.socket, option: int, forced: int, wanted: int) -> None:
    if _buffer(sock, option) >= wanted:
        return
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, option, wanted)
    if sys.platform == "linux" and _buffer(sock, option) < wanted:
        with contextlib.suppress(OSError):  # only CAP_NET_ADMIN may go beyond net.core.rmem_max
            sock.setsockopt(socket.SOL_SOCKET, forced, wanted)


def _buffer(sock: socket.socket, option: int) -> int:
    return sock.getsockopt(socket.SOL_SOCKET, option)


def route_payload(endpoint: Endpoint) -> int:
    """The largest UDP payload that leaves unfragmented to an endpoint, or 0 when the system does not tell.

    The route's MTU as the kernel knows it now, path MTU discovery included; no packet is sent.
    """
    if sys.platform != "linux":
        return 0
    family = socket.AF_INET if endpoint.is_v4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((str(endpoint.address), endpoint.port or 9))
            if endpoint.is_v4:
                return sock.getsockopt(socket.IPPROTO_IP, IP_MTU) - IPV4_OVERHEAD
            return sock.getsockopt(socket.IPPROTO_IPV6, IPV6_MTU) - IPV6_OVERHEAD
    except OSError:
        return 0


def source_address(family: int) -> Endpoint | None:
    """The address that the default route leaves from, port 0; no packet is sent. None: no route."""
    target = "192.0.2.1" if family == socket.AF_INET else "2001:db8::1"  # RFC 5737, RFC 3849
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((target, 9))
            return Endpoint.parse(sock.getsockname()[0], 0)
    except (OSError, ValueError):
        return None
