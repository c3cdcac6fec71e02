"""PassedSocket: a connection that the agent carries, by the descriptor that it passed to this process."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import select
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .system_socket import SystemSocket

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .._core.kernels.stream import receive_later, receive_now, send_later, send_now

_System = socket.socket
AGAIN = (-errno.EAGAIN, -errno.EWOULDBLOCK, -errno.EINTR)
MOST = 1 << 16  # bytes of one `recv`


class PassedSocket(SystemSocket):
    """One end of a pair of sockets of this host, the agent has the other.

    It is used as any other Socket; `fileno` is a genuine descriptor. Calls that need not wait keep the GIL,
    others take it back once: beside a CPU-bound thread each time costs milliseconds.
    """

    _how: Callable[[], int] | None = None  # asks how the connection ended: an errno, 0 in order
    _waiting = 0  # calls that wait
    _gone = False  # closed beneath such calls

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """Receive at most `nbytes` (0: as many as fit) into a writable buffer; 0 is the end of the stream."""
        if flags:
            return _System.recv_into(self, buffer, nbytes, flags)
        if nbytes:
            if nbytes < 0:
                raise ValueError("negative buffersize in recv_into")
            view = memoryview(buffer).cast("B")
            if nbytes > len(view):
                raise ValueError("buffer too small for requested bytes")
            buffer = view[:nbytes]
        n = receive_now(self.fileno(), self, buffer)
        if n in AGAIN:
            n = self._receive_later(buffer)
        if n < 0:
            raise OSError(-n, os.strerror(-n))
        if n == 0:
            self._ended()
        return n

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """Receive at most `bufsize` bytes; empty at the end of the stream."""
        if flags or bufsize <= 0:
            return _System.recv(self, bufsize, flags)
        data = bytearray(min(bufsize, MOST))
        n = self.recv_into(data)
        return bytes(data) if n == len(data) else bytes(memoryview(data)[:n])

    def send(self, data: Any, flags: int = 0) -> int:
        """Send some of the data; returns how many bytes were taken."""
        if flags:
            return _System.send(self, data, flags)
        n = send_now(self.fileno(), self, data, 0)
        if n in AGAIN:
            n = self._send_later(data, 0, self._deadline())
        if n < 0:
            self._broken(-n)
        return n

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all of the data; the timeout bounds the whole."""
        if flags:
            _System.sendall(self, data, flags)
            return
        view = memoryview(data).cast("B")
        until, done = 0.0, 0
        while done < len(view):
            n = send_now(self.fileno(), self, view, done)
            if n in AGAIN:
                until = until or self._deadline()
                n = self._send_later(view, done, until)
            if n < 0:
                self._broken(-n)
            done += n
            if until and done < len(view) and time.monotonic() >= until:
                raise TimeoutError("timed out")

    def _deadline(self) -> float:
        """When a call that begins to wait times out; raises BlockingIOError where none may wait."""
        timeout = self.gettimeout()
        if timeout == 0:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return math.inf if timeout is None else time.monotonic() + timeout

    def _receive_later(self, buffer: Any) -> int:
        """Wait for something to receive; what `receive_now` returns."""
        until, n = self._deadline(), AGAIN[0]
        self._waiting += 1
        try:
            while n in AGAIN:
                n = receive_later(self.fileno(), self, buffer, until - time.monotonic())
        finally:
            self._waiting -= 1
        return self._waited(n)

    def _send_later(self, data: Any, offset: int, until: float) -> int:
        """Wait for room; what `send_now` returns."""
        n = AGAIN[0]
        self._waiting += 1
        try:
            while n in AGAIN:
                n = send_later(self.fileno(), self, data, offset, until - time.monotonic())
        finally:
            self._waiting -= 1
        return self._waited(n)

    def _waited(self, n: int) -> int:
        """What a wait came to, unless it was too long or for a socket that is closed by now."""
        if n == -errno.ETIMEDOUT:
            raise TimeoutError("timed out")
        return -errno.EBADF if self._gone else n

    def _real_close(self, *arguments: Any) -> None:
        """Close, which ends calls that wait; where none does, other processes may go on with it."""
        self._gone = True
        if self._waiting > 0:
            with contextlib.suppress(OSError):
                self.shutdown(socket.SHUT_RDWR)
        super()._real_close(*arguments)  # type: ignore[misc]

    def _broken(self, number: int) -> None:
        """A failed send: what became of the connection, rather than of the pair."""
        how = self._how
        if number == errno.EPIPE and how is not None:
            number = how() or number
        raise OSError(number, os.strerror(number))

    def _ended(self) -> None:
        """Nothing more comes: raise OSError when that is no end in order."""
        how, self._how = self._how, None
        number = 0 if how is None or self.fileno() < 0 else how()
        if number:
            raise OSError(number, os.strerror(number))

    def is_readable(self) -> bool:
        """Whether `recv` would return or raise at once."""
        poll = select.poll()  # a recv that may not wait does so nevertheless where there is a timeout
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def to_socket(self) -> PassedSocket:
        """It is one."""
        return self

    def hand_over(self, sock: _System, on_end: Callable[[Any], None] | None = None) -> Any:
        """Carry what comes to and from another stream socket; neither is yours any more."""
        from .splice import Splice

        made = PassedSocket(self.family, self.type, self.proto, self.detach())
        made._how, self._how = self._how, None
        return Splice(made, sock, on_end)
