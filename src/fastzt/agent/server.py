"""AgentServer: lets processes of the same user use one node (api/agent_wire.py says how they ask)."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import struct
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..api import agent_wire
from ..api.agent_wire import Channel
from ..api.closing import Closing
from ..errors import FastztError, StateError
from ..io.attempt import Attempt
from .requests import Requests

if TYPE_CHECKING:
    from ..api.node import Node

log = logging.getLogger("fastzt.agent")
MAX_CLIENTS = 512
BACKLOG = 128
LEAD = 1 << 61  # a key that nothing happens to
SEEN = 0.5  # seconds between looks for the end of idleness


class Forever(Attempt):
    """A wish that is never granted: who waits for it leads for everybody."""

    def make(self, now: int) -> Any:
        """Nothing."""
        return None


class AgentServer(Closing):
    """Serves at `<state>/agent.sock`, or on a listening socket that it is given, until closed.

    A thread for each client that asks something; one that leads, for nobody else waits for long here.
    """

    def __init__(self, node: Node, state: Path, listener: socket.socket | None = None) -> None:
        self.node = node
        self.path = agent_wire.socket_path(state)
        self._given = listener is not None
        self._listener = listener if listener is not None else listen_at(self.path)
        self._slots = threading.BoundedSemaphore(MAX_CLIENTS)
        self._channels: set[Channel] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._used = time.monotonic()
        directory = state / agent_wire.LISTENERS
        directory.mkdir(mode=0o700, exist_ok=True)
        self.requests = Requests(node, directory)
        for work in (self._accept, self._lead):
            threading.Thread(target=work, name="fastzt-agent", daemon=True).start()

    def _lead(self) -> None:
        with contextlib.suppress(OSError):
            self.node._driver.wait(LEAD, Forever(), None)

    def _accept(self) -> None:
        while not self._closed:
            self._slots.acquire()
            try:
                sock, _ = self._listener.accept()
            except OSError:
                self._slots.release()
                if not self._closed:
                    log.exception("the agent no longer listens")
                return
            if self._closed or not is_ours(sock):
                if not self._closed:
                    log.warning("another user's process was turned away")
                sock.close()
                self._slots.release()
                continue
            threading.Thread(target=self._serve, args=(Channel(sock),), daemon=True).start()

    def _serve(self, channel: Channel) -> None:
        """One client's requests, one after another."""
        with self._lock:
            self._channels.add(channel)
        try:
            while (request := channel.receive()) is not None and not self._closed:
                self._answer(channel, request)
        except (OSError, ValueError):
            pass
        except Exception:
            log.exception("an error in the agent")
        finally:
            self.requests.gone(channel)
            with self._lock:
                self._channels.discard(channel)
                self._used = time.monotonic()
            channel.close()
            self._slots.release()

    def _answer(self, channel: Channel, request: dict[str, Any]) -> None:
        try:
            answer, descriptor = self.requests.do(channel, request)
        except (FastztError, OSError, ValueError, LookupError) as error:
            channel.send({"error": agent_wire.pack_error(error)})
            return
        if descriptor is None:
            channel.send({"ok": answer})
            return
        with descriptor:
            channel.send({"ok": answer}, descriptor.fileno())

    def idle(self) -> float:
        """For how many seconds nobody has used the agent."""
        with self._lock:
            busy = bool(self._channels) or self.requests.busy()
            return 0.0 if busy else time.monotonic() - self._used

    def close(self) -> None:
        """Serve no more. Harmless when repeated."""
        if self._closed:
            return
        self._closed = True
        self._stop_listening()
        with self._lock:
            for channel in self._channels:
                with contextlib.suppress(OSError):
                    channel.sock.shutdown(socket.SHUT_RDWR)
        self.requests.close()

    def _stop_listening(self) -> None:
        """Wake who accepts. A socket that was given stays its owner's, who may give it to the next agent."""
        with contextlib.suppress(OSError):
            if self._given:
                agent_wire.connect(Path(self._listener.getsockname())).close()
            else:
                self.path.unlink(missing_ok=True)
                self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def listen_at(path: Path) -> socket.socket:
    """Listen for processes of this user alone; raises StateError."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        path.unlink(missing_ok=True)  # of an agent that was killed: the state directory is ours
        with agent_wire.address_of(path) as address:
            sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise StateError(f"cannot listen at {path}: {error.strerror or error}") from None
    finally:
        os.umask(before)
    return sock


def is_ours(sock: socket.socket) -> bool:
    """Whether the process at the other end is of this user, or root."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True  # the socket's mode has to do
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return uid in (os.geteuid(), 0)


def given_listener() -> socket.socket | None:
    """The socket that systemd passed (sd_listen_fds(3)); None when there is none. Raises StateError."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or os.environ.get("LISTEN_FDS") != "1":
        return None
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        os.environ.pop(name, None)
    os.set_inheritable(3, False)
    given = socket.socket(fileno=3)
    if given.family != socket.AF_UNIX or given.type != socket.SOCK_STREAM:
        given.close()
        raise StateError("the socket that was passed is no Unix socket of streams")
    given.setblocking(True)
    return given
