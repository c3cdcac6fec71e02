"""Deferred: packets that VL2 could not judge yet, offered again every 500 ms for 5 s."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from . import reasons
from .packet import Packet
from .timed import Timed
from .timing import NEVER, QUEUE_TIMEOUT, SECOND_OFFER

if TYPE_CHECKING:
    from collections.abc import Callable

    from .context import Context


class Deferred(Timed):
    """A capped queue of copies; `offer` hands a packet to VL2 and tells whether it is still undecided."""

    def __init__(self, context: Context, offer: Callable[[Packet, int], bool]) -> None:
        super().__init__()
        self.context = context
        self.offer = offer
        self.queue: deque[tuple[int, Packet]] = deque()

    def hold(self, packet: Packet, now: int) -> None:
        """Keep a packet until VL2 takes it or 5 s are over."""
        self.keep(now + QUEUE_TIMEOUT, packet)
        self.due = min(self.due, now + SECOND_OFFER)

    def keep(self, deadline: int, packet: Packet) -> None:
        """Append to the queue, dropping the oldest when it is full."""
        if len(self.queue) >= self.context.config.max_waiting:
            self.queue.popleft()
            self.context.stats.drop(reasons.QUEUE_FULL)
        self.queue.append((deadline, packet))

    def tick(self, now: int) -> None:
        """Offer everything again when it is time."""
        if now >= self.due:
            self.retry(None, now)
            self.due = now + SECOND_OFFER if self.queue else NEVER

    def retry(self, address: int | None, now: int) -> None:
        """Offer again what came from one peer, or from all."""
        for _ in range(len(self.queue)):
            deadline, packet = self.queue.popleft()
            if address is not None and packet.peer.address != address:
                self.queue.append((deadline, packet))
            elif now >= deadline:
                self.context.stats.drop(reasons.WAITED_TOO_LONG)
            elif self.offer(packet, now):
                self.queue.append((deadline, packet))
