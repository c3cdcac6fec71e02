"""Pinger: an ICMP echo client. Its requests carry a random token, without which a reply is not its own."""

from __future__ import annotations

import errno
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import icmp
from .ip_packet import MAX_PACKET, V4_HEADER
from .outgoing import Outgoing
from .socket_table import READABLE, WRITABLE
from .udp import os_error

if TYPE_CHECKING:
    from .datagrams import Datagrams

MAX_DATA = MAX_PACKET - V4_HEADER - icmp.HEADER
MAX_OUTSTANDING = 256
TOKEN = 8


@dataclass(frozen=True)
class Outcome:
    """What became of one request: answered after `microseconds`, or refused with `error` (errno)."""

    sequence: int
    microseconds: int
    error: int = 0


class Pinger:
    """Asks one 16-byte address; `identifier` is its own among the stack's pingers."""

    __slots__ = (
        "destination",
        "down",
        "handle",
        "identifier",
        "outcomes",
        "outgoing",
        "outstanding",
        "sequence",
        "service",
        "source",
        "token",
    )

    def __init__(self, service: Datagrams, identifier: int, destination: bytes, token: bytes) -> None:
        self.service = service
        self.identifier = identifier
        self.destination = destination
        self.source = service.source_of(destination)
        self.token = token
        self.down = 0  # why it works no more
        self.sequence = 0
        self.outstanding: dict[int, tuple[int, bytes]] = {}  # sequence: when it was sent, with what
        self.outcomes: deque[Outcome] = deque()
        self.outgoing = Outgoing(service, service.stack.config.udp_send_buffer, self.has_room, self.lost)
        self.handle = service.stack.sockets.allocate(self)

    @property
    def id(self) -> int:
        """What `SocketTable.ready` calls it."""
        return self.handle.id

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self.handle.owner is None

    def end(self, number: int) -> None:
        """Its network was left."""
        self.down = number
        self.lost(self.destination, number)

    def send(self, size: int, now: int) -> int | None:
        """Ask with `size` bytes; the sequence number, None when there is no room. Raises OSError."""
        if self.closed or self.down:
            raise os_error(self.down or errno.EBADF)
        if not 0 <= size <= MAX_DATA:
            raise os_error(errno.EMSGSIZE)
        sequence = self.sequence & 0xFFFF
        data = (self.token + bytes(range(256)) * (size // 256 + 1))[:size]
        packet = icmp.echo(self.source, self.destination, self.identifier, sequence, data)
        number = self.service.send_echo(self, packet, now)
        if number == errno.EAGAIN:
            return None
        if number:
            raise os_error(number)
        while len(self.outstanding) >= MAX_OUTSTANDING:
            del self.outstanding[next(iter(self.outstanding))]
        self.sequence += 1
        self.outstanding[sequence] = (now, data)
        return sequence

    def take(self) -> Outcome | None:
        """What became of a request, each told once."""
        return self.outcomes.popleft() if self.outcomes else None

    def answered(self, sequence: int, data: bytes, now: int) -> bool:
        """A reply to a request that waits for one; False when it is none."""
        sent = self.outstanding.get(sequence)
        if sent is None or sent[1] != data:
            return False
        del self.outstanding[sequence]
        self.tell(Outcome(sequence, now - sent[0]))
        return True

    def refused(self, sequence: int, number: int) -> bool:
        """A request did not arrive; False when none such waits."""
        if self.outstanding.pop(sequence, None) is None:
            return False
        self.tell(Outcome(sequence, 0, number))
        return True

    def lost(self, destination: bytes, number: int) -> None:
        """The next hop cannot be reached: so ends every request that waits."""
        for sequence in list(self.outstanding):
            self.refused(sequence, number)

    def tell(self, outcome: Outcome) -> None:
        """Keep an outcome for the user."""
        self.outcomes.append(outcome)
        self.service.stack.sockets.mark(self.handle, READABLE)

    def has_room(self) -> None:
        """A request that was refused may be sent now."""
        self.service.stack.sockets.mark(self.handle, WRITABLE)

    def close(self, now: int) -> None:
        """Ask no more."""
        if not self.closed:
            self.service.pingers.pop(self.identifier, None)
            self.service.stack.sockets.release(self.handle)
            self.outstanding.clear()
