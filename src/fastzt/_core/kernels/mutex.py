"""The lock behind a Mutex, for interpreted modules."""

from __future__ import annotations

import threading


def new_lock() -> threading.Lock:
    """A lock that nobody holds."""
    return threading.Lock()


def take(lock: threading.Lock) -> None:
    """Wait for it."""
    lock.acquire()


def give(lock: threading.Lock) -> None:
    """Release it."""
    lock.release()


def free_lock(lock: threading.Lock) -> None:
    """Nothing to do."""
