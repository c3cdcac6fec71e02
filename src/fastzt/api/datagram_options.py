"""Options of UDP sockets by the numbers of the `socket` module."""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from typing import TYPE_CHECKING, Any

from .._core.endpoint import V4_PREFIX
from ..netstack.ip_packet import HOP_LIMIT
from .options import ACCEPTED, unknown

if TYPE_CHECKING:
    from ..netstack.udp import UdpEndpoint

MIN_BUFFER = 2048
MAX_BUFFER = 64 << 20
# (level, option) -> attribute of the endpoint; those that a system does not define are left out.
_NAMES = {
    ("SOL_SOCKET", "SO_BROADCAST"): "broadcast",
    ("IPPROTO_IP", "IP_TTL"): "hops",
    ("IPPROTO_IPV6", "IPV6_UNICAST_HOPS"): "hops",
    ("IPPROTO_IP", "IP_MULTICAST_LOOP"): "loops",
    ("IPPROTO_IP", "IP_MULTICAST_TTL"): "multicast_hops",
    ("IPPROTO_IPV6", "IPV6_MULTICAST_LOOP"): "loops",
    ("IPPROTO_IPV6", "IPV6_MULTICAST_HOPS"): "multicast_hops",
    ("SOL_SOCKET", "SO_RCVBUF"): "receive_buffer",
    ("SOL_SOCKET", "SO_SNDBUF"): "send_buffer",
    ("IPPROTO_IP", "IP_ADD_MEMBERSHIP"): "join",
    ("IPPROTO_IP", "IP_DROP_MEMBERSHIP"): "leave",
    ("IPPROTO_IPV6", "IPV6_JOIN_GROUP"): "join",
    ("IPPROTO_IPV6", "IPV6_LEAVE_GROUP"): "leave",
}
OPTIONS = {
    (getattr(socket, level), getattr(socket, option)): name
    for (level, option), name in _NAMES.items()
    if hasattr(socket, option)
}
BUFFERS = ("receive_buffer", "send_buffer")
BOOLEAN = ("broadcast", "loops")
LIMITS = {"hops": 1, "multicast_hops": 0}
MEMBERSHIP = ("join", "leave")


def set_option(endpoint: UdpEndpoint, level: int, option: int, value: Any, now: int) -> None:
    """Set an option from an int or its packed form; raises OSError (ENOPROTOOPT, EINVAL)."""
    name = OPTIONS.get((level, option))
    if (level, option) in ACCEPTED:
        return
    if name is None:
        raise unknown()
    if name in MEMBERSHIP:
        group = group_of(value, level == socket.IPPROTO_IP)
        (endpoint.join if name == "join" else endpoint.leave)(group, now)
        return
    number = (
        int.from_bytes(value, sys.byteorder, signed=True)
        if isinstance(value, (bytes, bytearray))
        else int(value)
    )
    if name in BUFFERS:
        number = max(MIN_BUFFER, min(number, MAX_BUFFER))
    elif name == "hops" and number == -1:
        number = HOP_LIMIT  # the default again
    elif name in LIMITS and not LIMITS[name] <= number <= 255:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    setattr(endpoint, name, bool(number) if name in BOOLEAN else number)


def group_of(request: Any, is_v4: bool) -> bytes:
    """The 16-byte group of an ip_mreq, ip_mreqn or ipv6_mreq; the interface is always this network."""
    data = bytes(request) if isinstance(request, (bytes, bytearray)) else b""
    if len(data) < (8 if is_v4 else 20):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return V4_PREFIX + data[:4] if is_v4 else data[:16]


def get_option(endpoint: UdpEndpoint, level: int, option: int, length: int = 0) -> int | bytes:
    """An option's value, in `length` bytes when that is not 0; raises OSError (ENOPROTOOPT).

    SO_ERROR is the socket's error, once.
    """
    value = value_of(endpoint, level, option)
    return struct.pack("i", value)[:length] if length else value


def value_of(endpoint: UdpEndpoint, level: int, option: int) -> int:
    """An option's value."""
    if (level, option) == (socket.SOL_SOCKET, socket.SO_TYPE):
        return int(socket.SOCK_DGRAM)
    if (level, option) == (socket.SOL_SOCKET, socket.SO_ERROR):
        return endpoint.take_error()
    if (level, option) in ACCEPTED:
        return 1
    name = OPTIONS.get((level, option))
    if name is None or name in MEMBERSHIP:
        raise unknown()
    return int(getattr(endpoint, name))
