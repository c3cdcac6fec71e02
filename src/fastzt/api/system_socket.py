"""SystemSocket: a genuine socket of the system whose bytes go through a ZeroTier network."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .socket import Socket

LOOPBACK = "127.0.0.1"
IDLE = 60  # seconds until the kernel asks whether an ended end is still there
SYSTEM = socket.socket  # whatever becomes of the module's names


class SystemSocket(SYSTEM):
    """Made by `Socket.to_socket`: one end of a pair of sockets of this host, the node has the other.

    It can be polled, given to `ssl`, `asyncio` or C code. `getpeername` and `getsockname` tell the addresses
    on the network; `peer_id`: the authenticated node at the other end.
    """

    peer_id = ""
    _names: tuple[Any, Any] | None = None

    def getsockname(self) -> Any:
        """The local (host, port) on the network."""
        return self._names[0] if self._names and self.fileno() >= 0 else super().getsockname()

    def getpeername(self) -> Any:
        """The remote (host, port) on the network."""
        return self._names[1] if self._names and self.fileno() >= 0 else super().getpeername()


def pair() -> tuple[SYSTEM, SYSTEM]:
    """Two TCP sockets of this host that are connected to each other; not inheritable, blocking."""
    with SYSTEM(socket.AF_INET, socket.SOCK_STREAM) as listener, contextlib.ExitStack() as undo:
        listener.settimeout(None)
        listener.bind((LOOPBACK, 0))
        listener.listen()
        near = undo.enter_context(SYSTEM(socket.AF_INET, socket.SOCK_STREAM))
        near.settimeout(None)
        near.connect(listener.getsockname())
        far, address = listener.accept()
        while address != near.getsockname():  # another process was quicker
            far.close()
            far, address = listener.accept()
        undo.pop_all()
    for end in (near, far):
        end.settimeout(None)
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    far.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        far.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, IDLE)
    return near, far


def to_socket(given: Socket) -> SystemSocket:
    """What `Socket.to_socket` does."""
    names, peer_id = (given.getsockname(), given.getpeername()), given.peer_id
    if given._io_refs > 0:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
    near, far = pair()
    made = SystemSocket(near.family, near.type, near.proto, near.detach())
    try:
        given.hand_over(far)
    except BaseException:
        made.close()
        far.close()
        raise
    made._names, made.peer_id = names, peer_id
    made.settimeout(given.gettimeout())
    return made
