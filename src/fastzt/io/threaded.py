"""ThreadedDriver: whoever waits, drives.

A thread that is about to block takes the lead: it polls the node's sockets, moves datagrams, ticks, and
returns once its own condition holds, handing the lead to another blocked thread or to the engine thread,
which drives only while nobody waits. Writers transmit inline. One lock guards the node; it is held for one
bounded turn at a time and never across a wait.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ..netstack.tcp.connection import Connection
from .attempt import Attempt, Call
from .bridge import Bridges
from .endpoints import UdpSockets
from .locked_core import LockedCore, new_lock
from .poller import MAX_WAIT, new_poller
from .waiter import Waiter, Waiters

if TYPE_CHECKING:
    import cython

    from ..node.core import Core
else:
    from .. import _cython as cython

if not cython.compiled:
    from .waiter import check_signals, new_waiter

    NODE = 0  # the key of those who wait for an event of the node; connections and listeners count from 1
    EVERY = -1  # the key of those who want to look after every turn
    LONGEST = 60_000_000  # MAX_WAIT in microseconds
    STEP = 200  # microseconds without a turn, after which whoever calls takes one if nobody leads

T = TypeVar("T")
CLOSE_TIMEOUT = 5.0
log = logging.getLogger("fastzt")


def ignore(events: list[Any]) -> None:
    """Take no notice."""


class ThreadedDriver(LockedCore):
    """Runs a core over its sockets for any number of threads; `clock()` is microseconds.

    `on_events` hears the core's events under the lock: it must neither block nor call back. `turns` counts
    how often a thread has woken and looked.
    """

    def __init__(
        self,
        core: Core,
        sockets: UdpSockets,
        clock: Callable[[], int],
        on_events: Callable[[list[Any]], None] = ignore,
    ) -> None:
        super().__init__(core, sockets, clock, on_events)
        self.poller = new_poller()
        self.bridges = Bridges(self.poller)
        self.waiters = Waiters()
        self.turns = 0
        self._leader: Waiter | None = None
        self._no_leader = threading.Event()
        self._turned = 0  # when somebody took the last turn
        self._due = 0  # when whoever polls will look again by itself
        self._engine_due = 0
        self._alarm = 0  # when the poller's alarm rings, 0: never
        self._engine = threading.Thread(target=engine, args=(weakref.ref(self),), name="fastzt", daemon=True)

    def start(self) -> None:
        """Begin to drive."""
        for descriptor in self.sockets.filenos():
            self.poller.add(descriptor)
        self._engine.start()

    # What the sockets call

    def wait(self, key: int, attempt: Attempt | Callable[[int], T | None], timeout: float | None) -> T:
        """Make an attempt until it gives something, again after whatever happens to `key`.

        `timeout` is in seconds, None for ever, 0 one attempt only. Raises TimedOut, and what the attempt
        raises.
        """
        wish = attempt if isinstance(attempt, Attempt) else Call(attempt)
        waiter = new_waiter(key, wish, timeout)
        try:
            while True:
                result = self._locked_round(waiter)
                if result is not None:
                    return result  # type: ignore[no-any-return]
                check_signals()
                if wish.more:
                    continue
                if waiter.leads:
                    self.poller.wait(waiter.seconds)
                else:
                    waiter.wait()
        finally:
            if waiter.entered:
                self._leave(waiter)

    def keep_back(self, connection: Connection, data: Any, size: int) -> int:
        """Write `size` bytes that a connection may keep back for a full batch; -1: it takes an attempt.

        For small pieces one after another: what an attempt costs would be most of what they cost.
        """
        if not cython.compiled:
            with self.lock:
                return self._keep_back(connection, data, size)
        self.lock.acquire()
        try:
            return self._keep_back(connection, data, size)
        finally:
            self.lock.release()

    def _locked_round(self, waiter: Waiter) -> Any:
        if not cython.compiled:
            with self.lock:
                return self._round(waiter)
        self.lock.acquire()
        try:
            return self._round(waiter)
        finally:
            self.lock.release()

    def _leave(self, waiter: Waiter) -> None:
        """The call ends: hand the lead to another waiter, else to the engine."""
        if self.forked:
            return
        if not cython.compiled:
            with self.lock:
                self._hand_on(waiter)
                return
        self.lock.acquire()
        try:
            self._hand_on(waiter)
        finally:
            self.lock.release()

    # Under the lock

    def _round(self, waiter: Waiter) -> Any:
        """An attempt; what it gives, or None after the preparations to block."""
        self.check()
        now = self._now()
        result = self._attempt(waiter, now)
        if result is None and not waiter.wish.more:
            waiter.check_time(now)
            self._enter(waiter, now)
        return result

    def _keep_back(self, connection: Connection, data: Any, size: int) -> int:
        self.check()
        now = self._now()
        if now - self._turned >= STEP or self._look <= now or not connection.may_keep_back(size):
            return -1
        connection.write(data, now)
        if connection.queued:
            self._settle(now)
            self._nudge(now)
        return size

    def _attempt(self, waiter: Waiter, now: int) -> Any:
        """One turn if this waiter leads or nobody does, one attempt, and what comes of both.

        So a thread that sends all the time hears its acknowledgments; the engine would need the GIL.
        """
        waiter.woken = False
        wish = waiter.wish
        leads = self._leader is waiter
        due = now - self._turned >= STEP or self._look <= now
        passing = due and self._leader is None
        idle = False
        if passing:
            self.poller.take()
        if passing or (leads and (due or not wish.more)):
            self._turn(now)
        try:
            result = wish.make(now)
            idle = wish.quiet or (result is None and waiter.key > NODE and not wish.more)
            return result
        finally:
            idle = idle and not leads and not passing
            if not idle:
                self._settle(now)
            if passing:
                self._due = self._engine_due
                self.poller.leave()
            if not idle and not leads:  # who leads looks again by itself, or hands the lead on
                self._nudge(now)

    def _turn(self, now: int) -> None:
        self._due = 0  # no need to wake who is about to look
        self.turns += 1
        self._turned = now
        self.poller.settle()
        if 0 < self._alarm <= now:
            self._alarm = 0
            self.poller.alarm(0)
        self.pump.turn(now, self._look <= now)
        if self.bridges.count > 0:
            self.bridges.look()

    def _settle(self, now: int) -> None:
        """Send, and pass on what is new."""
        core = self.core
        if self.bridges.count > 0:
            if core.has_news():
                self._spread(now)
            self.bridges.carry(now)
        self.pump.flush(now)
        self._watch_writing()
        if core.has_news():
            self._spread(now)
        self.waiters.wake(EVERY)
        self._look = 0 if self.pump.behind or self.bridges.is_due() else core.deadline()

    def _spread(self, now: int) -> None:
        """Wake those whose sockets changed, pass events on, start jobs."""
        for key, _ in self.core.ready():
            self.waiters.wake(key)
            self.bridges.touch(key)
        events = self.core.events()
        if events:
            self.on_events(events)
            self.waiters.wake(NODE)
        for job in self.core.jobs():
            self._give(job, now)

    def _watch_writing(self) -> None:
        """Poll for room in those sockets, and only those, that refused datagrams."""
        if not self._write_watched and not self.pump.blocked():
            return
        wanted = self.sockets.blocked() if self.pump.blocked() else []
        if wanted != self._write_watched:
            for descriptor in self._write_watched:
                self.poller.want_write(descriptor, False)
            for descriptor in wanted:
                self.poller.want_write(descriptor, True)
            self._write_watched = wanted

    def _enter(self, waiter: Waiter, now: int) -> None:
        """Before a waiter blocks: it leads if nobody does."""
        if not waiter.entered:
            waiter.entered = True
            self.waiters.add(waiter)
        if self._leader is None:
            self._leader = waiter
            self.poller.take()
        waiter.leads = self._leader is waiter
        if waiter.leads:
            self._due = min(self._look, waiter.end, now + LONGEST)
            waiter.seconds = (self._due - now) / 1e6
        else:
            waiter.prepare()
            waiter.seconds = min(waiter.end - now, LONGEST) / 1e6

    def _nudge(self, now: int) -> None:
        """Wake whoever polls if what it waits for has come about; see that it does not oversleep."""
        leader = self._leader
        if leader is not None and leader.woken:
            self.poller.wake()
            return
        look = self._look
        if look >= self._due or 0 < self._alarm <= look:
            return
        if look <= now:
            self.poller.wake()
        elif self.poller.alarm(look - now):
            self._alarm = look

    def _hand_on(self, waiter: Waiter) -> None:
        """Take a waiter out; somebody else is to lead if it did."""
        self.waiters.remove(waiter)
        if self._leader is waiter:
            self._leader = heir = self.waiters.first()
            if heir is not None:
                self._due = 0
                heir.wake()
                return
            self._due = self._engine_due
            if self.closed:
                self._no_leader.set()
            else:
                self.poller.leave()
        if not self.closed:
            self._nudge(self._now())

    # The engine

    def engine_turn(self) -> float:
        """Drive if nobody leads; returns for how many seconds to stand by."""
        with self.lock:
            if self.closed:
                return 0.0
            now = self._now()
            if self._leader is not None:
                self._engine_due = now + LONGEST
                return MAX_WAIT
            try:
                self._turn(now)
                self._settle(now)
            finally:
                self._due = self._engine_due = min(self._look, now + LONGEST)
                self.poller.arm()
            return (self._due - now) / 1e6

    # The end

    def close(self) -> None:
        """Stop driving, wake every waiter (they raise OSError), close the sockets. Harmless when repeated."""
        if self.forked:
            return
        with self.lock:
            if self.closed:
                return
            self.closed = True
            self.waiters.wake_all()
            self.poller.wake()
            self.poller.arm()
            if self._leader is None:
                self._no_leader.set()
            else:
                self._no_leader.clear()
        self.worker.close(CLOSE_TIMEOUT)
        if self._engine.is_alive() and self._engine is not threading.current_thread():
            self._engine.join(CLOSE_TIMEOUT)
        self._no_leader.wait(CLOSE_TIMEOUT)
        self.bridges.close()
        self.poller.close()
        self.sockets.close()

    def abandon(self) -> None:
        """In a forked child: close the descriptors, raise ForkedError from now on. Takes no lock."""
        self.forked = True
        self.lock = new_lock()
        for item in (self.bridges, self.poller, self.sockets):
            with contextlib.suppress(OSError):
                item.close()


def engine(reference: weakref.ref[ThreadedDriver]) -> None:
    """The engine thread: lives until its driver is closed or gone."""
    while True:
        driver = reference()
        if driver is None or driver.closed:
            return
        try:
            seconds = driver.engine_turn()
        except Exception:
            log.exception("an error in the node's engine")
            seconds = 1.0
        poller = driver.poller
        del driver
        with contextlib.suppress(OSError, ValueError):
            poller.stand_by(seconds)
