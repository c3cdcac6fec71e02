"""How commands that serve end: SIGINT and SIGTERM end the start where it stands, and what serves in order."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

SLICE = 0.5 if sys.platform == "win32" else None  # seconds; there no signal ends a wait


class Stop:
    """What a signal asks for: KeyboardInterrupt until it is expected, from then on the end of the wait.

    A handler runs between two steps of the main thread, which may stand inside a lock at that time: no
    threading.Event, whose set() would wait for its own wait(). A SimpleQueue may be filled from there.
    """

    def __init__(self) -> None:
        self._came = False
        self._expected = False
        self._woken: SimpleQueue[None] = SimpleQueue()

    def on_signal(self, *_: object) -> None:
        """What the first one began goes on when more come, unless the start has not ended by it."""
        self._came = True
        self._woken.put(None)
        if not self._expected:
            raise KeyboardInterrupt

    def expect(self) -> None:
        """From now on signals only set it: the command serves, and looks at it or waits."""
        self._expected = True

    def is_set(self) -> bool:
        """Whether a signal came."""
        return self._came

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a signal, `timeout` seconds at most: whether one came. Main thread only."""
        while not self._came:
            try:
                self._woken.get(timeout=SLICE if timeout is None else timeout)
            except Empty:
                if timeout is not None:
                    break
        return self._came


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """Have SIGINT and SIGTERM handled by a Stop meanwhile, instead of ending the process where it stands."""
    stop = Stop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, stop.on_signal) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
