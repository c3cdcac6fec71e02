"""Spin: whether a wait should look for a while before it sleeps, learned from the waits before.

Waking a sleeping core takes tens of microseconds, on a virtual machine hundreds: two ends that answer each
other faster than that are better off looking. The other end may be asleep itself when this one begins to
look, so that its answers are late for a time: that is borne for a while. Where looking does not pay, it is
tried ever more rarely.

A scheduler that sees one of the two wake the other likes to put both on one core, where they take turns:
that is twice as slow as a core for each, so who keeps finding its core shared moves to another one.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    PAYS_NS = 50_000  # a wait that ended so soon is what looking is for
    LONGEST_NS = 250_000  # what one wait may look: the other end's wake-up and its answer
    SOON_NS = 500_000  # a sleep that ended sooner may have been for somebody who looks
    MOST_SKIPPED = 1023
    MOST_LATE = 1023
    LEAST_LATE = 63
    CROWDED = 32  # waits on a shared core, one after another
    VAIN = 8  # as many count for one in which the other one kept the core
    MOST_REST = 1 << 16


class Spin:
    """Ask `allowance` before a wait, `note` it afterwards. `cores` None: those usable."""

    if not cython.compiled:
        __slots__ = (
            "_fixed",
            "cores",
            "crowded",
            "late",
            "patience",
            "pause",
            "penalty",
            "promising",
            "rest",
            "skip",
        )

    def __init__(self, cores: int | None = None) -> None:
        self._fixed = cores is not None
        self.cores = usable_cores() if cores is None else cores
        self.promising = False  # the last wait ended soon
        self.skip = 0  # waits that ended soon to let pass before looking again
        self.penalty = 0  # what `skip` becomes when looking did not pay once more
        self.patience = MOST_LATE  # answers that may come late before looking counts as vain
        self.late = 0
        self.crowded = 0  # waits in a row that found the core shared
        self.rest = 0  # waits to stay on a shared core before moving once more
        self.pause = CROWDED  # what `rest` becomes when moving did not help

    def allowance(self) -> int:
        """For how many nanoseconds the next wait may look."""
        return LONGEST_NS if self.promising and self.skip == 0 and self.cores > 1 else 0

    def note(self, spin_ns: int, waited_ns: int, shared: bool = False) -> bool:
        """A wait that could look `spin_ns` ended after `waited_ns`; -1: nothing came.

        `shared`: somebody else ran on this core meanwhile. Returns whether to move to another one.
        """
        self.promising = 0 <= waited_ns <= SOON_NS
        if spin_ns == 0:
            if self.promising and self.skip > 0:
                self.skip -= 1
        elif not 0 <= waited_ns <= spin_ns:
            self._vain()
        elif waited_ns <= PAYS_NS:
            self.penalty = self.late = 0
            self.patience = MOST_LATE
        else:
            self.late += 1
            if self.late > self.patience:
                self.patience = max(self.patience // 2, LEAST_LATE)
                self.penalty = MOST_SKIPPED
                self._vain()
        return spin_ns > 0 and self._cramped(shared, 1 if 0 <= waited_ns <= spin_ns else VAIN)

    def _cramped(self, shared: bool, weight: int) -> bool:
        if self.rest > 0:
            self.rest -= 1
        self.crowded = self.crowded + weight if shared else 0
        if not shared and self.rest == 0:
            self.pause = CROWDED
        if self.crowded < CROWDED or self.rest > 0:
            return False
        self.crowded = 0
        self.rest = self.pause
        self.pause = min(2 * self.pause, MOST_REST)
        return True

    def _vain(self) -> None:
        self.penalty = min(2 * self.penalty + 1, MOST_SKIPPED)
        self.skip = self.penalty
        self.late = 0
        if not self._fixed:
            self.cores = usable_cores()


def usable_cores() -> int:
    """How many cores this process may use now."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
