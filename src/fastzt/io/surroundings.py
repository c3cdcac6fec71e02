"""Surroundings: a thread that watches this host's addresses and tells a node of every change."""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
from collections.abc import Callable

from . import interfaces, netlink
from .interfaces import Address

PERIOD = 30.0  # seconds between looks, also where the system tells of changes
SETTLE = 0.2  # changes come in bursts
MAX_READ = 1 << 16
log = logging.getLogger("fastzt")

Listener = Callable[[tuple[Address, ...]], None]


class Surroundings:
    """Calls `listener` with the addresses: once by `start`, and on the thread each time they have changed."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._known: tuple[Address, ...] = ()
        self._ended = threading.Event()
        self._reader, self._writer = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._reader, selectors.EVENT_READ)
        self._changes: socket.socket | None = None
        with contextlib.suppress(OSError, AttributeError):
            self._changes = netlink.listen()
            self._selector.register(self._changes, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="fastzt-surroundings", daemon=True)

    def start(self) -> None:
        """Tell what is there now, and begin to watch."""
        self._look()
        self._thread.start()

    def _look(self) -> None:
        found = interfaces.addresses()
        if found != self._known:
            self._known = found
            self._listener(found)

    def _run(self) -> None:
        while not self._ended.is_set():
            self._wait()
            if self._ended.is_set():
                return
            try:
                self._look()
            except Exception:
                log.exception("a change of this host's addresses could not be taken in")

    def _wait(self) -> None:
        """Until something changes, for 30 s at most."""
        readable = [key.fileobj for key, _ in self._selector.select(PERIOD)]
        changes = self._changes
        if changes is not None and changes in readable and not self._ended.wait(SETTLE):
            self._forget_changes(changes)

    def _forget_changes(self, changes: socket.socket) -> None:
        """Read what was told: the addresses are looked up anew in any case."""
        changes.setblocking(False)
        with contextlib.suppress(OSError):  # none left, or more were told than fit
            while changes.recv(MAX_READ):
                pass

    def close(self) -> None:
        """End the thread. Harmless when repeated."""
        if not self._ended.is_set():
            self._ended.set()
            with contextlib.suppress(OSError):
                self._writer.send(b"\0")
            if self._thread.is_alive() and self._thread is not threading.current_thread():
                self._thread.join(5.0)
            self.abandon()

    def abandon(self) -> None:
        """In a forked child: close the descriptors."""
        self._ended.set()
        self._selector.close()
        for sock in (self._reader, self._writer, self._changes):
            if sock is not None:
                sock.close()
