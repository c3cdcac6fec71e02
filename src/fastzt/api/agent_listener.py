"""AgentListener: a port of a network whose connections the agent hands to a socket of this host.

That socket is a genuine listening one: processes that inherit it, or are given it, accept from it as they
please, whatever library they use. The agent connects to it under a name that tells both addresses: an
abstract one or, where there are none, a path that is gone by then.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import os
import secrets
import socket
import struct
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import StateError
from . import addresses, agent_wire
from .agent_client import answer_of, exchange
from .closing import Closing
from .passed_socket import PassedSocket

if TYPE_CHECKING:
    from .agent_client import AgentLink
    from .agent_wire import Channel

MARK = b"\0fastzt "
FIELDS = struct.Struct(">16sH16sH5sQ")  # of a name that is a path, in base64: a path has 104 bytes at most
AGAIN = 0.2  # seconds until an agent that has ended is looked for again


def name_of(local: tuple[Any, ...], remote: tuple[Any, ...], peer: str, number: int) -> bytes:
    """The name of the agent's end of a connection (unix(7): abstract)."""
    fields = (local[0], local[1], remote[0], remote[1], peer, number)
    return MARK + " ".join(map(str, fields)).encode()


def file_name_of(local: tuple[Any, ...], remote: tuple[Any, ...], peer: str, number: int) -> str:
    """The same where a name has to be that of a file."""
    ends = (addresses.ip16(local[0]), local[1], addresses.ip16(remote[0]), remote[1])
    packed = FIELDS.pack(*ends, bytes.fromhex(peer), number)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_file_name(name: str) -> tuple[tuple[Any, ...], tuple[Any, ...], str, int]:
    """As `read_name`."""
    packed = base64.urlsafe_b64decode(name + "=" * (-len(name) % 4))
    if len(packed) != FIELDS.size:
        raise ValueError("not a connection of the agent")
    here, port, there, remote, peer, number = FIELDS.unpack(packed)
    ends = (addresses.socket_address(here, port), addresses.socket_address(there, remote))
    return (*ends, peer.hex(), number)


def read_name(name: Any) -> tuple[tuple[Any, ...], tuple[Any, ...], str, int]:
    """Local and remote address, the node and the number of a connection, from its name; raises ValueError."""
    if isinstance(name, str) and name:
        return read_file_name(Path(name).name)
    if not isinstance(name, bytes) or not name.startswith(MARK):
        raise ValueError("not a connection of the agent")
    here, port, there, remote, peer, number = name[len(MARK) :].decode().split(" ")
    return address_of(here, int(port)), address_of(there, int(remote)), peer, int(number)


def address_of(host: str, port: int) -> tuple[Any, ...]:
    """As `socket.getpeername` gives it."""
    return addresses.socket_address(addresses.ip16(host), port)


class AgentListener(Closing):
    """Made by `AgentNetwork.listen`. `socket` is the listening socket; `accept` tells addresses as well.

    A thread asks an agent that has come back to listen again. The port is free once no process has the
    socket.
    """

    def __init__(self, link: AgentLink, nwid: str, port: int, host: str, backlog: int) -> None:
        self._link = link
        self._request: dict[str, Any] = {"op": "listen", "network": nwid, "port": port, "host": host}
        self._closed = False
        self._accepting = 0
        directory = link.path.parent / agent_wire.LISTENERS
        directory.mkdir(mode=0o700, exist_ok=True)
        self._path = directory / f"{os.getpid()}-{secrets.token_hex(4)}"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with agent_wire.address_of(self._path) as address:
                self.socket.bind(address)
            self.socket.listen(backlog)
            self._request["path"] = self._path.name
            self._channel, answer = self._ask()
        except BaseException:
            self._remove()
            raise
        self.port = self._request["port"] = int(answer["port"])
        self._local = tuple(answer["local"])
        self._owner = os.getpid()
        threading.Thread(target=self._stay, name="fastzt-listener", daemon=True).start()

    def _ask(self) -> tuple[Channel, dict[str, Any]]:
        """Have the agent listen, for as long as the channel is open or others have the socket."""
        channel = self._link.open()
        try:
            return channel, answer_of(exchange(channel, self._request))
        except BaseException:
            channel.close()
            raise

    def _stay(self) -> None:
        """Whenever the agent ends, ask the next one."""
        while not self._closed:
            with contextlib.suppress(OSError, ValueError):
                self._channel.receive()
            self._channel.close()
            if self._closed:
                return
            try:
                self._channel, _ = self._ask()
            except (StateError, OSError, ValueError):
                threading.Event().wait(AGAIN)
        self._channel.close()

    def accept(self) -> tuple[PassedSocket, tuple[Any, ...]]:
        """The next connection and the address of its other end."""
        self._accepting += 1
        try:
            descriptor, name = self.socket._accept()  # type: ignore[attr-defined]
        finally:
            self._accepting -= 1
        made = PassedSocket(fileno=descriptor)
        try:
            if self._closed:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            local, remote, peer, number = read_name(name)
        except (OSError, ValueError):
            made.close()
            raise
        made._names, made.peer_id = (local, remote), peer
        made._how = lambda: int(self._link.call("ended", number=number)["errno"])
        agent_wire.enlarge(made, agent_wire.CLIENT_BUFFER)
        made.settimeout(socket.getdefaulttimeout())
        return made, remote

    def settimeout(self, value: float | None) -> None:
        """Bound `accept`."""
        self.socket.settimeout(value)

    def gettimeout(self) -> float | None:
        """The timeout in seconds, None when blocking."""
        return self.socket.gettimeout()

    def setblocking(self, flag: bool) -> None:
        """Blocking without limit, or non-blocking."""
        self.socket.setblocking(flag)

    def fileno(self) -> int:
        """A descriptor to poll for connections."""
        return self.socket.fileno()

    def getsockname(self) -> tuple[Any, ...]:
        """The (host, port) that is listened on; 0.0.0.0 stands for every address of the network."""
        return self._local

    def close(self) -> None:
        """Accept no more in this process; a blocked `accept` raises OSError. Harmless when repeated."""
        if self._closed:
            return
        self._closed = True
        for _ in range(self._accepting):
            with contextlib.suppress(OSError):
                agent_wire.connect(self._path).close()
        self._remove()
        if self._owner == os.getpid():
            with contextlib.suppress(OSError):
                self._channel.sock.shutdown(socket.SHUT_RDWR)

    def _remove(self) -> None:
        self.socket.close()
        if not agent_wire.is_held(self._path):
            self._path.unlink(missing_ok=True)

    def __repr__(self) -> str:
        return f"<fastzt.AgentListener {'closed' if self._closed else f'port={self.port}'}>"
