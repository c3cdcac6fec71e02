"""DatagramBatch (what came in) and TransmitBatch (what goes out): one slab, then parallel arrays of ranges.

A message is what one system call moves: up to 64 KiB of datagrams of equal size (`stride`), of which only
the last may be shorter (UDP_GRO on the way in, UDP_SEGMENT on the way out).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .endpoint import Endpoint
from .slab import Slab

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    MAX_MESSAGES = 64
    MAX_SEGMENTS = 64  # UDP_MAX_SEGMENTS of Linux
    MAX_UDP_PAYLOAD = 65507  # RFC 768 over IPv4


class DatagramBatch:
    """Messages received by one drain: at most 64, in `slab`.

    Message i covers slab[offset[i] : offset[i] + length[i]]; its datagrams start every `stride[i]` bytes.
    `socket[i]` is the driver's number of the local socket, `endpoint[i]` who sent it.
    """

    if not cython.compiled:
        __slots__ = ("count", "endpoint", "length", "offset", "slab", "socket", "stride")

    def __init__(self, slab: Slab) -> None:
        self.slab = slab
        self.count = 0
        self.endpoint: list[Endpoint] = []
        if not cython.compiled:
            self.offset = [0] * MAX_MESSAGES
            self.length = [0] * MAX_MESSAGES
            self.stride = [0] * MAX_MESSAGES
            self.socket = [0] * MAX_MESSAGES

    def add(self, offset: int, length: int, stride: int, socket: int, endpoint: Endpoint) -> bool:
        """Append a message; a stride of 0 means one datagram. False when the batch is full."""
        i = self.count
        if i >= MAX_MESSAGES or length <= 0:
            return False
        self.offset[i] = offset
        self.length[i] = length
        self.stride[i] = stride if 0 < stride < length else length
        self.socket[i] = socket
        self.endpoint.append(endpoint)
        self.count = i + 1
        return True

    def message(self, i: int) -> tuple[int, int, int, int, Endpoint]:
        """Message i as (offset, length, stride, socket, endpoint), for code outside the hot way."""
        if not 0 <= i < self.count:
            raise IndexError(i)
        return self.offset[i], self.length[i], self.stride[i], self.socket[i], self.endpoint[i]

    def clear(self) -> None:
        """Forget the messages; the slab's bytes stay."""
        self.count = 0
        self.endpoint.clear()


class TransmitBatch:
    """Datagrams to send, back to back in `slab`, grouped into runs that one system call can carry.

    Write a datagram at `reserve(n)`, then `commit` it: it joins the last run when socket and endpoint are the
    same and its size fits, else it starts a new one. Run i covers slab[offset[i] : offset[i] + length[i]] in
    steps of `segment[i]`.
    """

    if not cython.compiled:
        __slots__ = (
            "closed",
            "count",
            "endpoint",
            "length",
            "offset",
            "segment",
            "segments",
            "slab",
            "socket",
            "used",
        )

    def __init__(self, slab: Slab) -> None:
        self.slab = slab
        self.count = 0
        self.used = 0
        self.closed = True
        self.endpoint: list[Endpoint] = []
        if not cython.compiled:
            self.offset = [0] * MAX_MESSAGES
            self.length = [0] * MAX_MESSAGES
            self.segment = [0] * MAX_MESSAGES
            self.segments = [0] * MAX_MESSAGES
            self.socket = [0] * MAX_MESSAGES

    def reserve(self, n: int) -> int:
        """Where the next datagram of up to `n` bytes goes, or -1 when the batch is full."""
        if self.used + n > self.slab.size or self.count >= MAX_MESSAGES:
            return -1
        return self.used

    def commit(self, n: int, socket: int, endpoint: Endpoint) -> None:
        """Append the `n` bytes written at `used` as one datagram."""
        i = self.count - 1
        if (
            not self.closed
            and n <= self.segment[i]
            and self.segments[i] < MAX_SEGMENTS
            and self.length[i] + n <= MAX_UDP_PAYLOAD
            and self.socket[i] == socket
            and self.same_endpoint(i, endpoint)
        ):
            self.length[i] += n
            self.segments[i] += 1
            self.closed = n < self.segment[i]
        else:
            self.start_run(n, socket, endpoint)
        self.used += n

    def repeat(self, n: int, most: int) -> int:
        """Append up to `most` more datagrams to the last run, whose datagrams have `n` bytes; how many.

        They begin where `used` was; their bytes are written afterwards.
        """
        i = self.count - 1
        if i < 0 or self.closed or n != self.segment[i]:
            return 0
        most = min(most, MAX_SEGMENTS - self.segments[i], (MAX_UDP_PAYLOAD - self.length[i]) // n)
        most = min(most, (self.slab.size - self.used) // n)
        if most <= 0:
            return 0
        self.length[i] += most * n
        self.segments[i] += most
        self.used += most * n
        return most

    def same_endpoint(self, i: int, endpoint: Endpoint) -> bool:
        """Whether run i goes to this endpoint."""
        known = self.endpoint[i]
        return known is endpoint or known == endpoint

    def start_run(self, n: int, socket: int, endpoint: Endpoint) -> None:
        """Open a run with a datagram of `n` bytes; `reserve` has seen to it that there is room."""
        i = self.count
        self.offset[i] = self.used
        self.length[i] = n
        self.segment[i] = n
        self.segments[i] = 1
        self.socket[i] = socket
        self.endpoint.append(endpoint)
        self.count = i + 1
        self.closed = False

    def run(self, i: int) -> tuple[int, int, int, int, Endpoint]:
        """Run i as (offset, length, segment size, socket, endpoint), for code outside the hot way."""
        if not 0 <= i < self.count:
            raise IndexError(i)
        return self.offset[i], self.length[i], self.segment[i], self.socket[i], self.endpoint[i]

    def clear(self) -> None:
        """Forget the runs; the slab's bytes stay."""
        self.count = 0
        self.used = 0
        self.closed = True
        self.endpoint.clear()
