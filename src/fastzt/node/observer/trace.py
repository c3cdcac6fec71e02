"""Trace: log lines for the first packets of each kind and peer, and for drops; then for every doubling.

Loggers `fastzt.trace.packets` and `fastzt.trace.drops`, level DEBUG; what the lines say stands in attributes
of the records too. Names, lengths and addresses are told, never what a packet holds.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable
from typing import Any

from .sight import Drop, Sight

FIRST = 8  # of each kind that are told one by one
MAX_KINDS = 4096
packets = logging.getLogger("fastzt.trace.packets")
drops = logging.getLogger("fastzt.trace.drops")


class Trace:
    """The lines of one node; `me` (10 hex digits) names it where several share a process."""

    def __init__(self, me: str) -> None:
        self.me = me
        self.counts: dict[Hashable, int] = {}

    def saw(self, sight: Sight) -> None:
        """Tell of a packet, if it is among the first or completes a doubling."""
        way, peer = ("out", "to") if sight.outbound else ("in", "from")
        kind = (sight.outbound, sight.peer, sight.is_open, sight.verb if sight.is_open else -1)
        number = self.count(kind, 1)
        if number is None:
            return
        frame = sight.frame_head()
        about = f" network {frame[0]:016x} ethertype {frame[1]:04x}" if frame else ""
        relayed = f", {sight.hops} hops" if sight.hops else ""
        packets.debug(
            "%s: %s %s %s %010x at %s%s, %d bytes, suite %d%s%s",
            self.me,
            way,
            sight.verb_name,
            peer,
            sight.peer,
            sight.endpoint,
            about,
            len(sight.data),
            sight.suite,
            relayed,
            ordinal(number),
            extra=self.fields(peer=f"{sight.peer:010x}", verb=sight.verb_name, direction=way, number=number),
        )

    def dropped(self, drop: Drop) -> None:
        """Tell of a drop, if it is among the first or completes a doubling."""
        number = self.count((drop.reason, drop.peer), drop.count)
        if number is None:
            return
        whose = (
            ""
            if drop.peer is None
            else f" while a packet from {drop.peer:010x} at {drop.endpoint} was processed"
        )
        drops.debug(
            "%s: dropped %s%s%s",
            self.me,
            drop.reason,
            whose,
            ordinal(number),
            extra=self.fields(
                peer=None if drop.peer is None else f"{drop.peer:010x}", reason=drop.reason, number=number
            ),
        )

    def fields(self, **more: Any) -> dict[str, Any]:
        """The attributes of a record."""
        return {"node": self.me, **more}

    def count(self, kind: Hashable, n: int) -> int | None:
        """How many of a kind there have been, when that is to be told."""
        before = self.counts.pop(kind, 0)
        if len(self.counts) >= MAX_KINDS:
            del self.counts[next(iter(self.counts))]
        self.counts[kind] = number = before + n
        doubled = number.bit_length() > before.bit_length()
        return number if number <= FIRST or doubled else None


def ordinal(number: int) -> str:
    """What stands behind a line: the first of a kind, or which one."""
    return " (first)" if number == 1 else f" (number {number})"
