"""RecentIds: the packet ids of a peer's latest frames, so that a replayed frame is recognised.

The protocol itself has no replay window (PROTOCOL-VL1 2.7). Ids are random, so a set-associative table of
whole ids never takes a fresh frame for a replay, and forgets the oldest of a set when that is full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    WAYS = 4
    SETS = 512


class RecentIds:
    """The last ids seen: at most 2048, four that share their low nine bits."""

    if not cython.compiled:
        __slots__ = ("slot", "turn")

    def __init__(self) -> None:
        if not cython.compiled:
            self.slot = [0] * (SETS * WAYS)
            self.turn = [0] * SETS

    def add(self, packet_id: int) -> bool:
        """Remember an id; False when it is there already."""
        row = packet_id & (SETS - 1)
        base = row * WAYS
        for i in range(WAYS):
            if self.slot[base + i] == packet_id:
                return False
        turn = self.turn[row]
        self.slot[base + turn] = packet_id
        self.turn[row] = (turn + 1) & (WAYS - 1)
        return True
