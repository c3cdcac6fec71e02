"""ThreadedLoopDriver: for event loops that cannot watch sockets (Windows' Proactor), threads drive a node.

They are those of a ThreadedDriver; what they have news of is told in the loop, by its thread-safe call.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ..netstack.socket_table import READABLE, WRITABLE
from .endpoints import UdpSockets
from .loop_driver import SCRATCH, LoopDriver
from .loop_engine import Watcher, Watchers, tell
from .threaded import ThreadedDriver, ignore

if TYPE_CHECKING:
    from ..node.core import Core

T = TypeVar("T")
ANYTHING = READABLE | WRITABLE  # what threads are woken for is not told


class ThreadedLoopDriver(LoopDriver):
    """Runs a core by threads for the running event loop; arguments as those of `ThreadedDriver`."""

    def __init__(
        self,
        core: Core,
        sockets: UdpSockets,
        clock: Callable[[], int],
        on_events: Callable[[list[Any]], None] = ignore,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.scratch = bytearray(SCRATCH)
        self.threaded = ThreadedDriver(core, sockets, clock, on_events)
        self.watchers = ToldWatchers(self)
        self._core = core

    @property
    def core(self) -> Core:
        """The node."""
        return self._core

    @property
    def worker(self) -> Any:
        """The thread for what may take long."""
        return self.threaded.worker

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self.threaded.closed

    @property
    def forked(self) -> bool:
        """Whether this is a child of the process that it belongs to."""
        return self.threaded.forked

    def check(self) -> None:
        """Raise ForkedError in a forked child, OSError (EBADF) after close."""
        self.threaded.check()

    def run(self, action: Callable[[int], T]) -> T:
        """Call `action(now)` under the lock, then send what came of it."""
        return self.threaded.run(action)

    def ask(self, question: Callable[[], T]) -> T:
        """Call `question()` under the lock. It changes nothing, so that nothing is to be sent afterwards."""
        return self.threaded.ask(question)

    def start(self) -> None:
        """Begin to drive."""
        self.threaded.start()

    def close(self, last: Callable[[], None]) -> asyncio.Future[None]:
        """As LoopDriver says."""
        return self.loop.run_in_executor(None, self._close, last)

    def _close(self, last: Callable[[], None]) -> None:
        self.threaded.close()
        last()

    def last_resort(self) -> Callable[[], None]:
        """What ends the threads of a node that its event loop has left."""
        return self.threaded.close

    def abandon(self) -> None:
        """In a forked child: close the descriptors, raise ForkedError from now on. Takes no lock."""
        self.threaded.abandon()


class ToldWatchers(Watchers):
    """Watchers that are told in the loop of what threads are woken for."""

    def __init__(self, driver: ThreadedLoopDriver) -> None:
        super().__init__()
        self._driver = driver
        self._tells: dict[int, Callable[[], None]] = {}
        self._on_the_way: set[int] = set()  # keys that the loop will be told of

    def add(self, key: int, watcher: Watcher) -> None:
        """Enter one."""
        super().add(key, watcher)
        if key not in self._tells and not self._driver.closed:
            tell = self._tells[key] = partial(self._hear, key)
            waiters = self._driver.threaded.waiters
            self._driver.run(lambda now: waiters.watch(key, tell))

    def remove(self, key: int, watcher: Watcher) -> None:
        """Take one out, if it is in."""
        super().remove(key, watcher)
        tell = None if key in self else self._tells.pop(key, None)
        if tell is not None and not self._driver.closed and not self._driver.forked:
            waiters = self._driver.threaded.waiters
            self._driver.run(lambda now: waiters.unwatch(key, tell))

    def _hear(self, key: int) -> None:
        """On whatever thread, under the driver's lock."""
        if key not in self._on_the_way:
            self._on_the_way.add(key)
            with contextlib.suppress(RuntimeError):  # the loop was closed
                self._driver.loop.call_soon_threadsafe(self._tell, key)

    def _tell(self, key: int) -> None:
        self._on_the_way.discard(key)
        for watcher in self.of(key):
            tell(self._driver.loop, watcher, ANYTHING)
