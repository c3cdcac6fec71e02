"""How commands that serve end: SIGINT and SIGTERM end the start where it stands, and what serves in order."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Stop:
    """What a signal asks for: KeyboardInterrupt until it is expected, from then on the end of the wait.

    A handler runs between two steps of the main thread. So a wait for a lock, a threading.Event or a queue
    sleeps on when the signal comes after its last step, and the handler must take no lock that the thread
    may stand in. A byte in a socket is heard in either case: it is there before the wait begins.
    """

    def __init__(self, ear: socket.socket) -> None:
        self._came = False
        self._expected = False
        self._ear = ear  # readable once a signal came: signal.set_wakeup_fd has the other end

    def on_signal(self, *_: object) -> None:
        """What the first one began goes on when more come, unless the start has not ended by it."""
        self._came = True
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
        self._ear.settimeout(timeout)
        with suppress(TimeoutError, BlockingIOError):
            while not self._came:
                self._ear.recv(64)  # also of signals that others handle
        return self._came


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """Have SIGINT and SIGTERM handled by a Stop meanwhile, instead of ending the process where it stands."""
    ear, mouth = socket.socketpair()
    with ear, mouth:
        mouth.setblocking(False)
        stop = Stop(ear)
        numbers = (signal.SIGINT, signal.SIGTERM)
        woken = signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
        before = {number: signal.signal(number, stop.on_signal) for number in numbers}
        try:
            yield stop
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(woken)
