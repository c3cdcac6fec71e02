"""Stream sockets by the standard library: interpreted, and where there is no Linux; epoll: Linux alone."""

from __future__ import annotations

import errno
import os
import select
import socket
from typing import Any, Protocol

from ..slab import Slab

WOULD_BLOCK = -errno.EAGAIN
EDGES = 0x80002005  # EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET
MOST = 64  # descriptors told at a time

Epoll = Any  # select.epoll, which other systems lack; the compiled build has a descriptor instead


class Owner(Protocol):
    """Who has a socket that does not block."""

    sock: socket.socket


def has_native() -> bool:
    """Whether the build makes system calls without the standard library."""
    return False


def receive(owner: Owner, slab: Slab, offset: int, n: int) -> int:
    """Receive at most `n` bytes: how many, 0 at the end, or the negated errno."""
    try:
        return owner.sock.recv_into(slab.view[offset : offset + n])
    except BlockingIOError:
        return WOULD_BLOCK
    except OSError as error:
        return -(error.errno or errno.EIO)


def send(owner: Owner, slab: Slab, offset: int, n: int) -> int:
    """Send some of `n` bytes: how many, or the negated errno."""
    try:
        return owner.sock.send(slab.view[offset : offset + n])
    except BlockingIOError:
        return WOULD_BLOCK
    except OSError as error:
        return -(error.errno or errno.EIO)


def watch_new() -> Epoll:
    """A new epoll instance."""
    return select.epoll()


def watch_fileno(epoll: Epoll) -> int:
    """Its descriptor."""
    return int(epoll.fileno())


def watch_add(epoll: Epoll, fd: int) -> None:
    """Watch a descriptor, by edges."""
    epoll.register(fd, EDGES)


def watch_forget(epoll: Epoll, fd: int) -> None:
    """Watch it no more."""
    epoll.unregister(fd)


def watch_ready(epoll: Epoll) -> list[tuple[int, int]]:
    """Descriptors that have become ready, and how."""
    found: list[tuple[int, int]] = epoll.poll(0, MOST)
    return found


def watch_close(epoll: Epoll) -> None:
    """Close it."""
    epoll.close()


def receive_now(fd: int, sock: socket.socket, buffer: Any) -> int:
    """Receive into a writable buffer without waiting: how many bytes, 0 at the end, or the negated errno."""
    try:
        if sock.gettimeout() is None:
            return socket.socket.recv_into(sock, buffer, 0, socket.MSG_DONTWAIT)
        return os.readv(fd, [buffer])  # for `recv_into` would wait
    except OSError as error:
        return -(error.errno or errno.EIO)


def send_now(fd: int, sock: socket.socket, buffer: Any, offset: int) -> int:
    """Send from an offset of a buffer without waiting: how many bytes, or the negated errno."""
    try:
        if sock.gettimeout() is None:
            return socket.socket.send(sock, memoryview(buffer)[offset:], socket.MSG_DONTWAIT)
        return os.writev(fd, [memoryview(buffer)[offset:]])  # for `send` would wait
    except OSError as error:
        return -(error.errno or errno.EIO)


def receive_later(fd: int, sock: socket.socket, buffer: Any, seconds: float) -> int:
    """As `receive_now`, but waits as the socket's timeout has it, which `seconds` are left of."""
    return socket.socket.recv_into(sock, buffer)


def send_later(fd: int, sock: socket.socket, buffer: Any, offset: int, seconds: float) -> int:
    """As `send_now`, but waits as the socket's timeout has it, which `seconds` are left of."""
    try:
        return socket.socket.send(sock, memoryview(buffer)[offset:])
    except TimeoutError:
        raise
    except OSError as error:
        return -(error.errno or errno.EIO)
