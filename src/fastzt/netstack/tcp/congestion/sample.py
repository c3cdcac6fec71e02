"""RateSample: what one acknowledgment tells a congestion controller (draft-ietf-ccwg-bbr section 4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from .... import _cython as cython


class RateSample:
    """Bytes and microseconds; `newest` is the segment sent last of those that were just delivered.

    `acked`: bytes newly delivered. `rtt`: of this ACK, -1 for none; `smoothed`: SRTT. `delivered`: bytes ever
    delivered; `since`: those since `newest` was sent; `rate`: the delivery rate, bytes a second, 0 for none.
    `in_flight`: now; `sent_in_flight`: when `newest` was sent, with it; `lost`: bytes declared lost since.
    """

    if not cython.compiled:
        __slots__ = (
            "acked",
            "app_limited",
            "delivered",
            "in_flight",
            "limited",
            "lost",
            "rate",
            "repairing",
            "rtt",
            "sack",
            "sent_in_flight",
            "since",
            "smoothed",
        )

    def __init__(self) -> None:
        self.acked = 0
        self.rtt = -1
        self.smoothed = 0
        self.delivered = 0
        self.since = 0
        self.rate = 0.0
        self.in_flight = 0
        self.sent_in_flight = 0
        self.lost = 0
        self.app_limited = False  # the application, not the network, bounded the rate
        self.limited = False  # the window was in use during the last round trip
        self.repairing = False  # in fast recovery
        self.sack = True
