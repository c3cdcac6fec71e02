"""DatagramSocket: UDP on a ZeroTier network, used as a `socket.socket` of SOCK_DGRAM is."""

from __future__ import annotations

import errno
import operator
import os
import socket as system
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import NoRouteError
from ..io.threaded import ThreadedDriver
from . import addresses, flagged, messages, names
from . import datagram_options as options
from .addresses import is_v4
from .port_socket import PortSocket
from .socket import os_error

if TYPE_CHECKING:
    from ..netstack.udp import Address, UdpEndpoint
    from .relayed_socket import RelayedSocket

Buffer = Any  # whatever memoryview() takes
ANY = bytes(16)
T = TypeVar("T")


class DatagramSocket(PortSocket):
    """Made by `Network.udp`. Safe to use from several threads. Both families, unless bound to an address.
    What was sent before `close` still leaves.

    A datagram that is longer than the caller's buffer loses its end. When nobody listens where a connected
    socket sends to, a later call raises ConnectionRefusedError; HostUnreachableError when no node answers.
    """

    type = system.SOCK_DGRAM
    proto = 0

    def __init__(self, driver: ThreadedDriver, endpoint: UdpEndpoint) -> None:
        super().__init__(driver, endpoint)
        self._endpoint = endpoint
        self.family = system.AF_INET6 if endpoint.address and not is_v4(endpoint.address) else system.AF_INET

    # Out

    def sendto(self, data: Buffer, *arguments: Any) -> int:
        """`sendto(data, address)` or `sendto(data, flags, address)`; returns the length."""
        if not 1 <= len(arguments) <= 2:
            raise TypeError("sendto() takes the data, flags that may be left out, and an address")
        return self._send(data, self._remote(arguments[-1]), arguments[0] if len(arguments) == 2 else 0)

    def send(self, data: Buffer, flags: int = 0) -> int:
        """Send to where the socket is connected to."""
        return self._send(data, None, flags)

    def sendall(self, data: Buffer, flags: int = 0) -> None:
        """As `send`: a datagram leaves whole."""
        self.send(data, flags)

    def sendmsg(
        self, buffers: Iterable[Buffer], ancdata: Iterable[Any] = (), flags: int = 0, address: Any = None
    ) -> int:
        """Send several buffers as one datagram; OSError (EOPNOTSUPP) for ancillary data."""
        views = [memoryview(buffer).cast("B") for buffer in buffers]
        messages.no_ancillary(ancdata)
        remote = None if address is None else self._remote(address)
        return self._send(b"".join(views), remote, operator.index(flags))

    def _send(self, data: Buffer, remote: Address | None, flags: int = 0) -> int:
        flagged.check(flags, flagged.SENDING)
        packed = bytes(memoryview(data))

        def attempt(now: int) -> bool | None:
            self._check()
            return self._endpoint.send(packed, remote, now) or None

        try:
            self._await(attempt, flags)
        except OSError as error:
            raise better(error) from None
        return len(packed)

    def _remote(self, address: Any) -> Address:
        """The 16-byte address and port of an address pair, a name looked up by the system."""
        host, port = addresses.pair(address)
        return names.system(host)[0], port

    # In

    def recvfrom(self, bufsize: int, flags: int = 0) -> tuple[bytes, tuple[Any, ...]]:
        """The next datagram, at most `bufsize` bytes of it, and where it came from."""
        if bufsize < 0:
            raise ValueError("negative buffersize in recvfrom")
        data, source = self._receive(flags)
        return data[:bufsize], addresses.socket_address(*source)

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """The next datagram, at most `bufsize` bytes of it."""
        if bufsize < 0:
            raise ValueError("negative buffersize in recv")
        return self._receive(flags)[0][:bufsize]

    def recvfrom_into(self, buffer: Buffer, nbytes: int = 0, flags: int = 0) -> tuple[int, tuple[Any, ...]]:
        """The next datagram into a writable buffer, at most `nbytes` (0: what fits); length and source."""
        view = memoryview(buffer).cast("B")
        if nbytes < 0:
            raise ValueError("negative buffersize in recvfrom_into")
        if nbytes > len(view):
            raise ValueError("nbytes is greater than the length of the buffer")
        data, source = self._receive(flags)
        n = min(len(data), nbytes or len(view))
        view[:n] = data[:n]
        return n, addresses.socket_address(*source)

    def recv_into(self, buffer: Buffer, nbytes: int = 0, flags: int = 0) -> int:
        """As `recvfrom_into`; the length alone."""
        return self.recvfrom_into(buffer, nbytes, flags)[0]

    def recvmsg(self, bufsize: int, ancbufsize: int = 0, flags: int = 0) -> messages.Received:
        """(data, no ancillary data, MSG_TRUNC where its end is lost, source)."""
        messages.check_sizes("recvmsg", bufsize, ancbufsize, flags)
        data, source = self._receive(flags)
        told = int(system.MSG_TRUNC) if len(data) > bufsize else 0
        return data[:bufsize], [], told, addresses.socket_address(*source)

    def recvmsg_into(
        self, buffers: Iterable[Buffer], ancbufsize: int = 0, flags: int = 0
    ) -> tuple[int, list[Any], int, Any]:
        """As `recvmsg`, into several buffers one after the other; their number of bytes first."""
        views = messages.writable(buffers)
        data, *rest = self.recvmsg(sum(map(len, views)), ancbufsize, flags)
        messages.scatter(data, views)
        return len(data), rest[0], rest[1], rest[2]

    def _receive(self, flags: int) -> tuple[bytes, Address]:
        flagged.check(flags, flagged.RECEIVING)
        peek = bool(flags & system.MSG_PEEK)

        def attempt(now: int) -> tuple[bytes, Address] | None:
            self._check()
            return self._endpoint.receive(peek)

        try:
            return self._await(attempt, flags)
        except OSError as error:
            raise better(error) from None

    def _await(self, attempt: Callable[[int], T | None], flags: int) -> T:
        """Wait in this socket's mode, or not at all with MSG_DONTWAIT."""
        timeout = 0.0 if flags & flagged.DONTWAIT else self._timeout
        return self._wait(self._endpoint.id, attempt, timeout)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Not for datagrams: raises ValueError."""
        raise ValueError("only SOCK_STREAM type sockets are supported")

    # Where

    def connect(self, address: Any) -> None:
        """Send to, and receive from, one address alone. Nothing leaves. Raises NoRouteError."""
        self._check()
        remote = self._remote(address)
        try:
            self._driver.run(lambda now: self._endpoint.connect(remote, now))
        except OSError as error:
            raise better(error) from None

    def connect_ex(self, address: Any) -> int:
        """As `connect`; the error number, 0 when there is none."""
        try:
            self.connect(address)
        except OSError as error:
            return error.errno or errno.EIO
        return 0

    def disconnect(self) -> None:
        """Receive from everywhere again."""
        self._check()
        self._driver.run(lambda now: self._endpoint.connect(None, now))

    def getpeername(self) -> tuple[Any, ...]:
        """Where it is connected to; OSError (ENOTCONN) when it is not."""
        self._check()
        remote = self._endpoint.remote
        if remote is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return addresses.socket_address(*remote)

    def getsockname(self) -> tuple[Any, ...]:
        """The (host, port) of this end; 0.0.0.0 stands for every address of the network."""
        self._check()
        ip, port = self._driver.run(lambda now: self._endpoint.local_address)
        return ("0.0.0.0", port) if ip == ANY else addresses.socket_address(ip, port)

    def to_socket(self) -> RelayedSocket:
        """A genuine socket of the system in its place, for select, asyncio and C; this one is closed to you.

        Two threads carry the datagrams. To and from any address they go by the methods of what is returned;
        connected before, its descriptor carries them as they are. An error is raised by a later send.
        """
        from .relayed_socket import to_socket

        return to_socket(self)

    def _hand_over(self) -> DatagramSocket:
        """Another socket that has what this one had, which is closed from now on."""
        self._check()
        made = DatagramSocket(self._driver, self._endpoint)
        self._closed = True
        self._driver.run(lambda now: self._driver.waiters.wake(self._endpoint.id))
        return made

    # Options

    def setsockopt(self, level: int, optname: int, value: int | bytes) -> None:
        """SO_RCVBUF, SO_SNDBUF, SO_BROADCAST and those of multicast; OSError (ENOPROTOOPT) for others."""
        self._check()
        self._driver.run(lambda now: options.set_option(self._endpoint, level, optname, value, now))

    def join_group(self, group: str) -> None:
        """Receive what is sent to a multicast address, at this socket's port."""
        self._check()
        ip = addresses.ip16(group)
        self._driver.run(lambda now: self._endpoint.join(ip, now))

    def leave_group(self, group: str) -> None:
        """Receive it no more."""
        self._check()
        ip = addresses.ip16(group)
        self._driver.run(lambda now: self._endpoint.leave(ip, now))

    def getsockopt(self, level: int, optname: int, buflen: int = 0) -> int | bytes:
        """An option's value, SO_ERROR's too, which that clears; raises OSError (ENOPROTOOPT)."""
        self._check()
        return self._driver.run(lambda now: options.get_option(self._endpoint, level, optname, buflen))


def better(error: OSError) -> OSError:
    """An error as the exception that this project has for it."""
    if isinstance(error, (TimeoutError, BlockingIOError)) or error.errno is None:
        return error
    if error.errno == errno.ENETUNREACH:
        return error if isinstance(error, NoRouteError) else NoRouteError()
    return os_error(error.errno) if error.errno == errno.EHOSTUNREACH else error
