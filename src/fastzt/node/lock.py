"""One process, and one node in it, owns a state directory at a time."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import threading
from pathlib import Path

from ..errors import StateError
from .files import reason

if sys.platform == "win32":
    import msvcrt

    def take(descriptor: int) -> None:
        """Lock the first byte, or raise OSError at once."""
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def take(descriptor: int) -> None:
        """Take a record lock on the file, or raise OSError at once; a forked child does not inherit it."""
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


GETLK = "hhqqi0q"  # struct flock of 64-bit Linux: type, whence, start, length, pid


def holder(directory: Path) -> int | None:
    """The process that holds a directory, where the system tells; never call it for one of our own.

    To close the file would let go of our own lock.
    """
    if sys.platform != "linux" or sys.maxsize < 1 << 32:
        return None
    try:
        with (directory / "lock").open("rb") as file:
            asked = struct.pack(GETLK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, pid = struct.unpack(GETLK, fcntl.fcntl(file, fcntl.F_GETLK, asked))
    except OSError:
        return None
    return int(pid) if kind != fcntl.F_UNLCK and pid > 0 else None


# Record locks belong to the process: they neither exclude a second node in it, nor survive the closing of any
# descriptor of the file. So the process keeps its own list, by (pid, device, inode).
_held: set[tuple[int, int, int]] = set()
_guard = threading.Lock()


class DirectoryLock:
    """The lock file of a state directory, held until `release`; raises StateError when another holds it."""

    def __init__(self, directory: Path) -> None:
        status = directory.stat()
        self.key = (os.getpid(), status.st_dev, status.st_ino)
        self.descriptor = -1
        with _guard:
            if self.key in _held:
                raise StateError(f"state directory {directory} is in use by another node of this process")
            self.descriptor = self._open(directory)
            _held.add(self.key)

    @staticmethod
    def _open(directory: Path) -> int:
        path = directory / "lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError as error:
            raise StateError(f"cannot write to state directory {directory}: {reason(error)}") from None
        try:
            take(descriptor)
        except OSError:
            os.close(descriptor)
            raise StateError(f"state directory {directory} is in use by another process") from None
        return descriptor

    def release(self) -> None:
        """Let the directory go; harmless when done twice or in a forked child."""
        if self.descriptor < 0:
            return
        descriptor, self.descriptor = self.descriptor, -1
        with contextlib.suppress(OSError):
            os.close(descriptor)
        with _guard:
            _held.discard(self.key)


def after_fork() -> None:
    """In a forked child: nothing is held, and the guard may have been, by a thread that is no more."""
    global _guard
    _guard = threading.Lock()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=after_fork)
