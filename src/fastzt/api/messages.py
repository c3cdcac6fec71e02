"""Messages: the calls of `socket.socket` that take several buffers, addresses or files."""

from __future__ import annotations

import errno
import operator
import os
import time
from collections.abc import Iterable
from typing import Any

Buffer = Any  # whatever memoryview() takes
Address = Any
Received = tuple[bytes, list[Any], int, Address]
MOST = 65536  # bytes that one sendmsg gathers from several buffers, or sendfile reads


def no_ancillary(items: Iterable[Any]) -> None:
    """Raise OSError (EOPNOTSUPP) for ancillary data, TypeError for what is none."""
    found = list(items)
    for item in found:
        if not isinstance(item, tuple) or len(item) != 3:
            raise TypeError("[sendmsg() ancillary data items must be tuples (level, type, data)]")
        operator.index(item[0])
        operator.index(item[1])
        memoryview(item[2])
    if found:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))


def check_sizes(call: str, bufsize: int, ancbufsize: int, flags: int) -> None:
    """Raise ValueError for a negative size, TypeError for what is no integer."""
    if operator.index(bufsize) < 0:
        raise ValueError(f"negative buffer size in {call}()")
    if operator.index(ancbufsize) < 0:
        raise ValueError(f"invalid ancillary data buffer length in {call}()")
    operator.index(flags)


def writable(buffers: Iterable[Buffer]) -> list[memoryview]:
    """The buffers as bytes; raises TypeError for a read-only one."""
    views = [memoryview(buffer).cast("B") for buffer in buffers]
    if any(view.readonly for view in views):
        raise TypeError("recvmsg_into() needs writable buffers")
    return views


def scatter(data: bytes, views: list[memoryview]) -> None:
    """Distribute bytes over buffers in their order."""
    for view in views:
        view[: len(data)], data = data[: len(view)], data[len(view) :]
        if not data:
            break


class StreamMessages:
    """Of a stream: addresses play no role, and there is no ancillary data."""

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """At most `bufsize` bytes."""
        raise NotImplementedError

    def recv_into(self, buffer: Buffer, nbytes: int = 0, flags: int = 0) -> int:
        """Into a writable buffer."""
        raise NotImplementedError

    def send(self, data: Buffer, flags: int = 0) -> int:
        """Some of the data."""
        raise NotImplementedError

    def gettimeout(self) -> float | None:
        """Seconds."""
        raise NotImplementedError

    def recvfrom(self, bufsize: int, flags: int = 0) -> tuple[bytes, Address]:
        """As `recv`; the address is None."""
        return self.recv(bufsize, flags), None

    def recvfrom_into(self, buffer: Buffer, nbytes: int = 0, flags: int = 0) -> tuple[int, Address]:
        """As `recv_into`; the address is None."""
        return self.recv_into(buffer, nbytes, flags), None

    def recvmsg(self, bufsize: int, ancbufsize: int = 0, flags: int = 0) -> Received:
        """(data, no ancillary data, no flags, no address)."""
        check_sizes("recvmsg", bufsize, ancbufsize, flags)
        return self.recv(bufsize, flags), [], 0, None

    def recvmsg_into(
        self, buffers: Iterable[Buffer], ancbufsize: int = 0, flags: int = 0
    ) -> tuple[int, list[Any], int, Address]:
        """As `recvmsg`, into several buffers one after the other; their number of bytes first."""
        views = writable(buffers)
        data, *rest = self.recvmsg(sum(map(len, views)), ancbufsize, flags)
        scatter(data, views)
        return len(data), rest[0], rest[1], rest[2]

    def sendto(self, data: Buffer, *arguments: Any) -> int:
        """As `send`: `sendto(data, address)` or `sendto(data, flags, address)`, the address plays no role."""
        if not 1 <= len(arguments) <= 2:
            raise TypeError("sendto() takes the data, flags that may be left out, and an address")
        return self.send(data, arguments[0] if len(arguments) == 2 else 0)

    def sendmsg(
        self, buffers: Iterable[Buffer], ancdata: Iterable[Any] = (), flags: int = 0, address: Address = None
    ) -> int:
        """Send some of several buffers; OSError (EOPNOTSUPP) for ancillary data."""
        views = [memoryview(buffer).cast("B") for buffer in buffers]
        no_ancillary(ancdata)
        if not isinstance(address, (tuple, type(None))):
            raise TypeError("an address is a tuple (host, port), or None")
        gathered = views[0] if len(views) == 1 else b"".join(views)[:MOST]
        return self.send(gathered, operator.index(flags))

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send a file's bytes from `offset` to its end, or `count` of them; how many were sent.

        The timeout bounds the whole. The file, which must be binary, is left behind what was sent.
        """
        check_file(file, count)
        timeout = self.gettimeout()
        if timeout == 0.0:
            raise ValueError("non-blocking sockets are not supported")
        if offset:
            file.seek(offset)
        done = 0
        end = None if timeout is None else time.monotonic() + timeout
        try:
            while data := memoryview(file.read(MOST if count is None else min(count - done, MOST))):
                while len(data):
                    if end is not None and time.monotonic() > end:
                        raise TimeoutError("timed out")
                    sent = self.send(data)
                    done, data = done + sent, data[sent:]
            return done
        finally:
            if done and hasattr(file, "seek"):
                file.seek(offset + done)


def check_file(file: Any, count: int | None) -> None:
    """Raise ValueError, TypeError as `socket.socket.sendfile` does."""
    if "b" not in getattr(file, "mode", "b"):
        raise ValueError("file should be opened in binary mode")
    if count is not None:
        if not isinstance(count, int):
            raise TypeError(f"count must be a positive integer (got {count!r})")
        if count <= 0:
            raise ValueError(f"count must be a positive integer (got {count!r})")
