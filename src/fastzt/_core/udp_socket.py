"""UdpSocket: one bound, non-blocking UDP socket that receives into a batch and sends runs of one.

A message carries up to 64 KiB of datagrams where Linux offers UDP_GRO and UDP_SEGMENT, else one datagram.
On Linux the compiled build makes the system calls itself: without an object for each message, and with the
GIL held, for each release costs milliseconds beside a CPU-bound thread.
"""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

from .datagram_batch import DatagramBatch, TransmitBatch
from .endpoint import Endpoint
from .endpoint_cache import EndpointCache
from .kernels import udp as library
from .slab import Slab
from .stats import Stats, register

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .kernels.udp import has_native, receive, send

    MAX_MESSAGE = 65535  # what one receive can deliver with UDP_GRO
    MAX_DATAGRAM = 10240  # without: more than the 10024 bytes of PROTOCOL-VL1 1.1
    SENDERS = 256
    CONTROL_SPACE = 96  # the segment size and the overflow count, which comes only after the first drop

RECEIVE_ERROR = register("io.receive_error")
TRUNCATED = register("io.truncated")
OVERFLOW = register("io.receive_buffer_overflow")
NOBODY = Endpoint(bytes(16), 0)
_WOULD_BLOCK = (errno.EAGAIN, errno.EWOULDBLOCK)


class UdpSocket:
    """Socket `number` of a node; `segment` and `coalesce`: it has UDP_SEGMENT, UDP_GRO.

    `native=False` takes the standard library's calls in any build.
    """

    if not cython.compiled:
        __slots__ = (  # known: the endpoints that the compiled build remembers
            "cache",
            "coalesce",
            "control_space",
            "dropped",
            "endpoint",
            "fd",
            "known",
            "native",
            "number",
            "overflow",
            "segment",
            "sender",
            "sock",
            "stats",
            "stride",
            "truncated",
        )

    def __init__(
        self,
        number: int,
        sock: socket.socket,
        stats: Stats,
        *,
        segment: bool = False,
        coalesce: bool = False,
        native: bool = True,
    ) -> None:
        self.number = number
        self.sock = sock
        self.fd = sock.fileno()
        self.endpoint = Endpoint.parse(*sock.getsockname()[:2])
        self.stats = stats
        self.segment = segment
        self.coalesce = coalesce
        self.native = native and has_native()
        self.control_space = CONTROL_SPACE
        self.cache = EndpointCache()
        self.overflow = 0  # messages that the kernel dropped, as last told
        # Of the message received last:
        self.sender = NOBODY
        self.stride = 0
        self.truncated = False
        self.dropped = -1
        if cython.compiled:
            self.known: list[Endpoint | None] = [None] * SENDERS

    def fileno(self) -> int:
        """The descriptor, -1 after close."""
        return self.fd

    def close(self) -> None:
        """Close the socket. Harmless when repeated."""
        self.fd = -1  # the system may give the number to another file
        self.sock.close()

    def drain(self, batch: DatagramBatch, most: int, offset: int) -> int:
        """Receive up to `most` messages at `offset` of the batch's slab; the offset behind the last."""
        slab = batch.slab
        room = MAX_MESSAGE if self.coalesce else MAX_DATAGRAM
        for _ in range(most):
            if offset + room > slab.size:
                break
            n = self.receive(slab, offset, room)
            if n < 0:
                break
            if n > 0:
                if not batch.add(offset, n, self.stride, self.number, self.sender):
                    break
                offset += n
        return offset

    def receive(self, slab: Slab, offset: int, room: int) -> int:
        """One message: its length, 0 for one that is of no use, -1 when there is none."""
        if self.native:
            n = receive(self, slab, offset, room)
        else:
            n = library.receive(self, slab, offset, room)
        if n < 0:
            return self.failed(-n)
        if self.dropped >= 0:
            self.stats.add(OVERFLOW, (self.dropped - self.overflow) & 0xFFFFFFFF)
            self.overflow = self.dropped
        if self.truncated:
            self.stats.drop(TRUNCATED)
            return 0
        return n

    def failed(self, error: int) -> int:
        """Judge a receive that failed: -1: nothing is there, else 0 (Windows tells here of ICMP errors)."""
        if error in _WOULD_BLOCK:
            return -1
        self.stats.drop(RECEIVE_ERROR)
        return 0

    def send(self, out: TransmitBatch, i: int, start: int, length: int) -> int:
        """Send `length` bytes of run i, from byte `start` of it on, as one message; 0 or errno.

        More than the run's segment size needs UDP_SEGMENT.
        """
        if not 0 <= i < out.count or start < 0 or length <= 0 or start + length > out.length[i]:
            return errno.EINVAL
        if self.native:
            return send(self, out, i, start, length)
        return library.send(self, out, i, start, length)
