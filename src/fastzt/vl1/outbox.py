"""Outbox: control datagrams waiting for the driver to take them, first in first out, capped."""

from __future__ import annotations

from collections import deque

from .._core.datagram_batch import TransmitBatch
from .._core.endpoint import Endpoint

Datagram = tuple[bytes, int, Endpoint]


class Outbox:
    """Queued datagrams with the socket and endpoint they leave by; the oldest is dropped when it is full."""

    def __init__(self, limit: int) -> None:
        self.queue: deque[Datagram] = deque()
        self.limit = limit
        self.dropped = 0

    def put(self, data: bytes, socket: int, endpoint: Endpoint) -> None:
        """Queue one datagram."""
        if len(self.queue) >= self.limit:
            self.queue.popleft()
            self.dropped += 1
        self.queue.append((data, socket, endpoint))

    def transmit(self, out: TransmitBatch) -> bool:
        """Move datagrams into the batch until it is full; True when more remain."""
        queue = self.queue
        while queue:
            data, socket, endpoint = queue[0]
            size = len(data)
            offset = out.reserve(size)
            if offset < 0:
                return True
            out.slab.view[offset : offset + size] = data
            out.commit(size, socket, endpoint)
            queue.popleft()
        return False

    def __len__(self) -> int:
        return len(self.queue)
