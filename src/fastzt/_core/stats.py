"""Stats: counters by small integer, named once per process.

A room registers its reasons when it is imported (`SHORT = register("vl1.short")`), counts with
`stats.drop(SHORT)`, and `as_dict` shows what is not zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    MAX_REASONS = 256

_NAMES: list[str] = []
_NO_DROPS: set[str] = set()


def register(name: str, drop: bool = True) -> int:
    """The number of the counter `name` (the same for the same name); RuntimeError beyond 256 names.

    `drop`: it counts what was dropped.
    """
    if not drop:
        _NO_DROPS.add(name)
    if name in _NAMES:
        return _NAMES.index(name)
    if len(_NAMES) >= MAX_REASONS:
        raise RuntimeError("too many counters")
    _NAMES.append(name)
    return len(_NAMES) - 1


def names() -> list[str]:
    """The names of all counters, by number."""
    return list(_NAMES)


def is_drop(name: str) -> bool:
    """Whether a counter counts what was dropped."""
    return name not in _NO_DROPS


class Stats:
    """One unsigned 64-bit counter for each registered name; numbers outside the table count nothing."""

    if not cython.compiled:
        __slots__ = ("counters",)

    def __init__(self) -> None:
        if not cython.compiled:
            self.counters = [0] * MAX_REASONS

    def drop(self, reason: int) -> None:
        """Count one."""
        if 0 <= reason < MAX_REASONS:
            self.counters[reason] += 1

    def add(self, reason: int, n: int = 1) -> None:
        """Count `n`."""
        if 0 <= reason < MAX_REASONS:
            self.counters[reason] += n

    def value(self, reason: int) -> int:
        """What a counter stands at."""
        return self.counters[reason] if 0 <= reason < MAX_REASONS else 0

    def total(self, prefix: str = "") -> int:
        """The sum of the counters whose name begins with `prefix`."""
        return sum(n for name, n in self.as_dict().items() if name.startswith(prefix))

    def as_dict(self) -> dict[str, int]:
        """The counters that are not zero, by name."""
        return {name: self.counters[i] for i, name in enumerate(_NAMES) if self.counters[i]}

    def clear(self) -> None:
        """Set all counters to zero."""
        for i in range(MAX_REASONS):
            self.counters[i] = 0
