"""UdpSockets: the node's UDP sockets, from which whole messages are drained and into which runs are sent.

A message carries up to 64 KiB of datagrams where Linux offers UDP_GRO and UDP_SEGMENT, else one datagram.
Nothing here waits, and nothing that a remote or a route does raises: it is counted in `stats`.
"""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Sequence

from .._core.datagram_batch import DatagramBatch, TransmitBatch
from .._core.endpoint import Endpoint, LocalSocket
from .._core.stats import Stats, register
from .binding import bind_all
from .capabilities import (
    SO_RXQ_OVFL,
    SOL_UDP,
    UDP_GRO,
    UDP_SEGMENT,
    UNREACHABLE,
    Capabilities,
    can_segment,
    control_space,
    enable_coalescing,
    enable_overflow_count,
    raise_buffers,
    route_payload,
    source_address,
)
from .endpoint_cache import EndpointCache

RECEIVE_BUFFER = 4 << 20
SEND_BUFFER = 1 << 20
MAX_MESSAGE = 65535  # what one receive can deliver with UDP_GRO
MAX_DATAGRAM = 10240  # without: more than the 10024 bytes of PROTOCOL-VL1 1.1
MAX_TOO_BIG = 64  # reports kept until take_too_big

RECEIVE_ERROR = register("io.receive_error")
TRUNCATED = register("io.truncated")
OVERFLOW = register("io.receive_buffer_overflow")
UNREACHABLE_DROP = register("io.unreachable")
SEND_ERROR = register("io.send_error")
TOO_BIG = register("io.too_big")
NO_SOCKET = register("io.no_socket")
SEGMENT_OFF = register("io.segmentation_given_up")

# Retrying a plain send can help against these: the error may be of an earlier datagram (ICMP).
_STALE = (errno.ECONNREFUSED, errno.ECONNRESET)
_WOULD_BLOCK = (errno.EAGAIN, errno.EWOULDBLOCK)


class UdpSocket:
    """One bound, non-blocking socket and what it can do."""

    __slots__ = ("coalesce", "endpoint", "number", "overflow", "segment", "sock")

    def __init__(self, number: int, sock: socket.socket) -> None:
        self.number = number
        self.sock = sock
        self.endpoint = Endpoint.parse(*sock.getsockname()[:2])
        self.segment = hasattr(sock, "sendmsg") and can_segment(sock)
        self.coalesce = hasattr(sock, "recvmsg_into") and enable_coalescing(sock)
        self.overflow = 0
        if self.coalesce:
            enable_overflow_count(sock)


