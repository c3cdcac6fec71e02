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
from .stats import Stats, register

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .kernels.udp import (
        dropped_of,
        has_native,
        length_of,
        receive,
        send,
        sender_of,
        stride_of,
        truncated,
    )

    MAX_MESSAGE = 65535  # what one receive can deliver with UDP_GRO
    MAX_DATAGRAM = 10240  # without: more than the 10024 bytes of PROTOCOL-VL1 1.1
    MAX_MESSAGES = 64  # of a batch
    SENDERS = 256
    VECTOR = 16  # messages of one call
    SLOT_GAP = 193  # between messages of one call: they do not begin in the same set of the cache
    CONTROL_SPACE = 96  # the segment size and the overflow count, which comes only after the first drop

RECEIVE_ERROR = register("io.receive_error")
TRUNCATED = register("io.truncated")
OVERFLOW = register("io.receive_buffer_overflow")
NOBODY = Endpoint(bytes(16), 0)
NOTHING = library.Received(0, NOBODY)
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
            "endpoint",
            "fd",
            "known",
            "native",
            "number",
            "overflow",
            "received",
            "recent",
            "segment",
            "sender",
            "sock",
            "stats",
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
        self.recent = 0  # messages that the last call gave
        self.received = NOTHING  # by the standard library
        self.sender = NOBODY
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
        """Receive up to `most` messages from `offset` of the batch's slab on; the end of the last one."""
        slab = batch.slab
        room = MAX_MESSAGE if self.coalesce else MAX_DATAGRAM
        slot = room + SLOT_GAP
        most = min(most, MAX_MESSAGES - batch.count)
        while most > 0 and offset + room <= slab.size:
            asked = self.ask(most, slab.size - offset - room, slot)
            if self.native:
                count = receive(self, slab, offset, room, slot, asked)
            else:
                count = library.receive(self, slab, offset, room, slot, asked)
            if count < 0:
                if self.failed(-count):
                    break
                count = 1
            else:
                offset = self.take(batch, count, offset, slot)
                if count < asked:
                    break
            most -= count
        return offset

    def ask(self, most: int, space: int, slot: int) -> int:
        """How many messages to ask for: a few more than came of late; `space` is for those behind one."""
        asked = 1 + space // slot
        if asked > 2 * self.recent + 2:
            asked = 2 * self.recent + 2
        if asked > most:
            asked = most
        if not self.native:
            return 1
        return asked if asked < VECTOR else VECTOR

    def take(self, batch: DatagramBatch, count: int, offset: int, slot: int) -> int:
        """Put the messages received into the batch; the end of the last one."""
        self.recent = count
        n = 0
        for i in range(count):
            n = length_of(self, i)
            if self.usable(i):
                batch.add(offset + i * slot, n, stride_of(self, i), self.number, sender_of(self, i))
        return offset + (count - 1) * slot + n

    def usable(self, i: int) -> bool:
        """Count what the kernel dropped before a message; whether it is whole."""
        dropped = dropped_of(self, i)
        if dropped >= 0:
            self.stats.add(OVERFLOW, (dropped - self.overflow) & 0xFFFFFFFF)
            self.overflow = dropped
        if truncated(self, i):
            self.stats.drop(TRUNCATED)
            return False
        return True

    def failed(self, error: int) -> bool:
        """After a failed receive: whether nothing is there; any other error is counted (Windows: ICMP)."""
        if error in _WOULD_BLOCK:
            return True
        self.stats.drop(RECEIVE_ERROR)
        return False

    def send(self, out: TransmitBatch, i: int, start: int, length: int) -> int:
        """Send `length` bytes of run i, from byte `start` of it on, as one message; 0 or errno.

        More than the run's segment size needs UDP_SEGMENT.
        """
        if not 0 <= i < out.count or start < 0 or length <= 0 or start + length > out.length[i]:
            return errno.EINVAL
        if self.native:
            return send(self, out, i, start, length)
        return library.send(self, out, i, start, length)
