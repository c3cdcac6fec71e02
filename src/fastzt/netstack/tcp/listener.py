"""TcpListener: connections that wait to be accepted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ..socket_table import Handle
from .connection import Connection


class TcpListener:
    """`handle.id` becomes ACCEPTABLE for each connection; `address` None listens on all addresses."""

    __slots__ = (
        "_forget",
        "_waiting",
        "address",
        "backlog",
        "handle",
        "options",
        "port",
        "refused",
    )

    def __init__(
        self,
        handle: Handle | None,
        address: bytes | None,
        port: int,
        backlog: int,
        options: dict[str, int | str],
        forget: Callable[[TcpListener, int], None],
    ) -> None:
        self.handle = handle
        self.address = address
        self.port = port
        self.backlog = backlog
        self.options = options
        self.refused = 0
        self._waiting: deque[Connection] = deque()
        self._forget = forget

    @property
    def id(self) -> int:
        """The id in the socket table; 0 when closed."""
        return 0 if self.handle is None else self.handle.id

    @property
    def pending(self) -> int:
        """How many connections wait for `accept`."""
        return len(self._waiting)

    def is_full(self) -> bool:
        """Whether no connection more may wait."""
        return len(self._waiting) >= self.backlog

    def offer(self, connection: Connection) -> None:
        """Queue an established connection."""
        self._waiting.append(connection)

    def accept(self) -> Connection | None:
        """The connection that waited longest, or None."""
        return self._waiting.popleft() if self._waiting else None

    def close(self, now: int) -> None:
        """Stop listening; connections not accepted are reset."""
        if self.handle is None:
            return
        self._forget(self, now)
        self.handle = None
        while self._waiting:
            connection = self._waiting.popleft()
            connection.abort(now)
            connection.close(now)  # which frees its entry among the sockets
