"""Pollers: one thread leads (polls the sockets), the engine thread stands by, armed when nobody leads.

`wait` is the leader's, `stand_by` the engine's; everything else is called under the driver's lock. `wake`
ends whichever of the two waits is going on, or the next one; whoever drives calls `settle` before it looks
at the node. All waits are bounded and let signals through.
"""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import socket
import sys
import threading

MAX_WAIT = 60.0  # seconds; nothing in a node sleeps longer than this


def bounded(seconds: float) -> float:
    """A wait that is neither negative nor endless."""
    return min(max(seconds, 0.0), MAX_WAIT)


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


class SelectPoller:
    """Any system: the engine parks while somebody leads; one that was polling then wakes once for nothing."""

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

    def disarm(self) -> None:
        """Keep the engine from the sockets."""
        self.armed.clear()

    def wake(self) -> None:
        """End the wait of whoever polls."""
        self.waker.set()

    def close(self) -> None:
        """Close every descriptor."""
        self.selector.close()
        self.waker.close()


class EpollPoller:
    """Linux: the engine polls the leader's epoll descriptor, one shot at a time; arming it costs one call."""

    def __init__(self) -> None:
        self.waker = Waker()
        self.inner = select.epoll()
        self.outer = select.epoll()
        self.inner.register(self.waker.fileno(), select.EPOLLIN)
        self.outer.register(self.inner.fileno(), 0)
        self.armed = False

    def add(self, descriptor: int) -> None:
        """Watch a socket for arriving datagrams."""
        self.inner.register(descriptor, select.EPOLLIN)

    def want_write(self, descriptor: int, wanted: bool) -> None:
        """Watch a socket for room to send as well, or no longer."""
        self.inner.modify(descriptor, select.EPOLLIN | (select.EPOLLOUT if wanted else 0))

    def wait(self, seconds: float) -> None:
        """Block the leader until something happens, at most `seconds`."""
        self.inner.poll(bounded(seconds))

    def stand_by(self, seconds: float) -> None:
        """Block the engine until it is armed and something happens, at most `seconds`."""
        self.outer.poll(bounded(seconds))

    def settle(self) -> None:
        """Take the wake-up that has been heard."""
        self.waker.clear()

    def arm(self) -> None:
        """Let the engine see the sockets, once; unconditionally, for the shot may have been fired."""
        self.armed = True
        self.outer.modify(self.inner.fileno(), select.EPOLLIN | select.EPOLLONESHOT)

    def disarm(self) -> None:
        """Keep the engine from the sockets."""
        if self.armed:
            self.armed = False
            self.outer.modify(self.inner.fileno(), 0)

    def wake(self) -> None:
        """End the wait of whoever polls."""
        self.waker.set()

    def close(self) -> None:
        """Close every descriptor."""
        self.outer.close()
        self.inner.close()
        self.waker.close()


Poller = EpollPoller | SelectPoller


def new_poller() -> Poller:
    """The best poller of this system; FASTZT_POLLER=select takes the portable one."""
    if sys.platform.startswith("linux") and os.environ.get("FASTZT_POLLER", "") != "select":
        return EpollPoller()
    return SelectPoller()
