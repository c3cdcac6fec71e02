"""Binding of UDP sockets: which families there are, and one port for all of them where that can be had."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Sequence

from ..errors import InputError

ATTEMPTS = 16  # tries to find a port that is free in every family


def bind_all(port: int, bind: Sequence[str], fixed: bool) -> list[socket.socket]:
    """A bound, non-blocking socket for each IP, or for 0.0.0.0 and :: where the system has the family.

    All on `port`, or on any one port when that is 0, or taken and not `fixed`. OSError when that cannot be.
    """
    hosts = [str(parsed(text)) for text in bind]
    choices = [port] if fixed and port else [*([port] if port else []), *[0] * ATTEMPTS]
    failure: OSError | None = None
    for choice in choices:
        try:
            return bind_hosts(choice, hosts)
        except OSError as error:
            failure = failure or error
    assert failure is not None
    raise failure


def bind_hosts(port: int, hosts: Sequence[str]) -> list[socket.socket]:
    """All hosts on one port (0: the one that the first gets); OSError when one fails, and none stays open."""
    with contextlib.ExitStack() as opened:
        sockets: list[socket.socket] = []
        for host in hosts:
            sockets.append(opened.enter_context(bind_one(host, port)))
            port = sockets[0].getsockname()[1]
        if not hosts:
            sockets = bind_everywhere(port, opened)
        opened.pop_all()
        return sockets


def bind_everywhere(port: int, opened: contextlib.ExitStack) -> list[socket.socket]:
    """0.0.0.0 and ::, without a family that the system lacks; OSError without both or on a taken port."""
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    for host, family in (("0.0.0.0", socket.AF_INET), ("::", socket.AF_INET6)):
        if not has_family(family):
            missing = missing or OSError(f"no sockets of family {family.name}")
            continue
        sockets.append(opened.enter_context(bind_one(host, port)))
        port = sockets[0].getsockname()[1]
    if not sockets and missing is not None:
        raise missing
    return sockets


def has_family(family: socket.AddressFamily) -> bool:
    """Whether the system can bind a socket of a family to any address of it."""
    if family == socket.AF_INET6 and not socket.has_ipv6:
        return False
    try:
        bind_one("::" if family == socket.AF_INET6 else "0.0.0.0", 0).close()
    except OSError:
        return False
    return True


def bind_one(host: str, port: int) -> socket.socket:
    """A non-blocking UDP socket; one of IPv6 serves IPv6 alone. OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"UDP port {port} of {host}: {error.strerror}") from None
    return sock


def parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An IP to bind; InputError names what is wrong."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise InputError(f"not an IP address to bind: {text!r}") from None
