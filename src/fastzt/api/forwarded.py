"""Forwarded: a place on this host that leads to one service of a network, for clients written in C."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from typing import TYPE_CHECKING

from .berkeley import BerkeleySocket
from .closing import Closing

if TYPE_CHECKING:
    from .network import Network

BACKLOG = 128
CLOSE_TIMEOUT = 5.0
log = logging.getLogger("fastzt")


class Forwarded(Closing):
    """Made by `Network.forwarded`; in a with statement it gives the (host, port) to connect to.

    Connections that were made live on after its end.
    """

    def __init__(
        self, network: Network, address: tuple[str, int], path: str | os.PathLike[str] | None, timeout: float
    ) -> None:
        self._network = network
        self._remote = address
        self._timeout = timeout
        self._path = None if path is None else os.fspath(path)
        self._listener = self._listen()
        self._closed = False
        self._guard = threading.Lock()
        self._pending: dict[threading.Thread, BerkeleySocket] = {}
        self._thread = threading.Thread(target=self._accept, name="fastzt-forward", daemon=True)
        self._thread.start()

    def _listen(self) -> socket.socket:
        if self._path is None:
            return socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(self._path)
            os.chmod(self._path, 0o600)
            listener.listen(BACKLOG)
        except BaseException:
            listener.close()
            raise
        return listener

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens: (host, port), or the path and the port of the service."""
        if self._path is not None:
            return self._path, self._remote[1]
        host, port = self._listener.getsockname()
        return str(host), int(port)

    def __enter__(self) -> tuple[str, int]:  # type: ignore[override]
        return self.address

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            near = BerkeleySocket(self._network)
            thread = threading.Thread(target=self._set_up, args=(accepted, near), daemon=True)
            with self._guard:
                self._pending[thread] = near
                thread.start()

    def _set_up(self, accepted: socket.socket, near: BerkeleySocket) -> None:
        """Connect, then let the node carry the bytes."""
        try:
            near.settimeout(self._timeout)
            near.connect(self._remote)
            near.hand_over(accepted)
        except (OSError, ValueError) as error:
            if not self._closed:
                log.warning("forward to %s port %d: %s", *self._remote, error)
            near.close()
            accepted.close()
        finally:
            with self._guard:
                del self._pending[threading.current_thread()]

    def close(self) -> None:
        """Listen no more. Harmless when repeated."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # ends the accept that waits
        self._thread.join(CLOSE_TIMEOUT)
        self._listener.close()
        with self._guard:
            pending = dict(self._pending)
        for thread, near in pending.items():
            near.close()
            thread.join(CLOSE_TIMEOUT)
        if self._path is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._path)
