"""Worker: one thread for what may take long (proof of work, files), fed through a capped queue."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .driver import Driver

MAX_QUEUED = 256
log = logging.getLogger("fastzt")

Task = Callable[[], None]


class Worker:
    """Runs tasks one after another on a thread that starts with the first one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.refused = 0
        self._tasks: deque[Task] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False

    def submit(self, task: Task, *, must: bool = False) -> bool:
        """Queue a task; False (counted) when the queue is full, unless it must run."""
        with self._changed:
            if self._closing or (len(self._tasks) >= MAX_QUEUED and not must):
                self.refused += 1
                return False
            self._tasks.append(task)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
                self._thread.start()
            self._changed.notify()
        return True

    def complete(self, task: Task, timeout: float = 5.0) -> bool:
        """Run a task behind those that are queued, and wait for it; False when it has not run in time."""
        done = threading.Event()

        def run() -> None:
            try:
                task()
            finally:
                done.set()

        return self.submit(run, must=True) and done.wait(timeout)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._tasks:
                    if self._closing:
                        return
                    self._changed.wait(60.0)
                task = self._tasks.popleft()
            try:
                task()
            except Exception:
                log.exception("a background task of a node failed")

    def close(self, timeout: float = 5.0) -> None:
        """Finish what is queued, within `timeout` seconds, and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)


def run_job(driver: Driver, job: Any) -> None:
    """On the worker's thread: run a job of the core, then hand it back."""
    job.run()
    with contextlib.suppress(OSError):  # closed meanwhile
        driver.run(partial(driver.core.finish, job))
