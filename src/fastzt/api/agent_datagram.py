"""AgentDatagramSocket: UDP through the agent, by a packet socket whose messages carry an address."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

from . import addresses, names
from .agent_wire import DATAGRAM, FAILURE, HEAD
from .socket import os_error

_System = socket.socket
MAX = 65535


def head(kind: int, ip: bytes, port: int) -> bytes:
    """What stands before a datagram."""
    return bytes((kind,)) + ip + port.to_bytes(2, "big")


class AgentDatagramSocket(_System):
    """Used as a DatagramSocket is; `fileno` is a genuine descriptor."""

    def __init__(self, descriptor: int, local: tuple[Any, ...]) -> None:
        super().__init__(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, descriptor)
        self._local = local
        self._remote: tuple[bytes, int] | None = None

    @property
    def port(self) -> int:
        """The local port."""
        return int(self._local[1])

    def sendto(self, data: Any, *arguments: Any) -> int:
        """`sendto(data, address)` or `sendto(data, flags, address)`; returns the length."""
        host, port = addresses.pair(arguments[-1])
        return self._put(data, (names.system(host)[0], port))

    def send(self, data: Any, flags: int = 0) -> int:
        """Send to where the socket is connected to."""
        if self._remote is None:
            raise OSError(errno.EDESTADDRREQ, os.strerror(errno.EDESTADDRREQ))
        return self._put(data, self._remote)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """As `send`: a datagram leaves whole."""
        self.send(data, flags)

    def _put(self, data: Any, remote: tuple[bytes, int]) -> int:
        n = memoryview(data).nbytes
        if n > MAX:
            raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
        _System.sendmsg(self, [head(DATAGRAM, *remote), data])
        return n

    def recvfrom(self, bufsize: int, flags: int = 0) -> tuple[bytes, tuple[Any, ...]]:
        """The next datagram, at most `bufsize` bytes of it, and where it came from."""
        if bufsize < 0:
            raise ValueError("negative buffersize in recvfrom")
        while True:
            message = _System.recv(self, HEAD + bufsize, flags)
            if len(message) < HEAD:
                raise OSError(errno.EBADF, "the agent has ended")
            ip, port = message[1:17], int.from_bytes(message[17:HEAD], "big")
            if message[0] == FAILURE:
                raise os_error(int.from_bytes(message[HEAD : HEAD + 2], "big") or port)
            if self._remote in (None, (ip, port)):
                return message[HEAD:], addresses.socket_address(ip, port)
            if flags & socket.MSG_PEEK:
                _System.recv(self, 1)  # of another than we are connected to

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """The next datagram, at most `bufsize` bytes of it."""
        return self.recvfrom(bufsize, flags)[0]

    def recvfrom_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> tuple[int, tuple[Any, ...]]:
        """The next datagram into a writable buffer; length and source."""
        view = memoryview(buffer).cast("B")
        data, source = self.recvfrom(nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data), source

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """As `recvfrom_into`; the length alone."""
        return self.recvfrom_into(buffer, nbytes, flags)[0]

    def connect(self, address: Any) -> None:
        """Send to, and receive from, one address alone."""
        host, port = addresses.pair(address)
        self._remote = (names.system(host)[0], port)

    def getpeername(self) -> Any:
        """Where it is connected to; OSError (ENOTCONN) when it is not."""
        if self._remote is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return addresses.socket_address(*self._remote)

    def getsockname(self) -> Any:
        """The (host, port) of this end; 0.0.0.0 stands for every address of the network."""
        return self._local


def unpack_address(message: bytes) -> tuple[bytes, int]:
    """Where a client's datagram goes; raises ValueError for a message that is none."""
    if len(message) < HEAD or message[0] != DATAGRAM:
        raise ValueError("not a datagram")
    return message[1:17], int.from_bytes(message[17:HEAD], "big")
