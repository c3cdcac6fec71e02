"""Pump: moves datagrams between the sockets and the core, and time into it; knows no threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.datagram_batch import DatagramBatch, TransmitBatch
from .._core.slab import Slab
from ..node.verbs import Verbs
from .endpoints import UdpSockets

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    DRAIN = 16  # messages a turn: bounds how long the node's lock is held (0.3 ms of full ones)
    ROUNDS = 8  # slabs sent a flush

RECEIVE_SLAB = DRAIN * (65536 + 192)  # the sockets leave a gap between messages of one call
TRANSMIT_SLAB = 4 * 45 * 1432 + 1431  # full messages: what else fits would leave in a small one


class Pump:
    """One core and its sockets. Every method returns without waiting."""

    if not cython.compiled:
        __slots__ = ("behind", "core", "incoming", "outgoing", "sent", "sockets")

    def __init__(self, core: Verbs, sockets: UdpSockets) -> None:
        self.core = core
        self.sockets = sockets
        self.incoming = DatagramBatch(Slab(RECEIVE_SLAB))
        self.outgoing = TransmitBatch(Slab(TRANSMIT_SLAB))
        self.sent = 0  # runs of `outgoing` that have left
        self.behind = False  # a flush stopped before the core had nothing more to send

    def blocked(self) -> bool:
        """Whether a socket refused datagrams for want of buffer, which are kept."""
        return self.sent < self.outgoing.count

    def turn(self, now: int, due: bool) -> None:
        """Take what has arrived, at most one drain of it, and let timers fire if any are due."""
        if self.sockets.drain(self.incoming, DRAIN) > 0:
            self.core.receive(self.incoming, now)
            self.incoming.clear()
        if due:
            self.core.tick(now)

    def flush(self, now: int) -> None:
        """Send what the core has to send, until it has no more, a socket blocks, or the bound is reached."""
        self.behind = False
        if self.blocked() and not self._send(now):
            return
        for _ in range(ROUNDS):
            more = self.core.transmit(self.outgoing, now)
            if self.outgoing.count == 0 or not self._send(now) or not more:
                return
        self.behind = True

    def _send(self, now: int) -> bool:
        """Hand the rest of the slab to the sockets; True when all of it has left."""
        out = self.outgoing
        self.sent = self.sockets.send(out, self.sent)
        for number, endpoint, size in self.sockets.take_too_big():
            self.core.path_too_big(number, endpoint, size, now)
        if self.sent < out.count:
            return False
        out.clear()
        self.sent = 0
        return True
