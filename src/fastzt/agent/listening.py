"""Listening: a port of a network whose connections go to a listening socket that clients share."""

from __future__ import annotations

import contextlib
import logging
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..api import agent_wire
from ..api.agent_listener import file_name_of, name_of

if TYPE_CHECKING:
    from ..api.listener import Listener
    from ..api.socket import Socket
    from .requests import Requests

log = logging.getLogger("fastzt.agent")
LOOK = 1.0  # seconds between looks whether a process still has the socket
PATIENCE = 30.0  # seconds for room in the backlog of the clients' socket


class Listening:
    """Ends when no process has the socket at `path` any more, which is looked for once `orphaned`."""

    def __init__(self, requests: Requests, listener: Listener, path: Path) -> None:
        self._requests = requests
        self._listener = listener
        self._path = path
        self._ended = threading.Event()
        threading.Thread(target=self._accept, name="fastzt-listen", daemon=True).start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            try:
                self._pass(accepted)
            except OSError as error:
                log.info("a connection to %s: %s", self._path.name, error)
                accepted.close()
            except Exception:
                log.exception("an error in a listener of the agent")
                accepted.close()

    def _pass(self, accepted: Socket) -> None:
        """Connect to the clients' socket, and carry."""
        number = self._requests.new_number()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            agent_wire.enlarge(sock, agent_wire.BUFFER)
            sock.settimeout(PATIENCE)
            with named(sock, accepted, number), agent_wire.address_of(self._path) as address:
                sock.connect(address)
            self._requests.carry(accepted, sock, number)
        except BaseException:
            sock.close()
            raise

    def orphaned(self, gone: Callable[[], object]) -> None:
        """Who asked for it no longer says so; others may still accept."""

        def look() -> None:
            while agent_wire.is_held(self._path) and not self._ended.wait(LOOK):
                pass
            self.close()
            gone()

        threading.Thread(target=look, name="fastzt-orphan", daemon=True).start()

    def close(self) -> None:
        """Free the port. The clients' socket lives on; the next agent may be asked to use it."""
        self._ended.set()
        self._listener.close()
        if not agent_wire.is_held(self._path):
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


@contextlib.contextmanager
def named(sock: socket.socket, accepted: Socket, number: int) -> Iterator[None]:
    """Give a socket the name that tells about a connection; who is connected to within the block keeps it."""
    facts = (accepted.getsockname(), accepted.getpeername(), accepted.peer_id, number)
    if agent_wire.ABSTRACT:
        sock.bind(name_of(*facts))
        yield
        return
    # A directory of its own: short enough a path for two IPv6 addresses wherever the state is.
    with tempfile.TemporaryDirectory(prefix="fz", dir="/tmp", ignore_cleanup_errors=True) as directory:
        sock.bind(f"{directory}/{file_name_of(*facts)}")
        yield
