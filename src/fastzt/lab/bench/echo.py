"""An echo server in one thread: connections one after another, each until its end."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

MESSAGE = 64  # bytes of a question and of its answer


def serve(listener: Any) -> None:
    """Accept and echo until the listener is closed."""
    buffer = bytearray(MESSAGE)
    view = memoryview(buffer)
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with contextlib.suppress(OSError), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while n := connection.recv_into(buffer):
                connection.sendall(view[:n])
