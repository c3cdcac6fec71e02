"""Waiter: a thread that waits for a socket, a listener or the node, and may be given the lead meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from .attempt import Attempt
from .poller import bounded

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    NEVER = 1 << 62

    def check_signals() -> None:
        """Interpreted code does that by itself."""


class TimedOut(TimeoutError):
    """The time that a caller allowed has passed; what it waited for may still come."""


class Waiter:
    """One blocked call: `wish` is what it tries again whenever something happens to `key`.

    Made by `new_waiter`. `woken`: it should look. `seconds`: how long it may block now. `leads`: whether it
    led when that was decided; who is given the lead afterwards has to look once more before it polls.
    """

    if not cython.compiled:
        __slots__ = ("_signal", "end", "entered", "key", "leads", "seconds", "timeout", "wish", "woken")

    def begin(self, key: int, wish: Attempt, timeout: float | None) -> None:
        """What `new_waiter` calls."""
        self.key = key
        self.wish = wish
        self.timeout = timeout
        self.end = -1  # not known before the first attempt
        self.seconds = 0.0
        self.entered = False  # among the driver's waiters
        self.leads = False
        self.woken = False
        self._signal: threading.Lock | None = None  # made for one that does not lead

    def check_time(self, now: int) -> None:
        """After an attempt that gave nothing: raise TimedOut when the time is up."""
        if self.end < 0:
            self.end = NEVER if self.timeout is None else now + int(self.timeout * 1e6)
        if now >= self.end:
            raise TimedOut("timed out")

    def prepare(self) -> None:
        """Before `wait`, under the driver's lock."""
        if self._signal is None:
            self._signal = threading.Lock()
            self._signal.acquire()

    def wait(self) -> None:
        """Block until `wake`, at most `seconds`; a signal's exception passes through."""
        if self._signal is not None:
            self._signal.acquire(timeout=bounded(self.seconds))

    def wake(self) -> None:
        """End its wait, or the next one. Called under the driver's lock."""
        self.woken = True
        if self._signal is not None and self._signal.locked():
            self._signal.release()


def new_waiter(key: int, wish: Attempt, timeout: float | None) -> Waiter:
    """A waiter; a `timeout` of None (else seconds) never ends."""
    waiter = Waiter.__new__(Waiter)  # a call of the class would cost more than the waiter
    waiter.begin(key, wish, timeout)
    return waiter


class Waiters:
    """The blocked calls of a node by key, in order of arrival, and functions that event loops are told by."""

    if not cython.compiled:
        __slots__ = ("_by_key", "_watched")

    def __init__(self) -> None:
        self._by_key: dict[int, list[Waiter]] = {}
        self._watched: dict[int, list[Callable[[], None]]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_key.values()))

    def add(self, waiter: Waiter) -> None:
        """Enter a waiter."""
        self._by_key.setdefault(waiter.key, []).append(waiter)

    def remove(self, waiter: Waiter) -> None:
        """Take a waiter out, if it is in."""
        waiting = self._by_key.get(waiter.key)
        if waiting is not None and waiter in waiting:
            waiting.remove(waiter)
            if not waiting:
                del self._by_key[waiter.key]

    def wake(self, key: int) -> None:
        """Wake those that wait for `key`."""
        waiting = self._by_key.get(key)
        if waiting is not None:
            for waiter in waiting:
                waiter.wake()
        if self._watched:
            for tell in self._watched.get(key, ()):
                tell()

    def wake_all(self) -> None:
        """Wake everybody."""
        for key in {*self._by_key, *self._watched}:
            self.wake(key)

    def watch(self, key: int, tell: Callable[[], None]) -> None:
        """Call `tell` whenever those that wait for `key` are woken, under the driver's lock."""
        self._watched[key] = [*self._watched.get(key, ()), tell]

    def unwatch(self, key: int, tell: Callable[[], None]) -> None:
        """No longer."""
        left = [other for other in self._watched.get(key, ()) if other != tell]
        if left:
            self._watched[key] = left
        else:
            self._watched.pop(key, None)

    def first(self) -> Waiter | None:
        """The one to be given the lead."""
        for waiting in self._by_key.values():
            return waiting[0]
        return None
