"""Waiting on Linux by the standard library, for the interpreted build; it does not spin."""

from __future__ import annotations

import contextlib
import os
import select
import time
from typing import Any

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


def epoll_wait(ep: Epoll, timeout_ns: int, spin_ns: int) -> int:
    """Until something is ready: after how many nanoseconds, or -1 after `timeout_ns` without."""
    begin = time.monotonic_ns()
    return time.monotonic_ns() - begin if ep.poll(timeout_ns / 1e9, 1) else -1


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
