"""DatagramRelay: two threads carry datagrams between a UDP socket of a network and a socket of this host."""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
import weakref
from typing import TYPE_CHECKING, Any, TypeAlias

from . import addresses
from .agent_datagram import head, unpack_address
from .agent_wire import DATAGRAM, HEAD
from .socket import os_error
from .system_socket import LOOPBACK, SYSTEM

if TYPE_CHECKING:
    from .agent_datagram import AgentDatagramSocket
    from .datagram import DatagramSocket

    Bound: TypeAlias = DatagramSocket | AgentDatagramSocket

MOST = 65535
HERE = {socket.AF_INET: LOOPBACK, socket.AF_INET6: "::1"}
ANY = ("0.0.0.0", "::")


class DatagramRelay:
    """`near` is bound, and speaks with `address`. It ends with the node, and when `near` is closed.

    What goes between them is a datagram as it is where `bound` is connected; else it stands behind a head
    that tells the address on the network.
    """

    def __init__(self, bound: Bound, near: SYSTEM) -> None:
        self.bound = bound
        self.remote = remote_of(bound)
        self.closed = False
        self._error = 0
        bound.settimeout(None)
        self._far = connected_to(near)
        self.address = self._far.getsockname()
        self._near = weakref.ref(near, lambda _: self.close())
        for work in (self._outward, self._inward):
            threading.Thread(target=work, name="fastzt-datagrams", daemon=True).start()

    def _outward(self) -> None:
        with contextlib.suppress(OSError):  # `near` is closed
            while not self.closed:
                data = self._far.recv(MOST)
                if not self.closed:
                    self._pass(data)
        self.close()
        if isinstance(self.bound, SYSTEM):
            with contextlib.suppress(OSError):
                self.bound.shutdown(socket.SHUT_RDWR)
        self.bound.close()
        self._far.close()
        near = self._near()
        if near is not None and self.remote is not None:
            with contextlib.suppress(OSError):
                near.shutdown(socket.SHUT_RDWR)  # wakes who waits for it

    def _pass(self, data: bytes) -> None:
        """To the network; an error is for the next call."""
        try:
            if self.remote is not None:
                self.bound.send(data)
                return
            ip, port = unpack_address(data)
            self.bound.sendto(data[HEAD:], (addresses.host_text(ip), port))
        except OSError as error:
            self._error = error.errno or errno.EIO
        except ValueError:
            return  # of somebody else

    def _inward(self) -> None:
        while not self.closed:
            try:
                data, source = self.bound.recvfrom(MOST)
            except OSError as error:
                if error.errno == errno.EBADF:
                    break
                self._error = error.errno or errno.EIO
                continue
            before = b"" if self.remote is not None else head(DATAGRAM, addresses.ip16(source[0]), source[1])
            try:
                self._far.send(before + data)
            except ConnectionError:
                break  # `near` is closed
            except OSError:
                continue  # no room
        self.close()

    def close(self) -> None:
        """End both threads. Neither waits nor takes a lock."""
        self.closed = True
        with contextlib.suppress(OSError):
            self._far.shutdown(socket.SHUT_RDWR)

    def raise_error(self) -> None:
        """Raise what an earlier datagram met with, once; OSError (EBADF) after the end."""
        number, self._error = self._error, 0
        if self.closed:
            raise OSError(errno.EBADF, "the node is closed")
        if number:
            raise os_error(number)

    def read(self, data: bytes, most: int) -> tuple[bytes, Any]:
        """What has come from it, and where that came from on the network."""
        if self.remote is not None:
            if not data:
                self.raise_error()
            return data[:most], self.remote
        ip, port = unpack_address(data)
        return data[HEAD:][:most], addresses.socket_address(ip, port)


def remote_of(bound: Bound) -> Any:
    """Where it is connected to; None."""
    try:
        return bound.getpeername()
    except OSError as error:
        if error.errno != errno.ENOTCONN:
            raise
        return None


def connected_to(near: SYSTEM) -> SYSTEM:
    """A socket of this host that hears `near` alone."""
    host, port = near.getsockname()[:2]
    if host in ANY:
        host = HERE[near.family]
    made = SYSTEM(near.family, socket.SOCK_DGRAM)
    try:
        made.bind((host, 0))
        made.connect((host, port))
        made.settimeout(None)
    except BaseException:
        made.close()
        raise
    return made
