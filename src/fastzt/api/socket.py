"""Socket: a TCP connection through a ZeroTier network, used as `socket.socket` is."""

from __future__ import annotations

import errno
import io
import os
import socket as system
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ..io.threaded import ThreadedDriver
from ..io.waiter import TimedOut
from . import addresses, options
from .closing import Closing
from .messages import StreamMessages
from .stream import Stream

if TYPE_CHECKING:
    from ..io.bridge import Bridge
    from ..netstack.tcp.connection import Connection
    from .system_socket import SystemSocket

T = TypeVar("T")


def os_error(code: int) -> OSError:
    """The builtin exception of an error number: ConnectionRefusedError, ConnectionResetError, ..."""
    if code == errno.EHOSTUNREACH:
        from ..errors import HostUnreachableError

        return HostUnreachableError()
    return OSError(code, os.strerror(code))


def connect_error(code: int, where: str) -> OSError:
    """A failed connect as the exception that names the address."""
    if code == errno.EHOSTUNREACH:
        from ..errors import HostUnreachableError

        return HostUnreachableError(f"nobody on the network answers for {where}")
    plain = os_error(code)
    return type(plain)(code, f"{plain.strerror}: {where}")


def unclosed(left: object) -> None:
    """Warn of a socket that nobody can close any more."""
    warnings.warn(f"unclosed {left!r}", ResourceWarning, stacklevel=3, source=left)


class Timeouts(Closing):
    """The three modes of `socket.socket`: blocking (None), with a timeout (seconds), non-blocking (0)."""

    _driver: ThreadedDriver
    _timeout: float | None = None

    def settimeout(self, value: float | None) -> None:
        """Set the mode; raises ValueError for a negative timeout."""
        if value is not None:
            value = float(value)
            if not value >= 0.0:
                raise ValueError("Timeout value out of range")
        self._timeout = value

    def gettimeout(self) -> float | None:
        """The timeout in seconds, None when blocking."""
        return self._timeout

    @property
    def timeout(self) -> float | None:
        """The timeout in seconds, None when blocking."""
        return self._timeout

    def setblocking(self, flag: bool) -> None:
        """Blocking without limit, or non-blocking."""
        self._timeout = None if flag else 0.0

    def getblocking(self) -> bool:
        """Whether calls may block."""
        return self._timeout != 0.0

    def _wait(self, key: int, attempt: Callable[[int], T | None], timeout: float | None) -> T:
        """Wait in this socket's mode: TimeoutError after a timeout, BlockingIOError when non-blocking."""
        try:
            return self._driver.wait(key, attempt, timeout)
        except TimedOut:
            if timeout == 0.0:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None
            raise TimeoutError("timed out") from None


