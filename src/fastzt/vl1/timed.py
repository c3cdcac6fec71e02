"""Timed: a service that wants to be looked after at a certain time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .timing import NEVER


class Timed:
    """`due`: when `tick` has something to do, in absolute microseconds."""

    if not cython.compiled:
        __slots__ = ("due",)

    def __init__(self) -> None:
        self.due = NEVER


def earliest(a: Timed, b: Timed, c: Timed, d: Timed) -> int:
    """When the first of four services is due; the driver asks after every turn."""
    first = a.due if a.due < b.due else b.due
    second = c.due if c.due < d.due else d.due
    return first if first < second else second
