"""Many connections that carry nothing."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any


class Keeper:
    """Accepts connections in a thread and keeps them open."""

    def __init__(self, listener: Any) -> None:
        self.listener = listener
        self.kept: list[Any] = []
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                connection.sendall(b"!")
                self.kept.append(connection)

    def close(self) -> int:
        """Close the listener and what was accepted; how many."""
        self.listener.close()
        self.thread.join()
        return close_all(self.kept)


def gather(connect: Callable[[], Any], count: int) -> list[Any]:
    """Open so many connections, each greeted by the other end before the next one."""
    made = []
    for _ in range(count):
        sock = connect()
        made.append(sock)
        if sock.recv(1) != b"!":
            raise ConnectionError(f"connection {len(made)} was not greeted")
    return made


def close_all(sockets: list[Any]) -> int:
    """Close sockets; how many there were."""
    count = len(sockets)
    while sockets:
        sockets.pop().close()
    return count
