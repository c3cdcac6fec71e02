"""Outgoing: whole packets of one socket on their way to the egress, those first whose neighbor is known."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from .._core.stats import register
from . import ip_packet
from .flow_table import Flow

if TYPE_CHECKING:
    from .datagrams import Datagrams

UNRESOLVED = register("netstack.neighbor_unreachable")
STALE = register("netstack.datagram_expired")
TOO_LONG = register("netstack.unsendable")
OVERHEAD = 256  # what a datagram costs besides its bytes
LIFETIME = 5_000_000  # microseconds that a packet waits for a path before it is dropped


class Outgoing(Flow):
    """Bounded by `limit` bytes; `on_room` is called when it has refused a datagram and has room again.

    `on_lost(destination, errno)`: a datagram could not be sent because of its next hop.
    """

    __slots__ = ("limit", "on_lost", "on_room", "ready", "refused", "service", "used", "waiting")

    def __init__(
        self,
        service: Datagrams,
        limit: int,
        on_room: Callable[[], None],
        on_lost: Callable[[bytes, int], None],
    ) -> None:
        super().__init__(bytes(16), 0, bytes(16), 0, None)
        self.service = service
        self.limit = limit
        self.on_room = on_room
        self.on_lost = on_lost
        self.used = 0
        self.refused = False
        self.ready: deque[tuple[object, list[bytes], int, int]] = deque()  # neighbor, packets, cost, end
        self.waiting: dict[bytes, list[bytes]] = {}  # next hop: whole packets

    def push(self, packet: bytes, hop: bytes, now: int) -> int:
        """Take a packet for the neighbor `hop`; 0, EAGAIN when there is no room, or another errno."""
        cost = len(packet) + OVERHEAD
        if self.used and self.used + cost > self.limit:
            self.refused = True
            return errno.EAGAIN
        neighbor = self.service.stack.egress.resolve(hop, now)
        if neighbor is None:
            if hop not in self.waiting and not self.service.await_neighbor(hop, self):
                return errno.ENOBUFS
            self.waiting.setdefault(hop, []).append(packet)
        elif not self.enter(neighbor, packet, now):
            return errno.EMSGSIZE
        self.used += cost
        self.service.busy.add(self)
        return 0

    def enter(self, neighbor: object, packet: bytes, now: int) -> bool:
        """Queue a packet, in fragments if need be; False when the network's MTU is too small for it."""
        packets = self.service.cut(packet, now)
        if not packets:
            self.service.stack.stats.drop(TOO_LONG)
            return False
        self.ready.append((neighbor, packets, len(packet) + OVERHEAD, now + LIFETIME))
        self.service.stack.wake(self)
        return True

    def output(self, now: int) -> bool:
        """Send what there is room for; True when something waits on."""
        blocked: list[object] = []
        for _ in range(len(self.ready)):
            neighbor, packets, cost, end = self.ready.popleft()
            while packets and neighbor not in blocked:
                if self.service.stack.emitter.packet(neighbor, packets[0], now):
                    packets.pop(0)
                else:
                    blocked.append(neighbor)
            if packets and now < end:
                self.ready.append((neighbor, packets, cost, end))
                continue
            if packets:
                self.service.stack.stats.drop(STALE)
            self.spend(cost)
        return bool(self.ready)

    def spend(self, cost: int) -> None:
        """A datagram has left the queue."""
        self.used -= cost
        if self.used == 0:
            self.service.busy.discard(self)
        if self.refused and self.used < self.limit:
            self.refused = False
            self.on_room()

    def resolved(self, hop: bytes, neighbor: object, now: int) -> None:
        """Packets that waited for a neighbor go on."""
        for packet in self.waiting.pop(hop, ()):
            if not self.enter(neighbor, packet, now):
                self.spend(len(packet) + OVERHEAD)

    def unreachable(self, hop: bytes) -> None:
        """Nobody answers for a neighbor: what waited for it is lost."""
        for packet in self.waiting.pop(hop, ()):
            self.service.stack.stats.drop(UNRESOLVED)
            self.spend(len(packet) + OVERHEAD)
            self.on_lost(ip_packet.destination_of(packet), errno.EHOSTUNREACH)
