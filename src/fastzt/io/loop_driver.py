"""LoopDriver: a driver in an event loop, whose coroutines sleep until a watcher wakes them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TypeVar

from ..netstack.socket_table import CLOSED
from .driver import AsyncDriver
from .loop_engine import Watchers
from .waiter import TimedOut

T = TypeVar("T")
SCRATCH = 1 << 18


class LoopDriver(AsyncDriver):
    """A driver whose sockets are watched in an event loop."""

    loop: asyncio.AbstractEventLoop
    watchers: Watchers
    scratch: bytearray  # where what was received lies for a moment; for use in the loop

    def start(self) -> None:
        """Begin to drive; NotImplementedError where the loop cannot watch sockets."""
        raise NotImplementedError

    def close(self, last: Callable[[], None]) -> asyncio.Future[None]:
        """Stop driving, let every watcher know, close the sockets.

        The future is done when the worker has run what it was given, and `last` after that.
        """
        raise NotImplementedError

    def last_resort(self) -> Callable[[], None] | None:
        """What is to be done about a driver whose event loop has ended, before its sockets are closed."""
        return None

    def abandon(self) -> None:
        """In a forked child: close the descriptors, raise ForkedError from now on. Takes no lock."""
        raise NotImplementedError

    async def wait(self, key: int, attempt: Callable[[int], T | None], timeout: float | None) -> T:
        """As AsyncDriver says."""
        result = self.run(attempt)
        if result is not None:
            return result
        sleeper = Sleeper(self.loop, timeout)
        self.watchers.add(key, sleeper.tell)
        try:
            while True:  # at once again: a thread may have had news before the watcher was entered
                result = self.run(attempt)
                if result is not None:
                    return result
                await sleeper.sleep()
        finally:
            self.watchers.remove(key, sleeper.tell)
            sleeper.close()

    def wake(self, key: int) -> None:
        """Have those that wait for `key` make another attempt."""
        for watcher in self.watchers.of(key):
            watcher(CLOSED)

    def complete(self, task: Callable[[], None]) -> asyncio.Future[None]:
        """Have the worker run a task behind those that are queued; done when it has run, or never will."""
        done: asyncio.Future[None] = self.loop.create_future()

        def told() -> None:
            if not done.done():
                done.set_result(None)

        def run() -> None:
            try:
                task()
            finally:
                with contextlib.suppress(RuntimeError):  # the loop was closed
                    self.loop.call_soon_threadsafe(told)

        if not self.worker.submit(run, must=True):
            told()
        return done


class Sleeper:
    """Sleeps until it is told, or its time (in seconds, None: no end) is up."""

    def __init__(self, loop: asyncio.AbstractEventLoop, timeout: float | None) -> None:
        self._loop = loop
        self._told = False
        self._late = timeout is not None and timeout <= 0
        self._future: asyncio.Future[None] | None = None
        self._timer = loop.call_later(timeout, self._ring) if timeout is not None and not self._late else None

    def tell(self, bits: int) -> None:
        """Wake it, or let the next sleep end at once."""
        self._told = True
        self._wake()

    def _ring(self) -> None:
        self._late = True
        self._wake()

    def _wake(self) -> None:
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    async def sleep(self) -> None:
        """Until told; raises TimedOut."""
        if not self._told and not self._late:
            self._future = self._loop.create_future()
            try:
                await self._future
            finally:
                self._future = None
        if not self._told:
            raise TimedOut("timed out")
        self._told = False

    def close(self) -> None:
        """Leave no timer behind."""
        if self._timer is not None:
            self._timer.cancel()
