"""Waiting on Linux by the standard library, for the interpreted build; it does not spin."""

from __future__ import annotations

import contextlib
import os
import select
import time
from typing import Any

PATROL_NS = 1_000_000  # one round of the engine's patrol

Epoll = Any  # select.epoll, which other systems lack; the compiled build has a descriptor instead


def epoll_new() -> Epoll:
    """A new epoll instance."""
    return select.epoll()


def epoll_fileno(ep: Epoll) -> int:
    """Its descriptor."""
    return int(ep.fileno())


def epoll_set(ep: Epoll, fd: int, is_new: bool, events: int) -> None:
    """Watch a descriptor for those events."""
    if is_new:
        ep.register(fd, events)
    else:
        ep.modify(fd, events)


def lead_wait(poller: Any, timeout_ns: int, spin_ns: int) -> int:
    """The leader's wait: after how many nanoseconds something is ready, or -1 after `timeout_ns` without."""
    begin = time.monotonic_ns()
    return time.monotonic_ns() - begin if poller.inner.poll(timeout_ns / 1e9, 1) else -1


def step_aside() -> None:
    """Move this thread to another core: only who spins needs that."""


class Lead:
    """Who drives: written by the leaders, looked at by the engine."""

    __slots__ = ("changes", "led", "patrol")

    def __init__(self) -> None:
        self.led = False
        self.patrol = False
        self.changes = 0


def lead_new() -> Lead:
    """Nobody leads."""
    return Lead()


def lead_taken(poller: Any) -> None:
    """Somebody leads."""
    poller.lead.led = True


def lead_left(poller: Any) -> bool:
    """Nobody leads any more: whether the engine is on patrol."""
    lead: Lead = poller.lead
    lead.led = False
    lead.changes += 1
    return lead.patrol


def lead_patrol(poller: Any, on: bool) -> None:
    """Send the engine on patrol, or end it."""
    poller.lead.patrol = on


def lead_unwatched(poller: Any) -> bool:
    """Whether nobody leads and the engine will see that only on its patrol."""
    return bool(poller.lead.patrol and not poller.lead.led)


def lead_stand_by(poller: Any, timeout_ns: int) -> None:
    """The engine's wait: until a descriptor other than the kick is ready, or a patrol finds nobody."""
    lead: Lead = poller.lead
    seen, end = lead.changes, time.monotonic_ns() + timeout_ns
    while (rest := end - time.monotonic_ns()) > 0:
        patrol = lead.patrol
        found = poller.outer.poll(min(rest, PATROL_NS) / 1e9 if patrol else rest / 1e9, 1)
        if found and found[0][0] != poller.kick:
            return
        if patrol and not found and lead.changes == seen:
            if not lead.led:
                return
            lead.patrol = False
            if lead.changes != seen:  # whoever left meanwhile may have relied on it
                lead.patrol = True
        seen = lead.changes


def monotonic_ns() -> int:
    """Nanoseconds of the monotonic clock."""
    return time.monotonic_ns()


def epoll_close(ep: Epoll) -> None:
    """Close it."""
    ep.close()


def event_new() -> int:
    """A descriptor that `event_set` makes readable."""
    return os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)


def event_set(fd: int) -> None:
    """Make it readable."""
    with contextlib.suppress(OSError, ValueError):  # ValueError: closed, -1
        os.eventfd_write(fd, 1)


def event_clear(fd: int) -> None:
    """Make it quiet."""
    with contextlib.suppress(OSError, ValueError):  # ValueError: closed, -1
        os.eventfd_read(fd)


def timer_new() -> int:
    """A descriptor that a time makes readable; -1 where the standard library has none (before 3.13)."""
    create = getattr(os, "timerfd_create", None)
    return -1 if create is None else int(create(time.CLOCK_MONOTONIC, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC))  # type: ignore[attr-defined, unused-ignore]


def timer_set(fd: int, ns: int) -> None:
    """Readable in `ns` nanoseconds; 0: never. Either way it is quiet until then."""
    os.timerfd_settime_ns(fd, initial=ns)  # type: ignore[attr-defined, unused-ignore]


def close(fd: int) -> None:
    """Close an event or a timer."""
    os.close(fd)
