"""Receiving and sending with flags (MSG_PEEK, MSG_DONTWAIT, ...): off the hot way of `Stream`."""

from __future__ import annotations

import errno
import os
import socket as system
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ..io.waiter import TimedOut

if TYPE_CHECKING:
    from .stream import Stream

T = TypeVar("T")
# Those that a system does not define are 0.
DONTWAIT: int = getattr(system, "MSG_DONTWAIT", 0)
PEEK: int = system.MSG_PEEK
WAITALL: int = getattr(system, "MSG_WAITALL", 0)
NOSIGNAL: int = getattr(system, "MSG_NOSIGNAL", 0)
CMSG_CLOEXEC: int = getattr(system, "MSG_CMSG_CLOEXEC", 0)
RECEIVING = DONTWAIT | PEEK | WAITALL | NOSIGNAL | CMSG_CLOEXEC
SENDING = DONTWAIT | NOSIGNAL


def check(flags: int, allowed: int) -> None:
    """Raise OSError (EOPNOTSUPP) for a flag that does not exist here."""
    if flags & ~allowed:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))


def wait(stream: Stream, attempt: Callable[[int], T | None], timeout: float | None) -> T:
    """Wait as `socket.socket` does: BlockingIOError without a timeout, TimeoutError after one."""
    try:
        return stream._driver.wait(stream._connection.id, attempt, timeout)
    except TimedOut:
        if timeout == 0.0:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None
        raise TimeoutError("timed out") from None


def receive_into(stream: Stream, buffer: Any, flags: int) -> int:
    """`recv_into` with flags."""
    check(flags, RECEIVING)
    view = memoryview(buffer).cast("B")
    if view.readonly:
        raise TypeError("a writable buffer is needed")
    timeout = 0.0 if flags & DONTWAIT else stream._timeout
    if flags & PEEK:
        data = peek(stream, len(view), timeout)
        view[: len(data)] = data
        return len(data)
    return receive_all(stream, view, timeout) if flags & WAITALL else receive(stream, view, timeout)


def peek(stream: Stream, most: int, timeout: float | None) -> bytes:
    """What has been received, which stays to be read."""
    connection = stream._connection

    def attempt(now: int) -> bytes | None:
        stream._check()
        data = connection.peek(most)
        if data or most == 0:
            return data
        connection.read_into(bytearray(1), now)  # raises after a failure
        return b"" if stream._read_shut or connection.eof else None

    return wait(stream, attempt, timeout)


def receive(stream: Stream, view: memoryview, timeout: float | None) -> int:
    """What has been received, once there is something."""
    connection = stream._connection

    def attempt(now: int) -> int | None:
        stream._check()
        n: int = connection.read_into(view, now)
        over = stream._read_shut or connection.eof or len(view) == 0
        return n if n > 0 or over else None

    return wait(stream, attempt, timeout)


def receive_all(stream: Stream, view: memoryview, timeout: float | None) -> int:
    """As many bytes as fit, less only at the end of the stream or when what came before it fails."""
    done, end = 0, None if timeout is None else time.monotonic() + timeout
    while done < len(view):
        left = None if end is None else max(end - time.monotonic(), 0.0)
        try:
            n = receive(stream, view[done:], left if timeout else timeout)
        except OSError:
            if done:
                break
            raise
        if n == 0:
            break
        done += n
    return done


def send(stream: Stream, data: Any, flags: int) -> int:
    """`send` with flags."""
    check(flags, SENDING)
    view = memoryview(data).cast("B")
    connection = stream._connection

    def attempt(now: int) -> int | None:
        stream._check()
        n: int = connection.write(view, now)
        return n if n > 0 or len(view) == 0 else None

    return wait(stream, attempt, 0.0 if flags & DONTWAIT else stream._timeout)


def sendall(stream: Stream, data: Any, flags: int) -> None:
    """`sendall` with flags."""
    if not flags & DONTWAIT:
        check(flags, SENDING)
        stream.sendall(data)
        return
    view = memoryview(data).cast("B")
    while len(view):
        view = view[send(stream, view, flags) :]
