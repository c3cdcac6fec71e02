"""The timers of one connection: deadlines in an array, one slot of the wheel for the earliest.

Moving a deadline later costs one store: the slot fires at the old time and is armed anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._core.timer_wheel import TimerWheel

if TYPE_CHECKING:
    import cython
else:
    from ... import _cython as cython

if not cython.compiled:
    from ..._core.timer_wheel import NEVER

    RETRANSMIT = 0  # RTO
    LOSS = 1  # RACK reordering wait or tail-loss probe
    PERSIST = 2  # zero-window probe
    DELAYED_ACK = 3
    KEEPALIVE = 4
    GIVE_UP = 5  # R2, user time-out, FIN-WAIT-2 of an orphan
    PACE = 6  # what the pacing rate holds back
    REST = 7  # the rings' memory goes back
    KINDS = 8


class Timers:
    """Absolute deadlines in microseconds by kind; NEVER when off."""

    if not cython.compiled:
        __slots__ = ("armed", "deadline", "slot", "wheel")

    def __init__(self, wheel: TimerWheel, owner: object) -> None:
        self.wheel = wheel
        self.slot = wheel.allocate(owner)
        self.armed = NEVER
        if not cython.compiled:
            self.deadline = [NEVER] * KINDS
        for kind in range(KINDS):
            self.deadline[kind] = NEVER

    def set(self, kind: int, deadline: int) -> None:
        """Arm a timer, or move it."""
        self.deadline[kind] = deadline
        if deadline < self.armed:
            self.armed = deadline
            self.wheel.arm(self.slot, deadline)

    def clear(self, kind: int) -> None:
        """Turn a timer off."""
        self.deadline[kind] = NEVER

    def is_set(self, kind: int) -> bool:
        """Whether a timer is on."""
        return self.deadline[kind] != NEVER

    def due(self, kind: int, now: int) -> bool:
        """Whether a timer has come due; it is then off."""
        if self.deadline[kind] > now:
            return False
        self.deadline[kind] = NEVER
        return True

    def fired(self) -> None:
        """The wheel's slot went off and is unarmed."""
        self.armed = NEVER

    def rearm(self) -> None:
        """Arm the slot for the earliest deadline, after `fired` and the work that followed."""
        earliest = NEVER
        for kind in range(KINDS):
            if self.deadline[kind] < earliest:
                earliest = self.deadline[kind]
        if earliest < self.armed:
            self.armed = earliest
            self.wheel.arm(self.slot, earliest)

    def close(self) -> None:
        """Give the slot back; every timer is off for good, and what sets one afterwards arms nothing."""
        if self.slot >= 0:
            self.wheel.free(self.slot)
            self.slot = -1
        self.armed = -NEVER  # no deadline is earlier
        for kind in range(KINDS):
            self.deadline[kind] = NEVER
