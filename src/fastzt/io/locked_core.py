"""LockedCore: a core, its sockets and the lock that guards both, for threads and for event loops."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from .._core.mutex import Mutex
from ..errors import ForkedError
from .clock import monotonic_us
from .endpoints import UdpSockets
from .pump import Pump
from .worker import Worker, run_job

if TYPE_CHECKING:
    import cython

    from ..node.core import Core
else:
    from .. import _cython as cython

T = TypeVar("T")


def new_lock() -> Any:
    """The lock; why the interpreter's own one in interpreted code: `_core.mutex`."""
    return Mutex() if cython.compiled else threading.Lock()


class LockedCore:
    """`clock()` is microseconds. `on_events` hears the core's events under the lock, and does not block."""

    if not cython.compiled:
        __slots__ = (
            "_look",
            "_own_clock",
            "_write_watched",
            "clock",
            "closed",
            "core",
            "forked",
            "lock",
            "on_events",
            "pump",
            "sockets",
            "worker",
        )

    def __init__(
        self,
        core: Core,
        sockets: UdpSockets,
        clock: Callable[[], int],
        on_events: Callable[[list[Any]], None],
    ) -> None:
        self.core = core
        self.sockets = sockets
        self.clock = clock
        self._own_clock = clock is monotonic_us
        self.on_events = on_events
        self.lock: Any = new_lock()
        self.pump = Pump(core, sockets)
        self.worker = Worker("fastzt-worker")
        self.closed = False
        self.forked = False
        self._look = 0  # when the core wants to be looked after again
        self._write_watched: list[int] = []  # descriptors that are watched for room to send

    def check(self) -> None:
        """Raise ForkedError in a forked child, OSError (EBADF) after close."""
        if self.forked:
            raise ForkedError
        if self.closed:
            raise OSError(errno.EBADF, "the node is closed")

    def run(self, action: Callable[[int], T]) -> T:
        """Call `action(now)` under the lock, then send what came of it."""
        if not cython.compiled:
            with self.lock:
                return self._run(action)
        self.lock.acquire()
        try:
            return self._run(action)
        finally:
            self.lock.release()

    def ask(self, question: Callable[[], T]) -> T:
        """Call `question()` under the lock. It changes nothing, so that nothing is to be sent afterwards."""
        self.check()
        with self.lock:
            return question()

    def _now(self) -> int:
        return monotonic_us() if self._own_clock else self.clock()

    # Under the lock

    def _run(self, action: Callable[[int], T]) -> T:
        self.check()
        now = self._now()
        try:
            return action(now)
        finally:
            self._settle(now)
            self._nudge(now)

    def _settle(self, now: int) -> None:
        """Send, and pass on what is new."""
        raise NotImplementedError

    def _nudge(self, now: int) -> None:
        """See that whoever drives looks in time."""
        raise NotImplementedError

    def _give(self, job: Any, now: int) -> None:
        """Let the worker run a job."""
        if not self.worker.submit(partial(run_job, self, job)):
            self.core.refuse(job, now)
