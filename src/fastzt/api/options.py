"""Socket options by the numbers of the `socket` module, as the connection names them."""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..netstack.tcp.connection import Connection

# (level, option) -> name and kind of value in netstack; those that a system does not define are left out.
_NAMES = {
    ("SOL_SOCKET", "SO_KEEPALIVE"): "keepalive",
    ("SOL_SOCKET", "SO_RCVBUF"): "receive_buffer",
    ("SOL_SOCKET", "SO_SNDBUF"): "send_buffer",
    ("IPPROTO_TCP", "TCP_CONGESTION"): "congestion",
    ("IPPROTO_TCP", "TCP_NODELAY"): "nodelay",
    ("IPPROTO_TCP", "TCP_KEEPIDLE"): "keepalive_idle",
    ("IPPROTO_TCP", "TCP_KEEPINTVL"): "keepalive_interval",
    ("IPPROTO_TCP", "TCP_KEEPCNT"): "keepalive_probes",
    ("IPPROTO_TCP", "TCP_MAXSEG"): "mss",
}
OPTIONS = {
    (getattr(socket, level), getattr(socket, option)): name
    for (level, option), name in _NAMES.items()
    if hasattr(socket, option)
}
SECONDS = {"keepalive_idle", "keepalive_interval"}
BOOLEAN = {"keepalive", "nodelay"}
READ_ONLY = {"mss"}
NAME_LENGTH = 16  # TCP_CA_NAME_MAX
# Without effect on a connection: addresses are always reusable here, the others count for `bind`, `accept`.
_ACCEPTED = (("SOL_SOCKET", "SO_REUSEADDR"), ("SOL_SOCKET", "SO_REUSEPORT"), ("IPPROTO_IPV6", "IPV6_V6ONLY"))
ACCEPTED = {
    (getattr(socket, level), getattr(socket, option))
    for level, option in _ACCEPTED
    if hasattr(socket, option)
}
CONSTANT = {(socket.SOL_SOCKET, socket.SO_TYPE): int(socket.SOCK_STREAM)}


def unknown() -> OSError:
    """The error for an option that does not exist."""
    return OSError(errno.ENOPROTOOPT, os.strerror(errno.ENOPROTOOPT))


def check(level: int, option: int) -> None:
    """Raise OSError (ENOPROTOOPT) for an option that cannot be set."""
    name = OPTIONS.get((level, option))
    if (level, option) not in ACCEPTED and (name is None or name in READ_ONLY):
        raise unknown()


def set_option(connection: Connection, level: int, option: int, value: Any, now: int) -> None:
    """Set an option from an int or its packed form; raises OSError (ENOPROTOOPT)."""
    name = OPTIONS.get((level, option))
    if (level, option) in ACCEPTED:
        return
    if name is None or name in READ_ONLY:
        raise unknown()
    if name == "congestion":
        set_congestion(connection, value, now)
        return
    number = struct.unpack("i", value)[0] if isinstance(value, (bytes, bytearray)) else int(value)
    if name in BOOLEAN:
        number = int(bool(number))
    elif name in SECONDS:
        number *= 1_000_000
    connection.set_option(name, number, now)


def set_congestion(connection: Connection, value: Any, now: int) -> None:
    """Set TCP_CONGESTION by a name in bytes; raises OSError (ENOENT) for one that does not exist."""
    try:
        connection.set_option("congestion", bytes(value).rstrip(b"\0").decode("ascii"), now)
    except ValueError as error:
        raise OSError(errno.ENOENT, str(error)) from None


def get_option(connection: Connection, level: int, option: int, length: int = 0) -> int | bytes:
    """An option's value, in `length` bytes when that is not 0; raises OSError (ENOPROTOOPT, EINVAL).

    SO_ERROR is the connection's error, once.
    """
    value = value_of(connection, level, option)
    if isinstance(value, str):
        if length <= 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return value.encode().ljust(NAME_LENGTH, b"\0")[:length]
    return struct.pack("i", value)[:length] if length else value


def value_of(connection: Connection, level: int, option: int) -> int | str:
    """An option's value, times in seconds."""
    if (level, option) in CONSTANT:
        return CONSTANT[level, option]
    if (level, option) in ACCEPTED:
        return 1
    if (level, option) == (socket.SOL_SOCKET, socket.SO_ERROR):
        return int(connection.error)
    name = OPTIONS.get((level, option))
    if name is None:
        raise unknown()
    value = connection.get_option(name)
    return int(value) // 1_000_000 if name in SECONDS else value
