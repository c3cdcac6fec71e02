"""Splice: two stream sockets of the system whose bytes two threads carry from one to the other."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any

BLOCK = 1 << 18


class Splice:
    """Begins at once; the end of one direction is passed on. After both, `on_end(self)` is called.

    `failed`, and bytes `inward` (of the second to the first) and `outward`.
    """

    def __init__(self, near: Any, far: Any, on_end: Callable[[Splice], None] | None) -> None:
        self.failed = False
        self.inward = 0
        self.outward = 0
        self._near, self._far = near, far
        self._on_end = on_end
        self._left = 2
        self._lock = threading.Lock()
        near.settimeout(None)
        far.settimeout(None)
        for work in (self._out, self._in):
            threading.Thread(target=work, name="fastzt-splice", daemon=True).start()

    def _out(self) -> None:
        self.outward = self._carry(self._near, self._far)

    def _in(self) -> None:
        self.inward = self._carry(self._far, self._near)

    def _carry(self, source: Any, target: Any) -> int:
        buffer = bytearray(BLOCK)
        view = memoryview(buffer)
        total = 0
        try:
            while n := source.recv_into(buffer):
                target.sendall(view[:n])
                total += n
            target.shutdown(socket.SHUT_WR)
        except OSError:
            self.failed = True
            for sock in (source, target):
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        self._finish()
        return total

    def _finish(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left:
                return
        self._near.close()
        self._far.close()
        if self._on_end is not None:
            self._on_end(self)