class UdpSockets:
    """The sockets by number; `port` is the first one's, `capabilities` what all of them can do."""

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        if not sockets:
            raise ValueError("no sockets")
        buffers = [raise_buffers(sock, RECEIVE_BUFFER, SEND_BUFFER) for sock in sockets]
        self.sockets = [UdpSocket(number, sock) for number, sock in enumerate(sockets)]
        self.port: int = self.sockets[0].endpoint.port
        self.capabilities = Capabilities(
            segment=all(s.segment for s in self.sockets),
            coalesce=all(s.coalesce for s in self.sockets),
            receive_buffer=min(receive for receive, _ in buffers),
            send_buffer=min(send for _, send in buffers),
        )
        self.stats = Stats()
        self.cache = EndpointCache()
        self._too_big: list[tuple[int, Endpoint, int]] = []
        self._blocked: UdpSocket | None = None
        self._resume = 0  # bytes of the blocked run that have left
        self._left_now = 0  # of them, those of the last _send_run
        self._turn = 0  # the socket that the next drain begins with
        self._control = control_space()

    @classmethod
    def open(cls, port: int = 0, bind: Sequence[str] = (), *, fixed: bool = False) -> UdpSockets:
        """Bind one socket for each IP of `bind` (none: every IPv4 and IPv6 address), all on one port.

        A `port` that is taken is an OSError when `fixed`, else another one is chosen; 0 chooses.
        """
        return cls(bind_all(port, bind, fixed))

    def local(self) -> list[LocalSocket]:
        """The sockets as the core knows them: number and bound endpoint."""
        return [LocalSocket(s.number, s.endpoint) for s in self.sockets]

    def reachable_at(self) -> list[Endpoint]:
        """Where hosts beside us may reach sockets that are bound to every address."""
        found = []
        for s in self.sockets:
            if not any(s.endpoint.packed):
                source = source_address(s.sock.family)
                if source is not None:
                    found.append(Endpoint(source.ip, s.endpoint.port))
        return found

    def filenos(self) -> list[int]:
        """The descriptors to watch for arriving datagrams."""
        return [s.sock.fileno() for s in self.sockets]

    def blocked(self) -> list[int]:
        """The descriptors to watch for room to send, after a `send` that did not send all."""
        return [] if self._blocked is None else [self._blocked.sock.fileno()]

    def take_too_big(self) -> list[tuple[int, Endpoint, int]]:
        """(socket, endpoint, bytes) of datagrams that did not fit their route since the last call."""
        found, self._too_big = self._too_big, []
        return found

    def close(self) -> None:
        """Close the sockets. Harmless when repeated."""
        for s in self.sockets:
            s.sock.close()

    # -- in

    def drain(self, batch: DatagramBatch, max_messages: int) -> int:
        """Append up to `max_messages` messages to the batch, from each socket in turn; how many."""
        before = batch.count
        last = before - 1
        offset = sum(batch.message(last)[:2]) if before else 0
        count = len(self.sockets)
        first, self._turn = self._turn, (self._turn + 1) % count
        for i in range(count):
            left = max_messages - (batch.count - before)
            if left <= 0:
                break
            # The sockets behind this one get at least one message each, whatever arrives here.
            share = max(left - (count - 1 - i), 1)
            offset = self._drain_one(self.sockets[(first + i) % count], batch, offset, share)
        return batch.count - before

    def _drain_one(self, s: UdpSocket, batch: DatagramBatch, offset: int, most: int) -> int:
        """Receive up to `most` messages at `offset` of the slab; the offset behind them."""
        slab = batch.slab
        room = MAX_MESSAGE if s.coalesce else MAX_DATAGRAM
        for _ in range(most):
            if offset + room > slab.size:
                break
            view = slab.view[offset : offset + room]
            try:
                n, stride, address = self._receive(s, view)
            except BlockingIOError:
                break
            except OSError:  # Windows tells here of an ICMP error for an earlier send
                self.stats.drop(RECEIVE_ERROR)
                continue
            if n <= 0:
                continue
            if not batch.add(offset, n, stride, s.number, self.cache.endpoint(address)):
                break
            offset += n
        return offset

    def _receive(self, s: UdpSocket, view: memoryview) -> tuple[int, int, object]:
        """One receive: (bytes, stride or 0, sender); 0 bytes for a message that is of no use."""
        if not s.coalesce:
            n, address = s.sock.recvfrom_into(view)
            return n, 0, address
        n, control, flags, address = s.sock.recvmsg_into([view], self._control)
        stride = 0
        for level, kind, data in control:
            if level == SOL_UDP and kind == UDP_GRO:
                stride = int.from_bytes(data[:4], sys.byteorder)
            elif level == socket.SOL_SOCKET and kind == SO_RXQ_OVFL:
                self._count_overflow(s, int.from_bytes(data[:4], sys.byteorder))
        if flags & socket.MSG_TRUNC or (flags & socket.MSG_CTRUNC and not stride):
            self.stats.drop(TRUNCATED)  # without its stride a message cannot be cut into datagrams
            return 0, 0, address
        return n, stride, address

    def _count_overflow(self, s: UdpSocket, dropped: int) -> None:
        """The kernel's count of messages dropped by this socket, 32 bits."""
        self.stats.add(OVERFLOW, (dropped - s.overflow) & 0xFFFFFFFF)
        s.overflow = dropped

    # -- out

    def send(self, out: TransmitBatch, first: int = 0) -> int:
        """Send the runs from number `first` on; the first that has not left whole (`out.count`: all have).

        Less than `out.count`: its socket has no room now; call again with that number when it has.
        """
        self._blocked = None
        for i in range(first, out.count):
            offset, length, segment, number, endpoint = out.run(i)
            if not 0 <= number < len(self.sockets) or endpoint.is_v4 != self.sockets[number].endpoint.is_v4:
                self.stats.drop(NO_SOCKET)
                continue
            s = self.sockets[number]
            start = offset + self._resume
            if not self._send_run(s, out.slab.view, start, offset + length, segment, endpoint):
                self._blocked = s
                self._resume += self._left_now
                return i
            self._resume = 0
        return out.count

    def _send_run(
        self, s: UdpSocket, view: memoryview, start: int, end: int, segment: int, endpoint: Endpoint
    ) -> bool:
        """Send slab[start:end] in datagrams of `segment` bytes; False when the socket blocks."""
        address = self.cache.address(endpoint)
        self._left_now = 0
        if s.segment and end - start > segment:
            control = [(SOL_UDP, UDP_SEGMENT, segment.to_bytes(2, sys.byteorder))]
            try:
                s.sock.sendmsg([view[start:end]], control, 0, address)
                return True
            except OSError as error:
                if error.errno in _WOULD_BLOCK:
                    return False
                if not self._segmentation_failed(s, error, segment, endpoint):
                    return True
        for at in range(start, end, segment):
            if not self._send_one(s, view[at : min(at + segment, end)], address, endpoint):
                return False
            self._left_now += segment
        return True

    def _segmentation_failed(self, s: UdpSocket, error: OSError, segment: int, endpoint: Endpoint) -> bool:
        """Judge a segmented send that failed; whether to send its datagrams one by one.

        A segment that does not fit the route is the usual cause: it is reported, so that the path shrinks.
        When a fitting one fails too, the socket sends one by one from now on (EIO: no checksum offload).
        """
        if error.errno not in (errno.EMSGSIZE, errno.EINVAL, errno.EIO):
            self._count_failure(error)
            return False
        fitting = route_payload(endpoint)
        if error.errno == errno.EIO or fitting >= segment:
            s.segment = False
            self.stats.drop(SEGMENT_OFF)
        else:
            self._report(s, endpoint, fitting + 1 if fitting > 0 else segment)
        return True

    def _send_one(self, s: UdpSocket, data: memoryview, address: tuple[str, int], endpoint: Endpoint) -> bool:
        """Send one datagram; False when the socket blocks, True when it has left or is lost."""
        for _ in range(2):
            try:
                s.sock.sendto(data, address)
            except OSError as error:
                if error.errno in _WOULD_BLOCK:
                    return False
                if error.errno in _STALE:
                    continue
                if error.errno == errno.EMSGSIZE:
                    fitting = route_payload(endpoint)
                    self._report(s, endpoint, fitting + 1 if 0 < fitting < len(data) else len(data))
                else:
                    self._count_failure(error)
            return True
        self.stats.drop(UNREACHABLE_DROP)
        return True

    def _count_failure(self, error: OSError) -> None:
        self.stats.drop(UNREACHABLE_DROP if error.errno in UNREACHABLE else SEND_ERROR)

    def _report(self, s: UdpSocket, endpoint: Endpoint, size: int) -> None:
        """Note that a datagram of `size` bytes does not fit."""
        self.stats.drop(TOO_BIG)
        report = (s.number, endpoint, size)
        if len(self._too_big) < MAX_TOO_BIG and report not in self._too_big:
            self._too_big.append(report)
