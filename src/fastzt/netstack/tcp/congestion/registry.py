"""Congestion controllers by name."""

from __future__ import annotations

from collections.abc import Callable

from .base import Controller
from .cubic import Cubic
from .newreno import NewReno

CONTROLLERS: dict[str, Callable[[int], Controller]] = {"cubic": Cubic, "newreno": NewReno}


def make(name: str, mss: int) -> Controller:
    """A controller for segments of `mss` bytes; raises ValueError for an unknown name."""
    try:
        return CONTROLLERS[name](mss)
    except KeyError:
        raise ValueError(
            f"no congestion control {name!r}: there are {', '.join(sorted(CONTROLLERS))}"
        ) from None
