"""AioDriver: an asyncio event loop drives a node, without a thread.

The loop watches the UDP sockets; each wake-up takes one bounded drain, and what is left wakes it again. One
timer of the loop stands for the core's deadline. Writers transmit inline. Threads that have something for the
core (the worker, the watcher of addresses) run it under the lock, and the loop hears of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import ForkedError
from ..netstack.socket_table import CLOSED
from .endpoints import UdpSockets
from .pump import Pump
from .threaded import EVERY, NODE, ignore
from .watchers import SCRATCH, LoopDriver, Watchers
from .worker import Worker, run_job

if TYPE_CHECKING:
    from ..node.core import Core

T = TypeVar("T")
NEVER = 1 << 62
LONGEST = 60_000_000  # microseconds that the timer is set to at most


class AioDriver(LoopDriver):
    """Runs a core in the running event loop; `clock()` is microseconds.

    `on_events` hears the core's events under the lock: it must neither block nor call back.
    """

    def __init__(
        self,
        core: Core,
        sockets: UdpSockets,
        clock: Callable[[], int],
        on_events: Callable[[list[Any]], None] = ignore,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.watchers = Watchers()
        self.scratch = bytearray(SCRATCH)
        self.lock = threading.Lock()
        self.pump = Pump(core, sockets)
        self._core = core
        self._sockets = sockets
        self._clock = clock
        self._on_events = on_events
        self._worker = Worker("fastzt-worker")
        self._closed = False
        self._forked = False
        self._thread = threading.get_ident()
        self._news: deque[tuple[int, int]] = deque()  # what the watchers have not heard yet
        self._summoned = False  # the loop will call `_attend`
        self._look = 0  # when the core wants to be looked after again
        self._rings = NEVER  # when the timer does
        self._timer: asyncio.Handle | None = None
        self._blocked: list[int] = []  # descriptors that refused datagrams
        self._write_watched: list[int] = []

    @property
    def core(self) -> Core:
        """The node."""
        return self._core

    @property
    def worker(self) -> Worker:
        """The thread for what may take long."""
        return self._worker

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self._closed

    @property
    def forked(self) -> bool:
        """Whether this is a child of the process that it belongs to."""
        return self._forked

    def start(self) -> None:
        """Begin to drive; NotImplementedError where the loop cannot watch sockets."""
        for descriptor in self._sockets.filenos():
            self.loop.add_reader(descriptor, self._turn)
        self._attend()

    def check(self) -> None:
        """Raise ForkedError in a forked child, OSError (EBADF) after close."""
        if self._forked:
            raise ForkedError
        if self._closed or self.loop.is_closed():
            raise OSError(errno.EBADF, "the node is closed")

    def run(self, action: Callable[[int], T]) -> T:
        """Call `action(now)` under the lock, then send what came of it."""
        with self.lock:
            self.check()
            now = self._clock()
            try:
                return action(now)
            finally:
                self._settle(now)
                self._summon()

    def ask(self, question: Callable[[], T]) -> T:
        """Call `question()` under the lock. It changes nothing, so that nothing is to be sent afterwards."""
        with self.lock:
            self.check()
            return question()

    # Under the lock

    def _settle(self, now: int) -> None:
        """Send, and note what is new."""
        pump, core = self.pump, self._core
        pump.flush(now)
        if self._blocked or pump.blocked():
            self._blocked = self._sockets.blocked() if pump.blocked() else []
        if core.has_news():
            self._note(now)
        self._look = 0 if pump.behind else core.deadline()

    def _note(self, now: int) -> None:
        """What the watchers are to hear; pass events on, start jobs."""
        core = self._core
        self._news.extend(core.ready())
        events = core.events()
        if events:
            self._on_events(events)
            self._news.append((NODE, 0))
        for job in core.jobs():
            if not self._worker.submit(partial(run_job, self, job)):
                core.refuse(job, now)

    def _summon(self) -> None:
        """Have the loop attend to what it should hear of."""
        own = threading.get_ident() == self._thread
        if not own and EVERY in self.watchers:
            self._news.append((EVERY, 0))
        if self._summoned or not (
            self._news or self._look < self._rings or self._blocked != self._write_watched
        ):
            return
        self._summoned = True
        if own:
            self.loop.call_soon(self._attend)
            return
        with contextlib.suppress(RuntimeError):  # the loop was closed
            self.loop.call_soon_threadsafe(self._attend)

    # In the loop

    def _turn(self) -> None:
        """Datagrams have arrived, or time has passed."""
        with self.lock:
            if self._closed:
                return
            now = self._clock()
            self.pump.turn(now, self._look <= now)
            self._settle(now)
            if EVERY in self.watchers:
                self._news.append((EVERY, 0))
        self._attend()

    def _attend(self) -> None:
        self._summoned = False
        if self._closed:
            return
        if self._blocked != self._write_watched:
            self._watch_writing()
        if self._look < self._rings:
            self._arm()
        if self._news:
            self._tell()

    def _watch_writing(self) -> None:
        """Watch for room in those sockets, and only those, that refused datagrams."""
        for descriptor in self._write_watched:
            self.loop.remove_writer(descriptor)
        self._write_watched = list(self._blocked)
        for descriptor in self._write_watched:
            self.loop.add_writer(descriptor, self._turn)

    def _arm(self) -> None:
        """Set the timer earlier; one that rings too early sets itself anew."""
        if self._timer is not None:
            self._timer.cancel()
        look = self._look  # once: a thread may set it meanwhile, and has the loop attend again if it does
        wait = min(look - self._clock(), LONGEST)
        self._rings = look
        if wait <= 0:
            self._timer = self.loop.call_soon(self._ring)
        else:
            self._timer = self.loop.call_later(wait / 1e6, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._rings = NEVER
        self._turn()

    def _tell(self) -> None:
        """Let the watchers hear what is new, and nothing that comes meanwhile."""
        news, watchers = self._news, self.watchers
        try:
            for _ in range(len(news)):
                key, bits = news.popleft()
                for watcher in watchers.of(key):
                    self.call(watcher, bits)
        finally:
            if news and not self._closed:
                with self.lock:
                    self._summon()

    # The end

    def close(self, last: Callable[[], None]) -> asyncio.Future[None]:
        """As LoopDriver says."""
        with self.lock:
            self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for descriptor in self._sockets.filenos():
            self.loop.remove_reader(descriptor)
            self.loop.remove_writer(descriptor)
        for key in self.watchers.keys_watched():
            for watcher in self.watchers.of(key):
                self.call(watcher, CLOSED)
        self._sockets.close()
        done = self.complete(last)
        self._worker.close(0)
        return done

    def abandon(self) -> None:
        """In a forked child: close the descriptors, raise ForkedError from now on. Takes no lock."""
        self._forked = True
        self.lock = threading.Lock()
        with contextlib.suppress(OSError):
            self._sockets.close()
