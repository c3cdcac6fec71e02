"""Outbox: control datagrams waiting for the driver to take them, first in first out, capped."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from .._core.datagram_batch import TransmitBatch
from .._core.endpoint import Endpoint

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .._core.access import put_bytes


class Outbox:
    """Queued datagrams with the socket and endpoint they leave by; the oldest is dropped when it is full."""

    if not cython.compiled:
        __slots__ = ("dropped", "limit", "queue", "waiting")

    def __init__(self, limit: int) -> None:
        self.queue: deque[tuple[bytes, int, Endpoint]] = deque()
        self.limit = limit
        self.waiting = 0
        self.dropped = 0

    def put(self, data: bytes, socket: int, endpoint: Endpoint) -> None:
        """Queue one datagram."""
        if self.waiting >= self.limit:
            self.queue.popleft()
            self.waiting -= 1
            self.dropped += 1
        self.queue.append((data, socket, endpoint))
        self.waiting += 1

    def transmit(self, out: TransmitBatch) -> bool:
        """Move datagrams into the batch until it is full; True when more remain."""
        while self.waiting:
            data, socket, endpoint = self.queue[0]
            size = len(data)
            offset = out.reserve(size)
            if offset < 0:
                return True
            put_bytes(out.slab, offset, data)
            out.commit(size, socket, endpoint)
            self.queue.popleft()
            self.waiting -= 1
        return False

    def __len__(self) -> int:
        return self.waiting
