"""Conduit: what a StreamTransport does for every piece of data, compiled for that."""

from __future__ import annotations

import asyncio
import errno
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...netstack.tcp.connection import Connection
from ..socket import os_error

if TYPE_CHECKING:
    import cython

    from ...io.loop_driver import LoopDriver
    from .flow_control import FlowControl
    from .transport import Owner, StreamTransport
else:
    from ... import _cython as cython

if not cython.compiled:
    from ..._core.kernels.buffer import size_of
    from ...netstack.socket_table import WRITABLE

    PIECES = 4  # given to a protocol at a wake-up; what is left waits for the loop's next round
    PIECE = 1 << 18  # the most bytes of one
    CHUNK = 1 << 16  # bytes written at a time: one full batch of segments while the data is in cache


class Conduit:
    """Reads while the protocol wants it; what the connection's send buffer does not take waits here.

    `started`: a future that is done once the protocol has heard `connection_made`.
    """

    def __init__(
        self,
        transport: StreamTransport,
        driver: LoopDriver,
        connection: Connection,
        flow: FlowControl,
        owner: Owner | None,
    ) -> None:
        self.transport: Any = transport
        self.driver = driver
        self.run = driver.run
        self.loop = driver.loop
        self.connection = connection
        self.id = connection.id
        self.flow = flow
        self.owner = owner
        self.protocol: Any = None
        self.buffered = False  # the protocol gives the buffer
        self.waiting: deque[memoryview] = deque()  # what the connection has not taken
        self.waiting_size = 0
        self.begun = False
        self.paused = False
        self.eof_received = False
        self.eof_written = False
        self.closing = False
        self.ended = False  # connection_lost is on its way
        self.push_is_due = False
        self.read_is_due = False
        self.on_readable: Callable[[], None] | None = None
        self.data: Any = None  # what is being received into, or written
        self.most = 0  # bytes that are being received at most
        self.done = 0  # bytes of it that have been written
        self.started: asyncio.Future[None] = self.loop.create_future()

    def begin(self) -> None:
        """The loop's first round with it."""
        try:
            if not self.ended:
                self.protocol.connection_made(self.transport)
        finally:
            self.begun = True
            if not self.started.done():
                self.started.set_result(None)
        if not self.ended:
            self._read()

    def ready(self, bits: int) -> None:
        """Something has happened to the connection."""
        if self.driver.closed:
            self.end(OSError(errno.EBADF, "the node is closed"))
        if self.ended or not self.begun:
            return
        if self.waiting_size:
            self._write_more()
        if bits & ~WRITABLE and not self.ended:
            self._read()
            if self.on_readable is not None:
                tell, self.on_readable = self.on_readable, None
                tell()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """From now on, this protocol."""
        self.protocol = protocol
        self.buffered = isinstance(protocol, asyncio.BufferedProtocol)

    # In

    def pause(self) -> None:
        """Give the protocol nothing."""
        self.paused = True

    def resume(self) -> None:
        """Give the protocol what arrives."""
        if self.paused and not self.closing:
            self.paused = False
            connection = self.connection
            if connection.readable or connection.eof or connection.error:
                self._read_soon()

    def pull(self, most: int) -> bytes:
        """What has arrived, up to `most` bytes, while the protocol is given nothing; empty when nothing has.

        Raises OSError; the end of the stream, as failures, is the protocol's to hear.
        """
        if self.ended or self.connection.rx.ring.used() == 0:
            return b""
        self.most = min(most, PIECE)
        data: bytes = self.run(self.take)
        return data

    def when_readable(self, tell: Callable[[], None] | None) -> bool:
        """Call `tell` once when there is something to `pull`; None: no longer.

        False: not now, because the end has come or the protocol is to be given what arrives.
        """
        connection = self.connection
        later = self.paused and not self.ended and not connection.eof and not connection.error
        self.on_readable = tell if later else None  # else the protocol wakes who waits, with the reason
        return later

    def _read_soon(self) -> None:
        if not self.read_is_due:
            self.read_is_due = True
            self.loop.call_soon(self.read_due)

    def read_due(self) -> None:
        """What `_read_soon` asks the loop for."""
        self.read_is_due = False
        if not self.ended and self.begun:
            self._read()

    def _read(self) -> None:
        """Give the protocol what has arrived, or the end, or the error."""
        try:
            for _ in range(PIECES):
                if self.paused or self.closing or self.eof_received:
                    self._look_for_failure()
                    return
                if not self._read_piece():
                    return
        except OSError as error:
            self.end(error)
            return
        except Exception as error:
            self.fail(error, "a protocol failed to take what was received")
            return
        self._read_soon()

    def _look_for_failure(self) -> None:
        """A failure ends a connection from which there is nothing to read any more."""
        connection = self.connection
        if connection.error and (self.eof_received or self.closing or connection.rx.ring.used() == 0):
            raise os_error(connection.error)

    def _read_piece(self) -> bool:
        """One piece; False when there was none."""
        connection = self.connection
        if connection.rx.ring.used() == 0:
            if connection.error:
                raise os_error(connection.error)
            if connection.eof:
                self._take_eof()
            return False
        if self.buffered:
            return self._fill_buffer()
        self.most = PIECE
        data = self.run(self.take)
        if data:
            self.protocol.data_received(data)
        return len(data) > 0

    def _fill_buffer(self) -> bool:
        buffer = self.protocol.get_buffer(-1)
        if not len(buffer):
            raise RuntimeError("get_buffer() returned an empty buffer")
        self.data = buffer
        try:
            n: int = self.run(self.fill)
        finally:
            self.data = None
        if n:
            self.protocol.buffer_updated(n)
        return n > 0

    def _take_eof(self) -> None:
        self.eof_received = True
        if not self.protocol.eof_received():
            self.close()

    # Under the driver's lock

    def take(self, now: int) -> bytes:
        """At most `most` received bytes."""
        connection = self.connection
        data = connection.rx.ring.read(self.most)
        if data:
            connection.after_read(now)
        else:
            connection.raise_error()
        return data

    def fill(self, now: int) -> int:
        """Receive into `data`; how many bytes."""
        return self.connection.read_into(self.data, now)

    def put(self, now: int) -> bool:
        """Write a chunk of `data`, from `done` on; whether the connection may take more."""
        n = self.connection.write(self.data, now, self.done, CHUNK)
        self.done += n
        return n == CHUNK

    def drain(self, now: int) -> bool:
        """Write a chunk of what waits; whether the connection took all of that."""
        waiting, written = self.waiting, 0
        while waiting and written < CHUNK:
            piece = waiting[0][:CHUNK]
            n = self.connection.write(piece, now)
            written += n
            self.waiting_size -= n
            if n == len(waiting[0]):
                waiting.popleft()
            else:
                waiting[0] = waiting[0][n:]
                if n < len(piece):
                    return False
        return True

    def push(self, now: int) -> None:
        """Send what was kept back for a full batch."""
        self.connection.push(now)

    def finish(self, now: int) -> None:
        """End our direction."""
        self.connection.shutdown_write(now)

    def leave(self, now: int) -> None:
        """End the connection in order."""
        self.connection.close(now)

    def break_off(self, now: int) -> None:
        """End the connection by a reset."""
        self.connection.abort(now)
        self.connection.close(now)

    # Out

    def write(self, data: Any) -> bool:
        """As asyncio.WriteTransport.write; False when the data is lost, as the connection is."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data: a bytes-like object is required, not {type(data).__name__!r}")
        if self.eof_written:
            raise RuntimeError("cannot write after write_eof()")
        size = size_of(data)
        if size == 0:
            return True
        if self.ended:
            return False
        done = 0
        if not self.waiting_size:
            try:
                done = self._send(data, size)
            except OSError as error:
                self.end(error)
                return True
        if done < size:
            self._keep(data, done)
            self.flow.update(self.waiting_size, self.protocol)
        return True

    def _send(self, data: Any, size: int) -> int:
        """Give the connection what it takes; how many bytes that was."""
        self.data, self.done = data, 0
        try:
            while self.run(self.put) and self.done < size:
                pass
        finally:
            self.data = None
        if self.connection.held:
            self._push_soon()
        return self.done

    def _keep(self, data: Any, done: int) -> None:
        """What has to wait: as it is, or a copy."""
        view = memoryview(data).cast("B")[done:]
        if not isinstance(data, bytes):
            view = memoryview(bytes(view))
        self.waiting.append(view)
        self.waiting_size += len(view)

    def _write_more(self) -> None:
        """The connection has room."""
        try:
            while self.waiting_size:
                if not self.run(self.drain):
                    break
        except OSError as error:
            self.end(error)
            return
        if self.connection.held:
            self._push_soon()
        self.flow.update(self.waiting_size, self.protocol)
        if not self.waiting_size and not self.ended:
            if self.closing:
                self.end(None)
            elif self.eof_written:
                self.run(self.finish)

    def _push_soon(self) -> None:
        """What was kept back for a full batch leaves when the loop has no more to run."""
        if not self.push_is_due:
            self.push_is_due = True
            self.loop.call_soon(self.push_due)

    def push_due(self) -> None:
        """What `_push_soon` asks the loop for."""
        self.push_is_due = False
        if self.connection.held and not self.ended and not self.driver.closed:
            self.run(self.push)

    def write_eof(self) -> None:
        """End our direction behind what was written."""
        if self.closing or self.eof_written:
            return
        self.eof_written = True
        if not self.waiting_size:
            self.run(self.finish)

    # The end

    def close(self) -> None:
        """Read no more; end in order when what was written has been sent."""
        if self.closing:
            return
        self.closing = True
        if not self.waiting_size:
            self.end(None)

    def fail(self, error: Exception, message: str) -> None:
        """The protocol's own fault."""
        self.loop.call_exception_handler(
            {"message": message, "exception": error, "transport": self.transport, "protocol": self.protocol}
        )
        self.end(error)

    def end(self, error: Exception | None, reset: bool = False) -> None:
        """Leave the connection; the protocol hears of it in the loop's next round."""
        if self.ended:
            return
        self.closing = self.ended = True
        self.waiting.clear()
        self.waiting_size = 0
        driver = self.driver
        driver.watchers.remove(self.id, self.ready)
        if not driver.closed and not driver.forked:
            driver.run(self.break_off if reset or error is not None else self.leave)
        self.loop.call_soon(self.lose, error)

    def lose(self, error: Exception | None) -> None:
        """The last that the protocol hears."""
        try:
            self.protocol.connection_lost(error)
        finally:
            if self.owner is not None:
                self.owner.detach(self.transport)
            self.transport = None
