"""Tunnel: UDP datagrams through a TCP relay, as one more local socket, for when UDP itself is blocked."""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
import weakref
from collections.abc import Callable

from .._core.datagram_batch import DatagramBatch, TransmitBatch
from .._core.endpoint import Endpoint
from .._core.slab import Slab
from ..wire import tcp_relay
from ..wire.hello import VERSION
from ..wire.reader import Malformed
from .upstream import UpstreamProxy, dial

CONNECT_TIMEOUT = 5.0
CLOSE_TIMEOUT = 0.5
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # between attempts to connect
MAX_PENDING = 256 << 10  # bytes that wait for room in the connection; more is lost, as it is over UDP
READ = 1 << 16
BATCH = 32  # datagrams handed on together
LONGEST_WAIT = 30.0
log = logging.getLogger("fastzt")

Receive = Callable[[DatagramBatch], None]
Changed = Callable[[bool], None]


class Tunnel:
    """A connection to the relay at `relay`, kept up by a thread while it is wanted.

    `receive` is given what arrives, as from local socket `number`; `changed` hears whether the connection is
    up. Both are called on the tunnel's thread. `lost` counts datagrams for which there was no room.
    `upstream`: the proxy that leads to the relay.
    """

    def __init__(
        self,
        relay: Endpoint,
        number: int,
        receive: Receive,
        changed: Changed,
        upstream: UpstreamProxy | None = None,
    ) -> None:
        self.relay = relay
        self.upstream = upstream
        self.number = number
        self.lost = 0
        self._receive = receive
        self._changed = changed
        self._batch = DatagramBatch(Slab(BATCH * tcp_relay.MAX_DATAGRAM))
        self._lock = threading.Lock()
        self._pending = bytearray()
        self._sock: socket.socket | None = None
        self._wanted = threading.Event()
        self._ended = threading.Event()
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            weakref.finalize(self, end.close)  # for a node that nobody closes
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._thread: threading.Thread | None = None

    @property
    def is_up(self) -> bool:
        """Whether it is connected."""
        return self._sock is not None

    def want(self, wanted: bool) -> None:
        """Keep a connection up from now on, or no longer; neither blocks."""
        if wanted:
            self._wanted.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="fastzt-tunnel", daemon=True)
                self._thread.start()
        else:
            self._wanted.clear()
            self._wake()

    def send(self, out: TransmitBatch, i: int) -> None:
        """Send the datagrams of run i, or lose those for which there is no room."""
        offset, length, segment, _, endpoint = out.run(i)
        with self._lock:
            if self._sock is None:
                self.lost += 1
                return
            idle = not self._pending
            for start in range(offset, offset + length, segment):
                data = bytes(out.slab.view[start : min(start + segment, offset + length)])
                if len(data) > tcp_relay.MAX_DATAGRAM or len(self._pending) > MAX_PENDING:
                    self.lost += 1
                else:
                    self._pending += tcp_relay.datagram(endpoint, data)
            self._flush(self._sock)
            if idle and self._pending:
                self._wake()

    def _flush(self, sock: socket.socket) -> None:
        """Under the lock: send what the connection takes."""
        with contextlib.suppress(OSError):  # would block, or has ended: the thread sees to it
            while self._pending:
                del self._pending[: sock.send(self._pending)]

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            self._writer.send(b"\0")

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._ended.is_set():
            if not self._wanted.wait(LONGEST_WAIT):
                continue
            try:
                self._connection()
                pause = FIRST_PAUSE
            except (OSError, Malformed) as error:
                log.info("TCP relay %s: %s", self.relay, error)
                self._ended.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            except Exception:
                log.exception("an error in the tunnel through %s", self.relay)
                self._ended.wait(LONGEST_PAUSE)

    def _dial(self) -> socket.socket:
        host, port = str(self.relay.address), self.relay.port
        if self.upstream is not None:
            return dial(self.upstream, host, port, CONNECT_TIMEOUT)
        return socket.create_connection((host, port), CONNECT_TIMEOUT)

    def _connection(self) -> None:
        """One connection, for as long as it lasts and is wanted."""
        with self._dial() as sock:
            if self._ended.is_set():
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.sendall(tcp_relay.greeting(VERSION))
            sock.setblocking(False)
            with self._lock:
                self._pending.clear()
                self._sock = sock
            try:
                self._changed(True)
                self._serve(sock)
            finally:
                with self._lock:
                    self._sock = None
                self._changed(False)

    def _serve(self, sock: socket.socket) -> None:
        records = tcp_relay.Records()
        with selectors.DefaultSelector() as selector:
            selector.register(self._reader, selectors.EVENT_READ)
            selector.register(sock, selectors.EVENT_READ)
            while self._wanted.is_set() and not self._ended.is_set():
                writing = selectors.EVENT_WRITE if self._pending else 0
                selector.modify(sock, selectors.EVENT_READ | writing)
                for key, events in selector.select(LONGEST_WAIT):
                    if key.fileobj is sock:
                        self._ready(sock, events, records)
                    else:
                        with contextlib.suppress(OSError):
                            self._reader.recv(READ)

    def _ready(self, sock: socket.socket, events: int, records: tcp_relay.Records) -> None:
        if events & selectors.EVENT_WRITE:
            with self._lock:
                self._flush(sock)
        if events & selectors.EVENT_READ:
            data = sock.recv(READ)
            if not data:
                raise OSError("the relay has closed the connection")
            self._take(records, data)

    def _take(self, records: tcp_relay.Records, data: bytes) -> None:
        """Hand on the datagrams that have arrived."""
        batch, offset = self._batch, 0
        for body in records.feed(data):
            found = tcp_relay.parse_datagram(body)
            if found is None or not 0 < len(found[1]) <= tcp_relay.MAX_DATAGRAM:
                continue
            batch.slab.view[offset : offset + len(found[1])] = found[1]
            batch.add(offset, len(found[1]), 0, self.number, found[0])
            offset += len(found[1])
            if batch.count == BATCH:
                self._hand_on()
                offset = 0
        self._hand_on()

    def _hand_on(self) -> None:
        if self._batch.count:
            try:
                self._receive(self._batch)
            finally:
                self._batch.clear()

    def close(self) -> None:
        """End the thread. Harmless when repeated."""
        if not self._ended.is_set():
            self._ended.set()
            self._wanted.set()
            self._wake()
            if self._thread is not None and self._thread is not threading.current_thread():
                self._thread.join(CLOSE_TIMEOUT)  # one that is connecting ends by itself
            self._reader.close()
            self._writer.close()

    def abandon(self) -> None:
        """In a forked child: close the descriptors."""
        self._ended.set()
        for sock in (self._reader, self._writer, self._sock):
            if sock is not None:
                sock.close()
