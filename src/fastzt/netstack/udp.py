"""UDP (RFC 768) of one socket: what it sends, what waits for the user. Never waits."""

from __future__ import annotations

import errno
import os
from collections import deque
from typing import TYPE_CHECKING

from .._core.stats import register
from .ip_packet import (
    HOP_LIMIT,
    MAX_PACKET,
    V4_HEADER,
    V4_MAPPED,
    checksum,
    is_multicast,
    pseudo_header,
    whole,
)
from .outgoing import Outgoing
from .socket_table import READABLE, WRITABLE

if TYPE_CHECKING:
    from .datagrams import Datagrams

PROTOCOL = 17
HEADER = 8
MAX_V4 = MAX_PACKET - V4_HEADER - HEADER  # bytes of a datagram
MAX_V6 = MAX_PACKET - HEADER
OVERHEAD = 256  # what a datagram costs besides its bytes
MAX_GROUPS = 20  # of one socket, as usual
FULL = register("netstack.udp_buffer_full")

Address = tuple[bytes, int]


def datagram(source: Address, destination: Address, data: bytes, hops: int = HOP_LIMIT) -> bytes:
    """The IP packet of a datagram between two (16-byte address, port)."""
    length = HEADER + len(data)
    body = b"".join(n.to_bytes(2, "big") for n in (source[1], destination[1], length)) + b"\0\0" + data
    total = checksum(pseudo_header(source[0], destination[0], PROTOCOL, length) + body) or 0xFFFF
    return whole(source[0], destination[0], PROTOCOL, body[:6] + total.to_bytes(2, "big") + data, hops)


def parse(source: bytes, destination: bytes, body: bytes) -> tuple[int, int, bytes] | None:
    """Ports and data of a transport message, or None when its length or checksum is wrong."""
    length = int.from_bytes(body[4:6], "big")
    if not HEADER <= length <= len(body):
        return None
    body = body[:length]
    if body[6:8] != b"\0\0":
        if checksum(pseudo_header(source, destination, PROTOCOL, length) + body) not in (0, 0xFFFF):
            return None
    elif not source.startswith(V4_MAPPED):  # RFC 8200 8.1: IPv6 has no datagrams without one
        return None
    return int.from_bytes(body[:2], "big"), int.from_bytes(body[2:4], "big"), body[HEADER:]


