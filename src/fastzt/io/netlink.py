"""Netlink: this host's interface addresses as Linux tells them, and word of their changes (rtnetlink(7))."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

# include/uapi/linux/netlink.h, rtnetlink.h, if_addr.h
NLMSG_ERROR = 2
NLMSG_DONE = 3
NLM_F_REQUEST = 1
NLM_F_DUMP = 0x300
RTM_NEWADDR = 20
RTM_GETADDR = 22
RTMGRP_LINK = 1
RTMGRP_IPV4_IFADDR = 0x10
RTMGRP_IPV4_ROUTE = 0x40
RTMGRP_IPV6_IFADDR = 0x100
IFA_ADDRESS = 1
IFA_LOCAL = 2
IFA_F_DEPRECATED = 0x20
IFA_F_TENTATIVE = 0x40
HEADER = struct.Struct("=IHHII")
IFADDRMSG = struct.Struct("=BBBBI")
ATTRIBUTE = struct.Struct("=HH")
MAX_MESSAGE = 1 << 16
MAX_MESSAGES = 1024
PATIENCE = 2.0


def open_socket(groups: int = 0) -> socket.socket:
    """A route netlink socket that hears these multicast groups; raises OSError, AttributeError elsewhere."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    try:
        sock.settimeout(PATIENCE)
        sock.bind((0, groups))
    except OSError:
        sock.close()
        raise
    return sock


def listen() -> socket.socket:
    """A socket that becomes readable when an address, a link or an IPv4 route of this host changes."""
    return open_socket(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR)


def addresses() -> list[tuple[str, bytes, int]]:
    """(interface, packed IP, prefix length) of each address that can be used; raises OSError."""
    request = IFADDRMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
    head = HEADER.pack(HEADER.size + len(request), RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, 1, 0)
    with open_socket() as sock:
        sock.send(head + request)
        return list(answers(sock))


def answers(sock: socket.socket) -> Iterator[tuple[str, bytes, int]]:
    """The addresses of a dump, up to its end."""
    for _ in range(MAX_MESSAGES):
        for kind, body in messages(sock.recv(MAX_MESSAGE)):
            if kind == NLMSG_DONE:
                return
            if kind == NLMSG_ERROR:
                raise OSError("netlink refuses to list addresses")
            found = address(body) if kind == RTM_NEWADDR else None
            if found is not None:
                yield found


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, body) of each message in what was read."""
    at = 0
    while at + HEADER.size <= len(data):
        length, kind, *_ = HEADER.unpack_from(data, at)
        if length < HEADER.size or at + length > len(data):
            return
        yield kind, data[at + HEADER.size : at + length]
        at += length + 3 & ~3


def address(body: bytes) -> tuple[str, bytes, int] | None:
    """What an RTM_NEWADDR tells; None for an address that is not to be used, or has no interface any more."""
    if len(body) < IFADDRMSG.size:
        return None
    _, bits, flags, _, index = IFADDRMSG.unpack_from(body)
    found = dict(attributes(body[IFADDRMSG.size :]))
    ip = found.get(IFA_LOCAL, found.get(IFA_ADDRESS, b""))
    if flags & (IFA_F_DEPRECATED | IFA_F_TENTATIVE) or len(ip) not in (4, 16):
        return None
    try:
        return socket.if_indextoname(index), ip, bits
    except OSError:
        return None


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, value) of each attribute."""
    at = 0
    while at + ATTRIBUTE.size <= len(data):
        length, kind = ATTRIBUTE.unpack_from(data, at)
        if length < ATTRIBUTE.size or at + length > len(data):
            return
        yield kind, data[at + ATTRIBUTE.size : at + length]
        at += length + 3 & ~3
