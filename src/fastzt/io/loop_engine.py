"""LoopEngine: what AioDriver does for every datagram, compiled for that; Watchers: who hears of news."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .endpoints import UdpSockets
from .locked_core import LockedCore, new_lock

if TYPE_CHECKING:
    import cython

    from ..node.core import Core
else:
    from .. import _cython as cython

if not cython.compiled:
    from threading import get_ident

    from .._core.timer_wheel import NEVER
    from ..netstack.socket_table import CLOSED
    from .threaded import EVERY, NODE

    LONGEST = 60_000_000  # microseconds that the timer is set to at most

T = TypeVar("T")
Watcher = Callable[[int], None]  # hears the bits of `SocketTable.ready`


class Watchers:
    """For each key those who want to hear of it. Belongs to one event loop, and is used there alone."""

    if not cython.compiled:
        __slots__ = ("_by_key",)

    def __init__(self) -> None:
        self._by_key: dict[int, list[Watcher]] = {}

    def __contains__(self, key: int) -> bool:
        return key in self._by_key

    def __len__(self) -> int:
        return sum(map(len, self._by_key.values()))

    def add(self, key: int, watcher: Watcher) -> None:
        """Enter one."""
        self._by_key.setdefault(key, []).append(watcher)

    def remove(self, key: int, watcher: Watcher) -> None:
        """Take one out, if it is in."""
        found = self._by_key.get(key)
        if found is not None and watcher in found:
            found.remove(watcher)
            if not found:
                del self._by_key[key]

    def of(self, key: int) -> list[Watcher]:
        """Those of a key."""
        found = self._by_key.get(key)
        return [] if found is None else found[:]

    def keys_watched(self) -> list[int]:
        """The keys that somebody watches."""
        return list(self._by_key)


def tell(loop: asyncio.AbstractEventLoop, watcher: Watcher, bits: int) -> None:
    """Tell one watcher; its error is not the others'."""
    try:
        watcher(bits)
    except Exception as error:
        loop.call_exception_handler(
            {"message": "an error where a fastzt socket was told of news", "exception": error}
        )


class LoopEngine(LockedCore):
    """A core and its sockets in an event loop; `clock()` is microseconds."""

    if not cython.compiled:
        __slots__ = (
            "_blocked",
            "_news",
            "_rings",
            "_summoned",
            "_thread",
            "_timer",
            "loop",
            "watchers",
        )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        core: Core,
        sockets: UdpSockets,
        clock: Callable[[], int],
        on_events: Callable[[list[Any]], None],
    ) -> None:
        super().__init__(core, sockets, clock, on_events)
        self.loop = loop
        self.watchers = Watchers()
        self._thread = get_ident()
        self._news: deque[tuple[int, int]] = deque()  # what the watchers have not heard yet
        self._summoned = False  # the loop will call `_attend`, or is in it
        self._rings = NEVER  # when the timer does
        self._timer: asyncio.Handle | None = None
        self._blocked: list[int] = []  # descriptors that refused datagrams

    def start(self) -> None:
        """Begin to drive; NotImplementedError where the loop cannot watch sockets."""
        for descriptor in self.sockets.filenos():
            self.loop.add_reader(descriptor, self._turn)
        self._attend()

    def check(self) -> None:
        """As LockedCore says; the end of the loop is the node's."""
        LockedCore.check(self)
        if self.loop.is_closed():
            raise OSError(errno.EBADF, "the node is closed")

    # Under the lock

    def _settle(self, now: int) -> None:
        """Send, and note what is new."""
        pump = self.pump
        pump.flush(now)
        if self._blocked or pump.blocked():
            self._blocked = self.sockets.blocked() if pump.blocked() else []
        if self.core.has_news():
            self._note(now)
        self._look = 0 if pump.behind else self.core.deadline()

    def _note(self, now: int) -> None:
        """What the watchers are to hear; pass events on, start jobs."""
        core = self.core
        self._news.extend(core.ready())
        events = core.events()
        if events:
            self.on_events(events)
            self._news.append((NODE, 0))
        for job in core.jobs():
            self._give(job, now)

    def _nudge(self, now: int) -> None:
        self._summon()

    def _summon(self) -> None:
        """Have the loop attend to what it should hear of."""
        own = get_ident() == self._thread
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

    def _round(self) -> None:
        """Move datagrams, and time into the core."""
        now = self._now()
        self.pump.turn(now, self._look <= now)
        self._settle(now)
        if EVERY in self.watchers:
            self._news.append((EVERY, 0))

    # In the loop

    def _turn(self) -> None:
        """Datagrams have arrived, or time has passed."""
        if not cython.compiled:
            with self.lock:
                if not self.closed:
                    self._round()
        else:
            self.lock.acquire()
            try:
                if not self.closed:
                    self._round()
            finally:
                self.lock.release()
        self._attend()

    def _attend(self) -> None:
        """Tell the watchers what is new; see to what comes of that as well."""
        if self.closed:
            return
        self._summoned = True
        try:
            if self._news:
                self._tell()
        finally:
            self._dismiss()

    def _dismiss(self) -> None:
        """From now on whoever has something for the loop must summon it."""
        if not cython.compiled:
            with self.lock:
                self._see_to()
            return
        self.lock.acquire()
        try:
            self._see_to()
        finally:
            self.lock.release()

    def _see_to(self) -> None:
        """Under the lock: watch for room to send, set the timer, come again if there is more to tell."""
        self._summoned = False
        if self.closed:
            return
        if self._blocked != self._write_watched:
            self._watch_writing()
        if self._look < self._rings:
            self._arm()
        self._summon()

    def _watch_writing(self) -> None:
        """Watch for room in those sockets, and only those, that refused datagrams."""
        for descriptor in self._write_watched:
            self.loop.remove_writer(descriptor)
        self._write_watched = self._blocked[:]
        for descriptor in self._write_watched:
            self.loop.add_writer(descriptor, self._turn)

    def _arm(self) -> None:
        """Set the timer earlier; one that rings too early sets itself anew."""
        if self._timer is not None:
            self._timer.cancel()
        wait = min(self._look - self._now(), LONGEST)
        self._rings = self._look
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
        news = self._news
        for _ in range(len(news)):
            key, bits = news.popleft()
            for watcher in self.watchers.of(key):
                tell(self.loop, watcher, bits)

    # The end

    def stop(self) -> None:
        """Drive no more, tell every watcher, close the sockets."""
        with self.lock:
            self.closed = True
        if self._timer is not None:
            self._timer.cancel()
        for descriptor in self.sockets.filenos():
            self.loop.remove_reader(descriptor)
            self.loop.remove_writer(descriptor)
        for key in self.watchers.keys_watched():
            for watcher in self.watchers.of(key):
                tell(self.loop, watcher, CLOSED)
        self.sockets.close()

    def abandon(self) -> None:
        """In a forked child: close the descriptors, raise ForkedError from now on. Takes no lock."""
        self.forked = True
        self.lock = new_lock()
        with contextlib.suppress(OSError):
            self.sockets.close()
