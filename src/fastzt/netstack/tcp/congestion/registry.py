"""Congestion controllers by name."""

from __future__ import annotations

from collections.abc import Callable

from .base import Controller
from .bbr import Bbr
from .cubic import Cubic
from .newreno import NewReno

CONTROLLERS: dict[str, Callable[[int], Controller]] = {"bbr": Bbr, "cubic": Cubic, "newreno": NewReno}
DEFAULT = "bbr"  # the best of docs/goodput.md
ALIASES = {"reno": "newreno"}  # as other systems call it


def check(name: str) -> str:
    """The name under which a controller is listed; raises ValueError for an unknown one."""
    name = ALIASES.get(name, name)
    if name not in CONTROLLERS:
        known = ", ".join(sorted(CONTROLLERS))
        raise ValueError(f"no congestion control {name!r}: there are {known}")
    return name


def make(name: str, mss: int) -> Controller:
    """A controller for segments of `mss` bytes; raises ValueError for an unknown name."""
    return CONTROLLERS[check(name)](mss)
