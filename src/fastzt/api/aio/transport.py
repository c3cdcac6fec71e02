"""StreamTransport: a TCP connection of a network as an asyncio.Transport."""

from __future__ import annotations

import asyncio
import errno
import warnings
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from ...netstack.socket_table import WRITABLE
from ..socket import os_error
from .facts import ConnectionFacts
from .flow_control import FlowControl

if TYPE_CHECKING:
    from ...io.watchers import LoopDriver
    from ...netstack.tcp.connection import Connection

PIECES = 4  # given to a protocol at a wake-up; what is left waits for the loop's next round
CHUNK = 1 << 16  # bytes written at a time: one full batch of segments while the data is in cache


class Owner(Protocol):
    """Who wants to know of a transport's beginning and end: a server."""

    def attach(self, transport: StreamTransport) -> None:
        """It has begun."""

    def detach(self, transport: StreamTransport) -> None:
        """It has ended."""


class StreamTransport(asyncio.Transport):
    """Reads while the protocol wants it; what the connection's send buffer does not take waits here.

    `started`: a future that is done once the protocol has heard `connection_made`.
    """

    _start_tls_compatible = True  # loop.start_tls asks for it

    def __init__(
        self,
        driver: LoopDriver,
        connection: Connection,
        protocol: asyncio.BaseProtocol,
        owner: Owner | None = None,
    ) -> None:
        super().__init__(ConnectionFacts(driver, connection).extra())
        self._driver = driver
        self._loop = driver.loop
        self._connection = connection
        self._owner = owner
        self._waiting: deque[memoryview] = deque()  # what the connection has not taken
        self._waiting_size = 0
        self._flow = FlowControl(driver.loop, self)
        self._begun = False
        self._paused = False
        self._eof_received = False
        self._eof_written = False
        self._closing = False
        self._ended = False  # connection_lost is on its way
        self._ignored_writes = 0
        self._push_is_due = False
        self._read_is_due = False
        self._on_readable: Callable[[], None] | None = None
        self.set_protocol(protocol)
        self.started: asyncio.Future[None] = self._loop.create_future()
        driver.watchers.add(connection.id, self._ready)
        if owner is not None:
            owner.attach(self)
        self._loop.call_soon(self._begin)

    def __repr__(self) -> str:
        state = "closed" if self._ended else "closing" if self._closing else "open"
        peer = self.get_extra_info("peername")
        return f"<fastzt.aio.StreamTransport {self.get_extra_info('sockname')} -> {peer} {state}>"

    def _begin(self) -> None:
        try:
            if not self._ended:
                self._protocol.connection_made(self)
        finally:
            self._begun = True
            if not self.started.done():
                self.started.set_result(None)
        if not self._ended:
            self._read()

    def _ready(self, bits: int) -> None:
        """Something has happened to the connection."""
        if self._driver.closed:
            self._end(OSError(errno.EBADF, "the node is closed"))
        if self._ended or not self._begun:
            return
        if self._waiting:
            self._write_more()
        if bits & ~WRITABLE and not self._ended:
            self._read()
            if self._on_readable is not None:
                tell, self._on_readable = self._on_readable, None
                tell()

    # The protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """From now on, this protocol."""
        self._protocol: Any = protocol
        self._buffered = isinstance(protocol, asyncio.BufferedProtocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """The protocol."""
        return self._protocol  # type: ignore[no-any-return]

    # In

    def is_reading(self) -> bool:
        """Whether the protocol is given what arrives."""
        return not self._closing and not self._paused

    def pause_reading(self) -> None:
        """Give the protocol nothing; once the receive window is full, the peer stops."""
        self._paused = True

    def resume_reading(self) -> None:
        """Give the protocol what arrives."""
        if self._paused and not self._closing:
            self._paused = False
            connection = self._connection
            if connection.readable or connection.eof or connection.error:
                self._read_soon()

    def pull(self, most: int) -> bytes:
        """What has arrived, up to `most` bytes, while the protocol is given nothing; empty when nothing has.

        Raises OSError; the end of the stream, as failures, is the protocol's to hear.
        """
        if self._ended or self._connection.readable == 0:
            return b""
        view = memoryview(self._driver.scratch)[:most]
        n = self._driver.run(lambda now: self._connection.read_into(view, now))
        return bytes(view[:n])

    def when_readable(self, tell: Callable[[], None] | None) -> bool:
        """Call `tell` once when there is something to `pull`; None: no longer.

        False: not now, because the end has come or the protocol is to be given what arrives.
        """
        connection = self._connection
        later = self._paused and not self._ended and not connection.eof and not connection.error
        self._on_readable = tell if later else None  # else the protocol wakes who waits, with the reason
        return later

    def _read_soon(self) -> None:
        if not self._read_is_due:
            self._read_is_due = True
            self._loop.call_soon(self._read_due)

    def _read_due(self) -> None:
        self._read_is_due = False
        if not self._ended and self._begun:
            self._read()

    def _read(self) -> None:
        """Give the protocol what has arrived, or the end, or the error."""
        try:
            for _ in range(PIECES):
                if self._paused or self._closing or self._eof_received:
                    self._look_for_failure()
                    return
                if not self._read_piece():
                    return
        except OSError as error:
            self._end(error)
            return
        except Exception as error:
            self._fail(error, "a protocol failed to take what was received")
            return
        self._read_soon()

    def _look_for_failure(self) -> None:
        """A failure ends a connection from which there is nothing to read any more."""
        connection = self._connection
        if connection.error and (self._eof_received or self._closing or connection.readable == 0):
            raise os_error(connection.error)

    def _read_piece(self) -> bool:
        """One piece; False when there was none."""
        connection = self._connection
        if connection.readable == 0:
            if connection.error:
                raise os_error(connection.error)
            if connection.eof:
                self._take_eof()
            return False
        if self._buffered:
            buffer = self._protocol.get_buffer(-1)
            if not len(buffer):
                raise RuntimeError("get_buffer() returned an empty buffer")
            n = self._driver.run(lambda now: connection.read_into(buffer, now))
            if n:
                self._protocol.buffer_updated(n)
            return n > 0
        scratch = self._driver.scratch
        n = self._driver.run(lambda now: connection.read_into(scratch, now))
        if n:
            self._protocol.data_received(bytes(memoryview(scratch)[:n]))
        return n > 0

    def _take_eof(self) -> None:
        self._eof_received = True
        if not self._protocol.eof_received():
            self.close()

    # Out

    def write(self, data: Any) -> None:
        """Send; never blocks. The protocol is paused when too much waits."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data: a bytes-like object is required, not {type(data).__name__!r}")
        if self._eof_written:
            raise RuntimeError("cannot write after write_eof()")
        if not len(data):
            return
        if self._ended:
            self._ignore_write()
            return
        rest: Any = data
        if not self._waiting:
            try:
                rest = self._send(data)
            except OSError as error:
                self._end(error)
                return
        if rest is not None:
            self._keep(rest, isinstance(data, bytes))
            self._flow.update(self._waiting_size, self._protocol)

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        """Send pieces one behind the other."""
        self.write(b"".join(list_of_data))

    def _send(self, data: Any) -> memoryview | None:
        """Give the connection what it takes; the rest, if there is one."""
        connection, run = self._connection, self._driver.run
        view = memoryview(data).cast("B")
        done, size = 0, len(view)
        while done < size:
            piece = view[done : done + CHUNK] if size > CHUNK else view
            n = run(lambda now, piece=piece: connection.write(piece, now))  # type: ignore[misc]
            done += n
            if n < len(piece):
                break
        if connection.held:
            self._push_soon()
        return view[done:] if done < size else None

    def _keep(self, data: Any, immutable: bool) -> None:
        """What has to wait: as it is, or a copy."""
        view = memoryview(data if immutable else bytes(data)).cast("B")
        self._waiting.append(view)
        self._waiting_size += len(view)

    def _write_more(self) -> None:
        """The connection has room."""
        try:
            while self._waiting:
                if not self._driver.run(self._drain):
                    break
        except OSError as error:
            self._end(error)
            return
        if self._connection.held:
            self._push_soon()
        self._flow.update(self._waiting_size, self._protocol)
        if not self._waiting and not self._ended:
            if self._closing:
                self._end(None)
            elif self._eof_written:
                self._driver.run(self._connection.shutdown_write)

    def _drain(self, now: int) -> bool:
        """Under the lock: write a chunk of what waits; whether the connection took all of that."""
        waiting, written = self._waiting, 0
        while waiting and written < CHUNK:
            piece = waiting[0][:CHUNK]
            n = self._connection.write(piece, now)
            written += n
            self._waiting_size -= n
            if n == len(waiting[0]):
                waiting.popleft()
            else:
                waiting[0] = waiting[0][n:]
                if n < len(piece):
                    return False
        return True

    def _push_soon(self) -> None:
        """What was kept back for a full batch leaves when the loop has no more to run."""
        if not self._push_is_due:
            self._push_is_due = True
            self._loop.call_soon(self._push)

    def _push(self) -> None:
        self._push_is_due = False
        if self._connection.held and not self._ended and not self._driver.closed:
            self._driver.run(self._connection.push)

    def _ignore_write(self) -> None:
        self._ignored_writes += 1
        if self._ignored_writes == 5:
            warnings.warn("data was written to a connection that is lost", RuntimeWarning, stacklevel=3)

    def get_write_buffer_size(self) -> int:
        """Bytes that wait here; what the connection has taken is not among them."""
        return self._waiting_size

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """(low, high)."""
        return self._flow.low, self._flow.high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Above `high` waiting bytes the protocol is paused, from `low` on it is resumed."""
        self._flow.set(high, low)
        if self._begun:
            self._flow.update(self._waiting_size, self._protocol)

    def can_write_eof(self) -> bool:
        """It can."""
        return True

    def write_eof(self) -> None:
        """End our direction behind what was written; the peer may still send."""
        if self._closing or self._eof_written:
            return
        self._eof_written = True
        if not self._waiting:
            self._driver.run(self._connection.shutdown_write)

    # The end

    def is_closing(self) -> bool:
        """Whether it is closing or closed."""
        return self._closing

    def close(self) -> None:
        """Read no more; end in order when what was written has been sent."""
        if self._closing:
            return
        self._closing = True
        if not self._waiting:
            self._end(None)

    def abort(self) -> None:
        """End at once by a reset; what waits is lost."""
        self._end(None, reset=True)

    def _force_close(self, exc: Exception | None) -> None:
        """What asyncio's TLS calls after a failure."""
        self._end(exc, reset=True)

    def _fail(self, error: Exception, message: str) -> None:
        """The protocol's own fault."""
        self._loop.call_exception_handler(
            {"message": message, "exception": error, "transport": self, "protocol": self._protocol}
        )
        self._end(error)

    def _end(self, error: Exception | None, reset: bool = False) -> None:
        """Leave the connection; the protocol hears of it in the loop's next round."""
        if self._ended:
            return
        self._closing = self._ended = True
        self._waiting.clear()
        self._waiting_size = 0
        driver, connection = self._driver, self._connection
        driver.watchers.remove(connection.id, self._ready)
        if not driver.closed and not driver.forked:
            if reset or error is not None:
                driver.run(connection.abort)
            driver.run(connection.close)
        self._loop.call_soon(self._lose, error)

    def _lose(self, error: Exception | None) -> None:
        try:
            self._protocol.connection_lost(error)
        finally:
            if self._owner is not None:
                self._owner.detach(self)
