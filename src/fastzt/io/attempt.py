"""Attempt: what a waiting thread tries again whenever something has happened to what it waits for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython


class Attempt:
    """One wish: `make` grants it, or gives None when that cannot be done yet. Called under the driver's lock.

    An attempt that waits for a connection or a listener must leave nothing to be sent when it gives None, and
    one that sets `quiet` has left nothing to be sent, told or timed. One that sets `more` when it gives None
    has done a part, and is to be called again without waiting for anything.
    """

    if not cython.compiled:
        __slots__ = ()
        quiet = False
        more = False

    def make(self, now: int) -> Any:
        """The result, or None."""
        raise NotImplementedError


class Call(Attempt):
    """A function as an attempt."""

    if not cython.compiled:
        __slots__ = ("action",)

    def __init__(self, action: Callable[[int], Any]) -> None:
        self.action = action

    def make(self, now: int) -> Any:
        """Call it."""
        return self.action(now)
