"""Streams: accepts connections here or on a network, opens the other side, and has the node carry the bytes.

A thread accepts for each listener, and one sets up each connection; then the node alone works for it.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from ..api.closing import Closing

if TYPE_CHECKING:
    from ..api.socket import Socket
    from ..io.bridge import Bridge

log = logging.getLogger("fastzt.gateway")
MAX_CONNECTIONS = 1024
BACKLOG = 128


class Listening(Protocol):
    """A listener of either side."""

    def accept(self) -> tuple[Any, Any]:
        """The next connection and its address."""

    def close(self) -> None:
        """Listen no more."""


class Link(Protocol):
    """Sets up an accepted connection: the network's socket and the system's; None: nothing came of it."""

    def __call__(self, accepted: Any, address: Any) -> tuple[Socket, socket.socket] | None:
        """May block, and raise OSError or ValueError."""


class Streams(Closing):
    """Serves listeners until closed. `report(text)` hears what failed, on any thread.

    At most `most` connections live at a time; more wait in the listeners' backlogs.
    """

    def __init__(self, report: Callable[[str], None], most: int = MAX_CONNECTIONS) -> None:
        self.report = report
        self.served = 0
        self._slots = threading.BoundedSemaphore(most)
        self._listeners: list[Listening] = []
        self._closed = False

    def serve(self, listener: Listening, name: str, link: Link) -> None:
        """Accept from a listener, which is closed with this."""
        self._listeners.append(listener)
        threading.Thread(target=self._accept, args=(listener, name, link), name=name, daemon=True).start()

    def _accept(self, listener: Listening, name: str, link: Link) -> None:
        while not self._closed:
            self._slots.acquire()
            try:
                accepted, address = listener.accept()
            except OSError as error:
                self._slots.release()
                if self._closed:
                    return
                self.report(f"{name}: {error}")
                if not isinstance(error, (ConnectionError, TimeoutError, InterruptedError)):
                    return
                continue
            setup = threading.Thread(target=self._set_up, args=(accepted, address, name, link), daemon=True)
            setup.start()

    def _set_up(self, accepted: Any, address: Any, name: str, link: Link) -> None:
        bridged = False
        try:
            ends = link(accepted, address)
            if ends is not None:
                near, sock = ends
                near.hand_over(sock, self._ended)
                bridged = True
                self.served += 1
        except (OSError, ValueError) as error:
            if not self._closed:
                self.report(f"{name}: {error}")
        except Exception:
            log.exception("an error in %s", name)
        finally:
            if not bridged:
                refuse(accepted)
                self._slots.release()

    def _ended(self, bridge: Bridge) -> None:
        self._slots.release()

    def close(self) -> None:
        """Accept no more; what lives goes on until its node is closed."""
        self._closed = True
        for listener in self._listeners:
            if isinstance(listener, socket.socket):
                with contextlib.suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)  # ends the accept that waits
            listener.close()
        self._listeners.clear()


def refuse(accepted: Any) -> None:
    """Close what was accepted in vain: by RST where that can be had."""
    with contextlib.suppress(OSError):
        if isinstance(accepted, socket.socket) and accepted.family != getattr(socket, "AF_UNIX", None):
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    with contextlib.suppress(OSError):
        accepted.close()


def listen_here(host: str, port: int) -> socket.socket:
    """A listening socket of the system; an empty host stands for every address. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def connect_here(host: str, port: int, timeout: float) -> socket.socket:
    """A connection to a host of the system's. Raises OSError."""
    sock = socket.create_connection((host, port), timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
