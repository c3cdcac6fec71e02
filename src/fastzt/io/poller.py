"""Pollers: one thread leads (polls the sockets), the engine thread stands by for when nobody does.

`wait` is the leader's, `stand_by` the engine's; everything else is called under the driver's lock. `wake` and
`alarm` end whichever of the two waits is going on, or the next one; whoever drives calls `settle` before it
looks at the node. All waits are bounded and let signals through.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import sys
import threading
from typing import TYPE_CHECKING

from .spin import Spin

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .._core.kernels.epoll import (
        PATROL_NS,
        close,
        epoll_close,
        epoll_fileno,
        epoll_new,
        epoll_set,
        event_clear,
        event_new,
        event_set,
        lead_left,
        lead_new,
        lead_patrol,
        lead_stand_by,
        lead_taken,
        lead_unwatched,
        lead_wait,
        monotonic_ns,
        step_aside,
        timer_new,
        timer_set,
    )

    # include/uapi/linux/eventpoll.h
    EPOLLIN = 1
    EPOLLOUT = 4
    EPOLLONESHOT = 1 << 30
    EPOLLET = 1 << 31

MAX_WAIT = 60.0  # seconds; nothing in a node sleeps longer than this


def bounded(seconds: float) -> float:
    """A wait that is neither negative nor endless."""
    return min(max(seconds, 0.0), MAX_WAIT)


class Poller:
    """What pollers have in common: nothing but their verbs."""

    if not cython.compiled:
        __slots__ = ()

    def add(self, descriptor: int) -> None:
        """Watch a socket for arriving datagrams."""
        raise NotImplementedError

    def want_write(self, descriptor: int, wanted: bool) -> None:
        """Watch a socket for room to send as well, or no longer."""
        raise NotImplementedError

    def wait(self, seconds: float) -> None:
        """Block the leader until something happens, at most `seconds`."""
        raise NotImplementedError

    def stand_by(self, seconds: float) -> None:
        """Block the engine until nobody leads and something happens, at most `seconds`."""
        raise NotImplementedError

    def settle(self) -> None:
        """Take the wake-up that has been heard."""
        raise NotImplementedError

    def arm(self) -> None:
        """Nobody leads: let the engine see the sockets at once."""
        raise NotImplementedError

    def leave(self) -> None:
        """Nobody leads for now: the engine is to see the sockets soon."""
        raise NotImplementedError

    def take(self) -> None:
        """Somebody leads: keep the engine from the sockets."""
        raise NotImplementedError

    def wake(self) -> None:
        """End the wait of whoever polls."""
        raise NotImplementedError

    def alarm(self, microseconds: int) -> bool:
        """End the wait of whoever polls then, again and again until the next call; 0: no alarm.

        False: there are no alarms here, it has been woken to see for itself.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Close every descriptor."""
        raise NotImplementedError


class Waker:
    """A descriptor that another thread makes readable."""

    def __init__(self) -> None:
        self.reader, self.writer = socket.socketpair()
        self.reader.setblocking(False)
        self.writer.setblocking(False)
        self.is_set = False

    def fileno(self) -> int:
        """The end to poll."""
        return self.reader.fileno()

    def set(self) -> None:
        """Make it readable."""
        if not self.is_set:
            self.is_set = True
            with contextlib.suppress(OSError):
                self.writer.send(b"\0")

    def clear(self) -> None:
        """Make it quiet."""
        if self.is_set:
            self.is_set = False
            with contextlib.suppress(OSError):
                self.reader.recv(64)

    def close(self) -> None:
        """Close both ends."""
        self.reader.close()
        self.writer.close()


class SelectPoller(Poller):
    """Any system: the engine parks while somebody leads; one that was polling then wakes once for nothing."""

    if not cython.compiled:
        __slots__ = ("armed", "selector", "waker")

    def __init__(self) -> None:
        self.waker = Waker()
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.waker.fileno(), selectors.EVENT_READ)
        self.armed = threading.Event()

    def add(self, descriptor: int) -> None:
        """Watch a socket for arriving datagrams."""
        self.selector.register(descriptor, selectors.EVENT_READ)

    def want_write(self, descriptor: int, wanted: bool) -> None:
        """Watch a socket for room to send as well, or no longer."""
        self.selector.modify(descriptor, selectors.EVENT_READ | (selectors.EVENT_WRITE if wanted else 0))

    def wait(self, seconds: float) -> None:
        """Block the leader until something happens, at most `seconds`."""
        self.selector.select(bounded(seconds))

    def stand_by(self, seconds: float) -> None:
        """Block the engine until it is armed and something happens, at most `seconds`."""
        if self.armed.is_set():
            self.wait(seconds)
        elif self.armed.wait(bounded(seconds)):
            self.wait(0.0)

    def settle(self) -> None:
        """Take the wake-up that has been heard."""
        self.waker.clear()

    def arm(self) -> None:
        """Let the engine see the sockets."""
        self.armed.set()

    def leave(self) -> None:
        """Let the engine see the sockets."""
        self.armed.set()

    def take(self) -> None:
        """Keep the engine from the sockets."""
        self.armed.clear()

    def wake(self) -> None:
        """End the wait of whoever polls."""
        self.waker.set()

    def alarm(self, microseconds: int) -> bool:
        """Wake whoever polls."""
        if microseconds > 0:
            self.waker.set()
        return False

    def close(self) -> None:
        """Close every descriptor."""
        self.selector.close()
        self.waker.close()


class EpollPoller(Poller):
    """Linux: the engine polls the leader's epoll descriptor, one shot at a time; arming it costs one call.

    Where the lead changes often, arming the engine each time would cost more than the call that led, and wake
    it for nothing: it is kicked once to go on patrol, and drives when nobody has led for a whole round. An
    alarm is a timer among the descriptors: moving it wakes nobody. The leader's wait may spin.
    """

    if not cython.compiled:
        __slots__ = (
            "armed",
            "event",
            "inner",
            "inner_fd",
            "is_set",
            "kick",
            "lead",
            "left_at",
            "open",
            "outer",
            "shared",
            "spin",
            "timer",
        )

    def __init__(self) -> None:
        self.spin = Spin()
        self.is_set = False
        self.armed = False
        self.inner = epoll_new()
        self.inner_fd = epoll_fileno(self.inner)
        self.outer = epoll_new()
        self.event = event_new()
        self.timer = timer_new()
        self.kick = event_new()
        self.left_at = 0
        self.shared = 0  # the wait looked, and somebody else ran on this core
        if not cython.compiled:
            self.lead = lead_new()
        self.open = True
        epoll_set(self.inner, self.event, True, EPOLLIN)
        if self.timer >= 0:
            epoll_set(self.inner, self.timer, True, EPOLLIN)
        epoll_set(self.outer, self.inner_fd, True, 0)
        epoll_set(self.outer, self.kick, True, EPOLLIN | EPOLLET)

    def add(self, descriptor: int) -> None:
        """Watch a socket for arriving datagrams."""
        epoll_set(self.inner, descriptor, True, EPOLLIN)

    def want_write(self, descriptor: int, wanted: bool) -> None:
        """Watch a socket for room to send as well, or no longer."""
        epoll_set(self.inner, descriptor, False, EPOLLIN | (EPOLLOUT if wanted else 0))

    def wait(self, seconds: float) -> None:
        """Block the leader until something happens, at most `seconds`."""
        allowed = self.spin.allowance()
        waited = lead_wait(self, int(bounded(seconds) * 1e9), allowed)
        if self.spin.note(allowed, waited, self.shared != 0):
            step_aside()

    def stand_by(self, seconds: float) -> None:
        """Block the engine until nobody leads and something happens, at most `seconds`."""
        lead_stand_by(self, int(bounded(seconds) * 1e9))

    def settle(self) -> None:
        """Take the wake-up that has been heard."""
        if self.is_set:
            self.is_set = False
            event_clear(self.event)

    def arm(self) -> None:
        """Let the engine see the sockets, once; unconditionally, for the shot may have been fired."""
        lead_patrol(self, False)
        self.armed = True
        epoll_set(self.outer, self.inner_fd, False, EPOLLIN | EPOLLONESHOT)

    def leave(self) -> None:
        """Arm the engine, or leave it to its patrol."""
        patrol = lead_left(self)
        now = monotonic_ns()
        if not patrol:
            if now - self.left_at < PATROL_NS:
                lead_patrol(self, True)
                event_set(self.kick)
            else:
                self.arm()
        self.left_at = now

    def take(self) -> None:
        """Keep the engine from the sockets."""
        lead_taken(self)
        if self.armed:
            self.armed = False
            epoll_set(self.outer, self.inner_fd, False, 0)

    def wake(self) -> None:
        """End the wait of whoever polls."""
        if not self.is_set:
            self.is_set = True
            event_set(self.event)
        if lead_unwatched(self):
            self.arm()

    def alarm(self, microseconds: int) -> bool:
        """Set the timer, or wake whoever polls where there is none."""
        if self.timer >= 0:
            timer_set(self.timer, microseconds * 1000)
            return True
        if microseconds > 0:
            self.wake()
        return False

    def close(self) -> None:
        """Close every descriptor. Harmless when repeated."""
        if self.open:
            self.open = False
            epoll_close(self.outer)
            epoll_close(self.inner)
            close(self.event)
            close(self.kick)
            if self.timer >= 0:
                close(self.timer)
            self.event = self.timer = self.kick = -1  # the system may give the numbers to other files
            if cython.compiled:
                self.inner = self.outer = -1


def new_poller() -> Poller:
    """The best poller of this system; FASTZT_POLLER=select takes the portable one."""
    if sys.platform.startswith("linux") and os.environ.get("FASTZT_POLLER", "") != "select":
        return EpollPoller()
    return SelectPoller()