class UdpEndpoint:
    """`address` None: all addresses of the network. `remote`: where it is connected to.

    `receive_buffer` bounds what waits for the user, in bytes with what each datagram costs.
    """

    __slots__ = (
        "address",
        "broadcast",
        "down",
        "dropped",
        "error",
        "groups",
        "handle",
        "held",
        "hops",
        "incoming",
        "loops",
        "multicast_hops",
        "neighbor",
        "outgoing",
        "port",
        "receive_buffer",
        "remote",
        "service",
    )

    def __init__(self, service: Datagrams, address: bytes | None, port: int) -> None:
        config = service.stack.config
        self.service = service
        self.address = address
        self.port = port
        self.remote: Address | None = None
        self.neighbor: object | None = None  # the remote's, or the gateway's on the way to it
        self.error = 0  # of an earlier datagram, told once
        self.down = 0  # why it works no more
        self.incoming: deque[tuple[bytes, Address]] = deque()
        self.held = 0
        self.dropped = 0  # datagrams that found the buffer full
        self.groups: set[bytes] = set()
        self.broadcast = False  # may send to everybody
        self.loops = True  # groups that it sends to include this node
        self.hops = HOP_LIMIT
        self.multicast_hops = 1  # RFC 1112 6.1
        self.receive_buffer: int = config.udp_receive_buffer
        self.outgoing = Outgoing(service, config.udp_send_buffer, self.has_room, self.lost)
        self.handle = service.stack.sockets.allocate(self)

    @property
    def id(self) -> int:
        """What `SocketTable.ready` calls it."""
        return self.handle.id

    @property
    def send_buffer(self) -> int:
        """Bounds what waits to be sent, in bytes with what each datagram costs."""
        return self.outgoing.limit

    @send_buffer.setter
    def send_buffer(self, size: int) -> None:
        self.outgoing.limit = size

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self.handle.owner is None

    @property
    def local_address(self) -> Address:
        """(16-byte address, port); the unspecified address when it is bound to all and not connected."""
        ip = self.address
        if ip is None and self.remote is not None:
            ip = self.service.stack.routes.source_for(self.remote[0])
        return ip or bytes(16), self.port

    def connect(self, remote: Address | None, now: int) -> None:
        """Send to and receive from one remote alone; None: from all again. Raises OSError."""
        self.check()
        if remote is not None:
            self.service.source_for(self, remote)
            self.incoming = deque(entry for entry in self.incoming if entry[1] == remote)
            self.held = sum(len(data) + OVERHEAD for data, _ in self.incoming)
        self.remote = remote
        self.neighbor = None
        self.error = 0
        if remote is not None and self.service.is_remote(remote[0]):
            self.service.neighbor_of(self, now)

    def send(self, data: bytes, to: Address | None, now: int) -> bool:
        """Send a datagram; False when there is no room yet. Raises OSError, also for an earlier datagram."""
        self.check()
        self.raise_error()
        if to is None:
            to = self.remote
        if to is None:
            raise os_error(errno.EDESTADDRREQ)
        if len(data) > (MAX_V4 if to[0].startswith(V4_MAPPED) else MAX_V6):
            raise os_error(errno.EMSGSIZE)
        source = self.service.source_for(self, to)
        if self.service.is_group(to[0]):
            number = self.service.send_to_group(self, (source, self.port), to, data, now)
        else:
            number = self.service.send(self, datagram((source, self.port), to, data, self.hops), to, now)
        if number not in (0, errno.EAGAIN):
            raise os_error(number)
        return number == 0

    def join(self, group: bytes, now: int) -> None:
        """Receive what is sent to a multicast address; raises OSError."""
        self.check()
        if not is_multicast(group):
            raise os_error(errno.EINVAL)
        if group in self.groups:
            raise os_error(errno.EADDRINUSE)
        if len(self.groups) >= MAX_GROUPS or not self.service.stack.egress.join_group(group, now):
            raise os_error(errno.ENOBUFS)
        self.groups.add(group)

    def leave(self, group: bytes, now: int) -> None:
        """Receive it no more; raises OSError."""
        if group not in self.groups:
            raise os_error(errno.EADDRNOTAVAIL)
        self.groups.discard(group)
        self.service.stack.egress.leave_group(group, now)

    def receive(self, peek: bool = False) -> tuple[bytes, Address] | None:
        """The next datagram and where it came from, or None. Raises OSError for an earlier datagram."""
        self.check()
        if not self.incoming:
            self.raise_error()
            return None
        if peek:
            return self.incoming[0]
        data, source = self.incoming.popleft()
        self.held -= len(data) + OVERHEAD
        return data, source

    def takes(self, source: Address) -> bool:
        """Whether it receives from there."""
        return self.remote is None or self.remote == source

    def arrives(self, data: bytes, source: Address) -> None:
        """A datagram for it."""
        cost = len(data) + OVERHEAD
        if self.held + cost > self.receive_buffer:
            self.dropped += 1
            self.service.stack.stats.drop(FULL)
            return
        self.held += cost
        self.incoming.append((data, source))
        self.service.stack.sockets.mark(self.handle, READABLE)

    def lost(self, destination: bytes, number: int) -> None:
        """A datagram did not arrive: a connected socket is told (RFC 1122 4.1.3.3)."""
        if self.remote is not None and self.remote[0] == destination:
            self.fail(number)

    def fail(self, number: int) -> None:
        """The next call raises."""
        self.error = number
        self.service.stack.sockets.mark(self.handle, READABLE | WRITABLE)

    def has_room(self) -> None:
        """A datagram that was refused may be sent now."""
        self.service.stack.sockets.mark(self.handle, WRITABLE)

    def take_error(self) -> int:
        """The errno of an earlier datagram, once; else 0."""
        number, self.error = self.error, 0
        return number

    def raise_error(self) -> None:
        """Tell an error once."""
        number = self.take_error()
        if number:
            raise os_error(number)

    def check(self) -> None:
        """Raise OSError when it works no more."""
        if self.closed or self.down:
            raise os_error(self.down or errno.EBADF)

    def end(self, number: int) -> None:
        """Its network was left: every call raises from now on."""
        self.down = number
        self.fail(number)

    def close(self, now: int) -> None:
        """Free the port; what was sent still leaves."""
        if not self.closed:
            for group in list(self.groups):
                self.leave(group, now)
            self.service.unbind(self)
            self.service.stack.sockets.release(self.handle)
            self.incoming.clear()
            self.held = 0


def os_error(number: int) -> OSError:
    """An OSError with the errno's own text."""
    return OSError(number, os.strerror(number))
