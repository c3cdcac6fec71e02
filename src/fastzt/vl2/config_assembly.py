"""ConfigAssembly: puts the verified chunks of network configs together (PROTOCOL-VL2 2.4)."""

from __future__ import annotations

from ..wire.config_chunk import MAX_CHUNKS, ConfigChunk

MAX_UPDATES = 3  # configs under assembly at once


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

    __slots__ = ("evicted", "updates")

    def __init__(self) -> None:
        self.updates: dict[int, Update] = {}
        self.evicted = 0

    def add(self, chunk: ConfigChunk, now: int) -> bytes | None:
        """The whole dictionary when this chunk was the last one missing, else None."""
        update = self.updates.get(chunk.update_id)
        if update is None or len(update.buffer) != chunk.total:
            update = self.open(chunk)
        if chunk.key in update.keys or len(update.keys) >= MAX_CHUNKS:
            return None
        update.keys.add(chunk.key)
        update.buffer[chunk.offset : chunk.offset + len(chunk.data)] = chunk.data
        update.received += len(chunk.data)
        update.touched = now
        if update.received < chunk.total:
            return None
        del self.updates[chunk.update_id]
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
