"""Spin: whether a wait should look for a while before it sleeps, learned from the waits before.

Waking a sleeping core takes tens of microseconds: two ends that answer each other faster than that are better
off looking. Where looking does not pay, it is tried ever more rarely.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    LONGEST_NS = 50_000  # what one wait may look
    SOON_NS = (
        200_000  # a sleep that ended sooner may have been for somebody who looks: two wake-ups and the answer
    )
    MOST_SKIPPED = 1023


class Spin:
    """Ask `allowance` before a wait, `note` it afterwards. `cores` None: those usable."""

    if not cython.compiled:
        __slots__ = ("_fixed", "cores", "penalty", "promising", "skip")

    def __init__(self, cores: int | None = None) -> None:
        self._fixed = cores is not None
        self.cores = usable_cores() if cores is None else cores
        self.promising = False  # the last wait ended soon
        self.skip = 0  # waits that ended soon to let pass before looking again
        self.penalty = 0  # what `skip` becomes when looking did not pay once more

    def allowance(self) -> int:
        """For how many nanoseconds the next wait may look."""
        return LONGEST_NS if self.promising and self.skip == 0 and self.cores > 1 else 0

    def note(self, spin_ns: int, waited_ns: int) -> None:
        """A wait that could look `spin_ns` ended after `waited_ns`; -1: nothing came."""
        self.promising = 0 <= waited_ns <= SOON_NS
        if spin_ns == 0:
            if self.promising and self.skip > 0:
                self.skip -= 1
        elif 0 <= waited_ns <= spin_ns:
            self.penalty = 0
        else:
            self.penalty = min(2 * self.penalty + 1, MOST_SKIPPED)
            self.skip = self.penalty
            if not self._fixed:
                self.cores = usable_cores()


def usable_cores() -> int:
    """How many cores this process may use now."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
