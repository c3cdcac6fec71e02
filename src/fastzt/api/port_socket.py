"""PortSocket: a bound port of a network, closed once: what listeners and UDP sockets share."""

from __future__ import annotations

import errno
import os
from typing import Protocol

from ..io.threaded import ThreadedDriver
from .socket import Timeouts, unclosed


class Port(Protocol):
    """What the core made."""

    @property
    def id(self) -> int:
        """The key of those who wait for it."""

    @property
    def port(self) -> int:
        """The port number."""

    def close(self, now: int) -> None:
        """Free it."""


class PortSocket(Timeouts):
    """Safe to use from several threads."""

    _closed = True  # until it is made

    def __init__(self, driver: ThreadedDriver, bound: Port) -> None:
        self._driver = driver
        self._bound = bound
        self._closed = False

    @property
    def port(self) -> int:
        """The local port."""
        return self._bound.port

    def close(self) -> None:
        """Free the port; a blocked call raises OSError. Harmless when repeated."""
        was_closed, self._closed = self._closed, True
        if was_closed or self._driver.closed or self._driver.forked:
            return

        def end(now: int) -> None:
            key = self._bound.id  # which it gives back
            self._bound.close(now)
            self._driver.waiters.wake(key)

        self._driver.run(end)

    def __del__(self) -> None:
        if self._closed or self._driver.closed or self._driver.forked:
            return
        unclosed(self)
        self._driver.worker.submit(self.close, must=True)  # this thread may hold the lock

    def fileno(self) -> int:
        """-1: there is no descriptor to poll."""
        return -1

    def _check(self) -> None:
        self._driver.check()
        if self._closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"port={self.port}"
        return f"<fastzt.{type(self).__name__} {state}>"
