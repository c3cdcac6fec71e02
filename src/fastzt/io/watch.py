"""Watch: which of many stream sockets have become readable or writable, for whoever drives a node.

It hangs below the driver's poller: what it watches ends the poller's wait, and `ready` tells what that was.
"""

from __future__ import annotations

import selectors
import socket
from typing import TYPE_CHECKING

from .poller import EpollPoller, Poller, SelectPoller

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .._core.kernels.stream import (
        watch_add,
        watch_close,
        watch_fileno,
        watch_forget,
        watch_new,
        watch_ready,
    )

    READ = 1
    WRITE = 4
    ERROR = 8
    HANG_UP = 16


class Watch:
    """Tells READ and WRITE, each once after `want` or, with edges, after each time that nothing was left."""

    if not cython.compiled:
        __slots__ = ()

    def add(self, sock: socket.socket) -> None:
        """Watch a socket for both."""
        raise NotImplementedError

    def want(self, sock: socket.socket, events: int) -> None:
        """What a socket was found not to be ready for; nothing to do where edges are told."""
        raise NotImplementedError

    def forget(self, sock: socket.socket) -> None:
        """Watch it no more."""
        raise NotImplementedError

    def ready(self) -> list[tuple[int, int]]:
        """Descriptors and what they are ready for now."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the descriptor that stands for all."""
        raise NotImplementedError


class EdgeWatch(Watch):
    """Linux: one epoll descriptor among the poller's stands for all."""

    if not cython.compiled:
        __slots__ = ("epoll",)

    def __init__(self, poller: Poller) -> None:
        self.epoll = watch_new()
        poller.add(watch_fileno(self.epoll))

    def add(self, sock: socket.socket) -> None:
        """Watch a socket for both."""
        watch_add(self.epoll, sock.fileno())

    def want(self, sock: socket.socket, events: int) -> None:
        """Nothing to do."""

    def forget(self, sock: socket.socket) -> None:
        """Watch it no more."""
        watch_forget(self.epoll, sock.fileno())

    def ready(self) -> list[tuple[int, int]]:
        """Descriptors and what they are ready for now."""
        return watch_ready(self.epoll)

    def close(self) -> None:
        """Close the descriptor that stands for all."""
        watch_close(self.epoll)


class LevelWatch(Watch):
    """Any system: each socket is among the poller's while it is not ready."""

    if not cython.compiled:
        __slots__ = ("poller", "selector")

    def __init__(self, poller: SelectPoller) -> None:
        self.poller = poller
        self.selector = selectors.DefaultSelector()

    def add(self, sock: socket.socket) -> None:
        """Watch a socket for both."""
        self.want(sock, READ | WRITE)

    def want(self, sock: socket.socket, events: int) -> None:
        """Watch for what is wanted alone."""
        mask = selectors.EVENT_READ if events & READ else 0
        if events & WRITE:
            mask |= selectors.EVENT_WRITE
        for selector in (self.selector, self.poller.selector):
            known = selector.get_map().get(sock)
            if known is None and mask:
                selector.register(sock, mask)
            elif known is not None and not mask:
                selector.unregister(sock)
            elif known is not None and known.events != mask:
                selector.modify(sock, mask)

    def forget(self, sock: socket.socket) -> None:
        """Watch it no more."""
        self.want(sock, 0)

    def ready(self) -> list[tuple[int, int]]:
        """Descriptors and what they are ready for now."""
        if not self.selector.get_map():  # an empty one is an error to select() on Windows
            return []
        return [
            (
                key.fd,
                (READ if mask & selectors.EVENT_READ else 0) | (WRITE if mask & selectors.EVENT_WRITE else 0),
            )
            for key, mask in self.selector.select(0)
        ]

    def close(self) -> None:
        """Close the selector."""
        self.selector.close()


def new_watch(poller: Poller) -> Watch:
    """The watch that goes with a poller."""
    if isinstance(poller, EpollPoller):
        return EdgeWatch(poller)
    assert isinstance(poller, SelectPoller)
    return LevelWatch(poller)