class Socket(Stream, Timeouts, StreamMessages):
    """One end of a TCP connection. Safe to use from several threads, as the system's sockets are."""

    family = system.AF_INET
    type = system.SOCK_STREAM
    proto = 0
    _handed_over = False  # its connection is another's
    _sharers: list[int] | None = None  # of the connection, counted: this socket and those that `dup` made
    _released = False

    def __init__(self, driver: ThreadedDriver, connection: Connection, timeout: float | None = None) -> None:
        super().__init__(driver, connection, timeout)
        if not addresses.is_v4(connection.remote_address[0]):
            self.family = system.AF_INET6

    def is_readable(self) -> bool:
        """Whether `recv` would return or raise at once."""
        connection = self._connection

        def look(now: int) -> bool:
            return connection.readable > 0 or connection.eof or connection.error != 0

        return self._driver.run(look)

    # The end

    def shutdown(self, how: int) -> None:
        """End one or both directions: SHUT_RD, SHUT_WR, SHUT_RDWR."""
        if not -(1 << 31) <= how < 1 << 31:
            raise OverflowError("signed integer is out of range")
        if how not in (system.SHUT_RD, system.SHUT_WR, system.SHUT_RDWR):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._check()
        if self._connection.error:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        if how != system.SHUT_WR:
            self._read_shut = True
            self._driver.run(lambda now: self._driver.waiters.wake(self._connection.id))
        if how != system.SHUT_RD:
            self._driver.run(self._connection.shutdown_write)

    def close(self) -> None:
        """Close once every file made from it is closed: what was sent is still delivered; waiters end."""
        self._closed = True
        if self._io_refs <= 0:
            self._close()

    def _close(self) -> None:
        connection, driver = self._connection, self._driver
        if driver.closed or driver.forked or self._handed_over:
            return

        def end(now: int) -> None:
            driver.waiters.wake(connection.id)
            if self._is_last():
                connection.close(now)

        try:
            driver.run(end)
        except OSError:
            if not driver.closed:
                raise

    def _is_last(self) -> bool:
        """Whether nobody else has the connection; this socket has it no more. Under the driver's lock."""
        if self._sharers is not None and not self._released:
            self._sharers[0] -= 1
        self._released = True
        return self._sharers is None or self._sharers[0] == 0

    def dup(self) -> Socket:
        """Another socket with the same connection, which ends when both are closed."""
        self._check()

        def share(now: int) -> list[int]:
            self._sharers = self._sharers or [1]
            self._sharers[0] += 1
            return self._sharers

        made = Socket(self._driver, self._connection, self._timeout)
        made._sharers = self._driver.run(share)
        return made

    def __del__(self) -> None:
        driver = self._driver
        if self._closed or driver is None or driver.closed or driver.forked:
            return
        unclosed(self)
        self._closed = True
        driver.worker.submit(self._close, must=True)  # whatever this thread is about, it may hold the lock

    def hand_over(self, sock: system.socket, on_end: Callable[[Bridge], None] | None = None) -> Bridge:
        """Let the node carry what comes to and from a stream socket of the system; neither is yours any more.

        The end of one direction is passed on as such. After both, or a failure, everything is closed and
        `on_end(bridge)` is called, which must not block: `failed`, bytes `inward` and `outward`.
        """
        self._check()
        if self._sharers is not None and self._sharers[0] > 1:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

        def begin(now: int) -> Bridge:
            bridge = self._driver.bridges.add(self._connection, sock, on_end)
            self._driver.waiters.wake(self._connection.id)
            return bridge

        bridge = self._driver.run(begin)
        self._closed = self._handed_over = True
        self._io_refs = 0
        return bridge

    def to_socket(self) -> SystemSocket:
        """A genuine socket of the system in place of this one, which is closed: for select, ssl, asyncio, C.

        Its bytes take one more way through the kernel. Raises OSError (EBUSY) while files made from this
        socket are open.
        """
        from .system_socket import to_socket

        return to_socket(self)

    def detach(self) -> int:
        """The descriptor of `to_socket`, which the caller has to close."""
        return self.to_socket().detach()

    def fileno(self) -> int:
        """-1: there is no descriptor to poll; `to_socket` gives one."""
        return -1

    # Files

    def makefile(
        self,
        mode: str = "r",
        buffering: int | None = None,
        *,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
    ) -> Any:
        """A file over the socket, as `socket.socket.makefile` gives it."""
        if not set(mode) <= {"r", "w", "b"}:
            raise ValueError(f"invalid mode {mode!r} (only r, w, b allowed)")
        reading, writing, binary = "r" in mode or "w" not in mode, "w" in mode, "b" in mode
        raw = system.SocketIO(self, ("r" if reading else "") + ("w" if writing else ""))  # type: ignore[arg-type]
        self._io_refs += 1
        if buffering == 0:
            if not binary:
                raise ValueError("unbuffered streams must be binary")
            return raw
        size = io.DEFAULT_BUFFER_SIZE if buffering is None or buffering < 0 else buffering
        buffered: Any
        if reading and writing:
            buffered = io.BufferedRWPair(raw, raw, size)
        else:
            buffered = io.BufferedReader(raw, size) if reading else io.BufferedWriter(raw, size)
        if binary:
            return buffered
        text = io.TextIOWrapper(buffered, encoding, errors, newline)
        text.mode = mode  # type: ignore[misc]
        return text

    def _decref_socketios(self) -> None:
        """A file made from it was closed."""
        self._io_refs = max(self._io_refs - 1, 0)
        if self._closed:
            self.close()

    # Facts

    def getpeername(self) -> tuple[Any, ...]:
        """The remote (host, port)."""
        self._check()
        return addresses.socket_address(*self._connection.remote_address)

    def getsockname(self) -> tuple[Any, ...]:
        """The local (host, port)."""
        self._check()
        return addresses.socket_address(*self._connection.local_address)

    @property
    def peer_id(self) -> str:
        """The authenticated node at the other end: 10 hex digits."""
        peer: Any = self._connection.peer
        return f"{peer.address:010x}" if peer is not None else ""

    def setsockopt(self, level: int, optname: int, value: Any, optlen: int | None = None) -> None:
        """Set an option that exists (TCP_NODELAY, TCP_CONGESTION, ...); OSError (ENOPROTOOPT) for others."""
        self._check()
        self._driver.run(lambda now: options.set_option(self._connection, level, optname, value, now))

    def getsockopt(self, level: int, optname: int, buflen: int = 0) -> Any:
        """An option's value; raises OSError (ENOPROTOOPT) for one that does not exist."""
        self._check()
        return self._driver.run(lambda now: options.get_option(self._connection, level, optname, buflen))

    def __repr__(self) -> str:
        if self._closed:
            return "<fastzt.Socket closed>"
        local, remote = (
            addresses.socket_address(*end)
            for end in (self._connection.local_address, self._connection.remote_address)
        )
        return f"<fastzt.Socket {local} -> {remote} peer={self.peer_id}>"
