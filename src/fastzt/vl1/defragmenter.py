"""Defragmenter: packets put together from a head and up to six fragments (PROTOCOL-VL1 4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.endpoint import Endpoint
from .._core.slab import Slab
from .path import Path

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .._core.access import move

    ENTRIES = 32
    MAX_PIECES = 7
    MAX_PACKET = 10024

NOWHERE = Path(-1, Endpoint(bytes(16), 0))


class Assembly:
    """The pieces of one packet, in order of arrival in a slab; piece 0 is the head."""

    if not cython.compiled:
        __slots__ = (
            "has_head",
            "have",
            "length",
            "offset",
            "packet_id",
            "path",
            "since",
            "slab",
            "total",
            "used",
        )

    def __init__(self) -> None:
        self.slab = Slab(MAX_PACKET)
        self.path = NOWHERE
        if not cython.compiled:
            self.offset = [0] * MAX_PIECES
            self.length = [0] * MAX_PIECES
        self.open(0, 0)
        self.since = -1

    def open(self, packet_id: int, now: int) -> None:
        """Begin a packet."""
        self.packet_id = packet_id
        self.since = now
        self.total = 0
        self.have = 0
        self.has_head = False
        self.used = 0
        for i in range(MAX_PIECES):
            self.length[i] = 0

    def put(self, number: int, slab: Slab, offset: int, n: int) -> bool:
        """Keep a piece; False for one that is here already or does not fit."""
        if self.length[number] or self.used + n > MAX_PACKET:
            return False
        move(self.slab, self.used, slab, offset, n)
        self.offset[number] = self.used
        self.length[number] = n
        self.used += n
        self.have += 1
        return True


class Defragmenter:
    """32 packets at most, found by packet id; a new one takes the place of the oldest.

    When a call completes a packet it returns its length: it is then at the start of `slab`, and `path` is
    where its head came from. Otherwise it returns 0.
    """

    if not cython.compiled:
        __slots__ = ("entries", "overwritten", "path", "slab", "turn")

    def __init__(self) -> None:
        self.entries: list[Assembly] = []
        self.turn = 0
        self.slab = Slab(MAX_PACKET)
        self.path = NOWHERE
        self.overwritten = 0

    def find(self, packet_id: int, now: int) -> Assembly:
        """The entry of a packet, opened when it is new."""
        for entry in self.entries:
            if entry.packet_id == packet_id and entry.since >= 0:
                return entry
        if len(self.entries) < ENTRIES:
            entry = Assembly()
            self.entries.append(entry)
        else:
            entry = self.entries[self.turn]
            self.turn = (self.turn + 1) % ENTRIES
            if entry.since >= 0:
                self.overwritten += 1
        entry.open(packet_id, now)
        return entry

    def add_head(self, packet_id: int, slab: Slab, offset: int, n: int, path: Path, now: int) -> int:
        """Take the head of a packet."""
        entry = self.find(packet_id, now)
        if entry.put(0, slab, offset, n):
            entry.has_head = True
            entry.path = path
        return self.complete(entry)

    def add_piece(
        self, packet_id: int, total: int, number: int, slab: Slab, offset: int, n: int, now: int
    ) -> int:
        """Take fragment `number` (1..total-1, total <= 7) of `n` bytes without its header."""
        entry = self.find(packet_id, now)
        if entry.total == 0:
            entry.total = total
        if total != entry.total or not 0 < number < total or not entry.put(number, slab, offset, n):
            return 0
        return self.complete(entry)

    def complete(self, entry: Assembly) -> int:
        """Join the pieces when all are here."""
        if not entry.has_head or entry.total == 0 or entry.have != entry.total:
            return 0
        used = 0
        for i in range(entry.total):
            move(self.slab, used, entry.slab, entry.offset[i], entry.length[i])
            used += entry.length[i]
        self.path = entry.path
        entry.path = NOWHERE
        entry.since = -1
        return used
