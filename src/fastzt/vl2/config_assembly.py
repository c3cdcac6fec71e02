"""ConfigAssembly: puts the verified chunks of network configs together (PROTOCOL-VL2 2.4)."""

from __future__ import annotations

from collections import deque

from ..wire.config_chunk import MAX_CHUNKS, ConfigChunk

MAX_UPDATES = 3  # configs under assembly at once
MAX_COMPLETED = 32  # ids of configs that were completed lately


class Update:
    """One config under assembly: its buffer, how many bytes have come, and the keys of the chunks seen."""

    __slots__ = ("buffer", "keys", "received", "touched")

    def __init__(self, total: int) -> None:
        self.buffer = bytearray(total)
        self.received = 0
        self.keys: set[bytes] = set()
        self.touched = 0


class ConfigAssembly:
    """At most three updates by id; the one that has rested for the longest gives way to a fourth.

    Takes only chunks whose signature has been verified, so that nobody but the controller can displace one.
    """

    __slots__ = ("completed", "evicted", "updates")

    def __init__(self) -> None:
        self.updates: dict[int, Update] = {}
        self.completed: deque[int] = deque(maxlen=MAX_COMPLETED)
        self.evicted = 0

    def is_new(self, chunk: ConfigChunk) -> bool:
        """Whether the chunk belongs to no config completed lately and has not come before."""
        if chunk.update_id in self.completed:
            return False
        update = self.updates.get(chunk.update_id)
        return update is None or chunk.key not in update.keys

    def add(self, chunk: ConfigChunk, now: int) -> bytes | None:
        """The whole dictionary when this chunk was the last one missing, else None."""
        if not self.is_new(chunk):
            return None
        update = self.updates.get(chunk.update_id)
        if update is None or len(update.buffer) != chunk.total:
            update = self.open(chunk)
        if len(update.keys) >= MAX_CHUNKS:
            return None
        update.keys.add(chunk.key)
        update.buffer[chunk.offset : chunk.offset + len(chunk.data)] = chunk.data
        update.received += len(chunk.data)
        update.touched = now
        if update.received < chunk.total:
            return None
        del self.updates[chunk.update_id]
        self.completed.append(chunk.update_id)
        return bytes(update.buffer)

    def open(self, chunk: ConfigChunk) -> Update:
        """Begin an update, in the place of the one that was touched the longest ago if there are three."""
        if chunk.update_id not in self.updates and len(self.updates) >= MAX_UPDATES:
            oldest = min(self.updates, key=lambda update_id: self.updates[update_id].touched)
            del self.updates[oldest]
            self.evicted += 1
        update = Update(chunk.total)
        self.updates[chunk.update_id] = update
        return update
