"""The records of a SegmentQueue where it is interpreted."""

from __future__ import annotations


class Sent:
    """One record; the compiled build has it as a C struct."""

    __slots__ = (
        "delivered",
        "delivered_at",
        "end",
        "first_sent_at",
        "flags",
        "in_flight",
        "lost",
        "sent_at",
        "start",
    )

    def __init__(self) -> None:
        self.start = self.end = self.sent_at = self.flags = 0
        self.delivered = self.delivered_at = self.first_sent_at = 0
        self.in_flight = self.lost = 0


def resized(at: list[Sent], n: int) -> list[Sent]:
    """The records, `n` of them."""
    at.extend(Sent() for _ in range(n - len(at)))
    return at


def assign(at: list[Sent], to: int, source: int) -> None:
    """Copy a record over another."""
    a, b = at[to], at[source]
    a.start, a.end, a.sent_at, a.flags = b.start, b.end, b.sent_at, b.flags
    a.delivered, a.delivered_at, a.first_sent_at = b.delivered, b.delivered_at, b.first_sent_at
    a.in_flight, a.lost = b.in_flight, b.lost
