"""Ids of sockets and what they are ready for, drained once a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    READABLE = 1
    WRITABLE = 2
    CONNECTED = 4
    ACCEPTABLE = 8
    CLOSED = 16
    FAILED = 32


class Handle:
    """A socket's entry: `id`, the `owner` (Connection, TcpListener), the bits not drained yet."""

    if not cython.compiled:
        __slots__ = ("bits", "id", "owner")

    def __init__(self, number: int, owner: object) -> None:
        self.id = number
        self.owner = owner
        self.bits = 0


class SocketTable:
    """Shared by the stacks of a node. Ids grow and are never used again."""

    if not cython.compiled:
        __slots__ = ("_handles", "_last", "_pending")

    def __init__(self) -> None:
        self._handles: dict[int, Handle] = {}
        self._pending: list[Handle] = []
        self._last = 0

    def __len__(self) -> int:
        return len(self._handles)

    def allocate(self, owner: object) -> Handle:
        """A handle with a new id."""
        self._last += 1
        handle = Handle(self._last, owner)
        self._handles[self._last] = handle
        return handle

    def release(self, handle: Handle) -> None:
        """Forget the socket: nothing is told of it any more."""
        self._handles.pop(handle.id, None)
        handle.owner = None

    def get(self, number: int) -> object | None:
        """The socket with this id."""
        handle = self._handles.get(number)
        return None if handle is None else handle.owner

    def mark(self, handle: Handle, bits: int) -> None:
        """Add bits: READABLE, WRITABLE, CONNECTED, ACCEPTABLE, CLOSED, FAILED."""
        if handle.owner is None:
            return
        if handle.bits == 0:
            self._pending.append(handle)
        handle.bits |= bits

    def has_news(self) -> bool:
        """Whether a socket was marked since the last `ready`."""
        return len(self._pending) > 0

    def ready(self) -> list[tuple[int, int]]:
        """(id, bits) of every socket marked since the last call, in the order of their first mark."""
        if not self._pending:
            return []
        found = []
        for handle in self._pending:
            if handle.owner is not None:
                found.append((handle.id, handle.bits))
            handle.bits = 0
        self._pending.clear()
        return found
