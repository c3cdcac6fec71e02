"""Mutex: a lock for short moments; compiled it costs a few nanoseconds while nobody else wants it.

Only compiled code may rely on it where signals come: it runs no handler between taking the lock and the `try`
behind. Interpreted code does, unless it says `with` of the interpreter's own lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .kernels.mutex import free_lock, give, new_lock, take


class Mutex:
    """Held by one thread at a time; not reentrant. Waiting for it lets the GIL go."""

    if not cython.compiled:
        __slots__ = ("lock",)

    def __cinit__(self) -> None:
        self.lock = new_lock()

    def __init__(self) -> None:
        if not cython.compiled:
            self.lock = new_lock()

    def __dealloc__(self) -> None:
        free_lock(self.lock)

    def acquire(self) -> None:
        """Take it."""
        take(self.lock)

    def release(self) -> None:
        """Give it back; only for who holds it."""
        give(self.lock)

    def __enter__(self) -> None:
        take(self.lock)

    def __exit__(self, *error: object) -> None:
        give(self.lock)
