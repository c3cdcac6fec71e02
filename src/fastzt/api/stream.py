"""Stream: the bytes of a TCP connection, received and sent as `socket.socket` does it.

The part of a Socket that is called for every piece of data, and is compiled for that.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

from ..io.attempt import Attempt
from ..io.threaded import ThreadedDriver
from ..io.waiter import TimedOut
from ..netstack.tcp.connection import Connection
from . import flagged

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .._core.kernels.buffer import size_of

    CHUNK = 65536  # bytes written at a time: one full batch of segments while the data is in cache

    def connection_of(stream: Stream) -> Connection:
        """The connection, which another thread may be replacing."""
        return stream._connection

    def timeout_of(stream: Stream) -> float | None:
        """The timeout, which another thread may be changing."""
        return stream._timeout


Buffer = Any  # whatever memoryview() takes


class Stream:
    """A connection of a driver. `_timeout`: seconds, None to block for ever, 0 not to block."""

    def __init__(self, driver: ThreadedDriver, connection: Connection, timeout: float | None = None) -> None:
        self._driver = driver
        self._connection = connection
        self._timeout = timeout
        self._closed = False
        self._io_refs = 0  # files made from it
        self._read_shut = False

    def recv_into(self, buffer: Buffer, nbytes: int = 0, flags: int = 0) -> int:
        """Receive at most `nbytes` (0: as many as fit) into a writable buffer; 0 is the end of the stream."""
        if nbytes or flags:
            if nbytes < 0:
                raise ValueError("negative buffersize in recv_into")
            if nbytes > size_of(buffer):
                raise ValueError("buffer too small for requested bytes")
            buffer = memoryview(buffer).cast("B")
            if nbytes:
                buffer = buffer[:nbytes]
            if flags:
                return flagged.receive_into(self, buffer, flags)
        attempt = Reading.__new__(Reading)  # a call of the class would cost more than the object
        attempt.stream = self
        attempt.buffer = buffer
        if connection_of(self).keeps_back():
            self._driver.run(self._push)
        n: int = self._try(attempt, timeout_of(self))
        return n

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """Receive at most `bufsize` bytes; empty at the end of the stream."""
        if bufsize < 0:
            raise ValueError("negative buffersize in recv")
        if flags:
            buffer = bytearray(bufsize)
            return bytes(buffer[: flagged.receive_into(self, buffer, flags)])
        if connection_of(self).keeps_back():
            self._driver.run(self._push)
        data: bytes = self._try(Taking(self, bufsize), timeout_of(self))
        return data

    def send(self, data: Buffer, flags: int = 0) -> int:
        """Send some of the data; returns how many bytes were taken."""
        if flags:
            return flagged.send(self, data, flags)
        size = size_of(data)
        return self._send(data, size, min(size, 1))

    def sendall(self, data: Buffer, flags: int = 0) -> None:
        """Send all of the data; the timeout bounds the whole."""
        if flags:
            flagged.sendall(self, data, flags)
            return
        size = size_of(data)
        self._send(data, size, size)

    def _send(self, data: Buffer, size: int, enough: int) -> int:
        """Send what there is room for of `size` bytes, waiting for room for `enough`; how many were taken."""
        connection = connection_of(self)
        if connection.held and size <= CHUNK and not self._closed:
            kept = self._driver.keep_back(connection, data, size)
            if kept >= 0:
                return kept
        attempt = Writing.__new__(Writing)
        attempt.stream = self
        attempt.data = data
        attempt.done = 0
        attempt.size = size
        attempt.enough = enough
        attempt.more = False
        n: int = self._try(attempt, timeout_of(self))
        return n

    def _try(self, attempt: Attempt, timeout: float | None) -> Any:
        """Wait in this socket's mode: TimeoutError after a timeout, BlockingIOError when non-blocking."""
        try:
            return self._driver.wait(connection_of(self).handle.id, attempt, timeout)
        except TimedOut:
            if timeout_of(self) == 0.0:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None
            raise TimeoutError("timed out") from None

    def _push(self, now: int) -> None:
        connection_of(self).push(now)

    def _check(self) -> None:
        """Raise OSError (EBADF) when it is closed, ForkedError in a forked child."""
        self._driver.check()
        if self._closed and self._io_refs <= 0:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def _ended(self, connection: Connection) -> bool:
        """After a read that gave nothing: whether it is the end of the stream."""
        return self._read_shut or connection.eof


class Reading(Attempt):
    """Receive into a buffer."""

    if not cython.compiled:
        __slots__ = ("buffer", "stream")

    stream: Stream
    buffer: Buffer

    def make(self, now: int) -> Any:
        """The bytes received, 0 at the end."""
        stream = self.stream
        stream._check()
        connection = connection_of(stream)
        n = connection.read_into(self.buffer, now)
        if n > 0:
            return n
        return 0 if stream._ended(connection) or size_of(self.buffer) == 0 else None


class Taking(Attempt):
    """Receive bytes."""

    if not cython.compiled:
        __slots__ = ("most", "stream")

    def __init__(self, stream: Stream, most: int) -> None:
        self.stream = stream
        self.most = most

    def make(self, now: int) -> Any:
        """What was received, nothing at the end."""
        stream = self.stream
        stream._check()
        connection = connection_of(stream)
        data = bytearray(min(connection.readable, self.most))
        n = connection.read_into(data, now)
        if n > 0:
            return bytes(data)
        return b"" if stream._ended(connection) or self.most == 0 else None


class Writing(Attempt):
    """Send a buffer, a chunk an attempt, until there is no room and `enough` of it has been taken."""

    if not cython.compiled:
        __slots__ = ("data", "done", "enough", "more", "quiet", "size", "stream")

    stream: Stream
    data: Buffer
    done: int
    size: int
    enough: int

    def make(self, now: int) -> Any:
        """The bytes taken in all; None when there may be more to take, or that is not enough."""
        self.quiet = False
        self.stream._check()
        connection = connection_of(self.stream)
        held = connection.held
        try:
            n = connection.write(self.data, now, self.done, CHUNK)
        except OSError:
            if self.done > 0 and self.done >= self.enough:
                return self.done  # the next call tells
            raise
        self.done += n
        self.more = n > 0
        self.quiet = held and connection.held and not connection.queued
        if self.done >= self.size or (n == 0 and self.done >= self.enough):
            return self.done
        return None
