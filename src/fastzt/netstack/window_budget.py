"""WindowBudget: what the receive windows of all flows may add up to, so that the UDP sockets can hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    EPOCH = 1_000_000  # microseconds; flows that were silent for one are not counted
    FLOOR = 16384  # bytes that every flow may have
    FIRST = 65536  # and that a new one gets if that is no more than its share
    MERGED = 32768  # bytes of a message whose datagrams share buffers of the system
    MANY = 8  # messages of a batch, each a datagram
    FULL = 1000  # bytes of a datagram that carries data

UNLIMITED = 1 << 60
THREE = 180_000  # bytes in three messages of 45 segments


class WindowBudget:
    """Shares `total` bytes among the flows that receive; one for each set of UDP sockets.

    A flow that receives reports once a round trip what it holds, and asks for more or less. What is free goes
    to whoever asks; when there is too little, those above the equal share come down to it. Whoever is below
    gets it at once: until the others have come down, twice the total may be out.

    `merged` is what there is to share while datagrams arrive merged into large messages: the system counts
    buffers, not bytes, and a datagram of its own takes nearly two for each of its bytes.
    """

    if not cython.compiled:
        __slots__ = (
            "before",
            "current",
            "epoch",
            "flows",
            "flows_before",
            "merged",
            "plain",
            "pressed",
            "total",
        )

    def __init__(self, total: int = UNLIMITED, merged: int = 0) -> None:
        self.total = self.plain = total
        self.merged = max(merged, total)
        self.epoch = 0
        self.current = 0  # bytes held by the flows seen in this epoch
        self.before = 0  # and in the last one
        self.flows = 0
        self.flows_before = 0
        self.pressed = -2  # the last epoch in which there was too little

    def arrived(self, messages: int, length: int) -> None:
        """A batch of so many messages came, the first of them `length` bytes long."""
        if length >= MERGED:
            self.total = self.merged
        elif messages >= MANY and FULL <= length <= 2 * FULL:
            self.total = self.plain

    def initial(self, wanted: int) -> int:
        """What a new flow may begin with."""
        share = self.total // (max(self.flows, self.flows_before) + 1)
        return max(min(wanted, max(self.free(), min(share, FIRST))), min(wanted, FLOOR))

    def free(self) -> int:
        """What nobody holds."""
        return self.total - max(self.current, self.before)

    def report(self, held: int, seen: int, now: int) -> int:
        """A flow that holds `held` bytes receives; `seen` is what this returned to it last (at first -1)."""
        epoch = now // EPOCH
        if epoch != self.epoch:
            follows = epoch == self.epoch + 1
            self.before = self.current if follows else 0
            self.flows_before = self.flows if follows else 0
            self.current = self.flows = 0
            self.epoch = epoch
        if seen != epoch:
            self.current += held
            self.flows += 1
        return epoch

    def resize(self, held: int, wanted: int) -> int:
        """How much a flow that has reported may hold from now on."""
        share = self.total // max(self.flows, self.flows_before, 1)
        free = self.free()
        granted = min(wanted, held + max(free, 0))
        if free < 0 or granted < min(wanted, share):
            self.pressed = self.epoch
        if self.pressed >= self.epoch - 1:
            granted = min(granted, max(share, FLOOR))
        granted = max(granted, min(wanted, share, held + max(self.total + free, 0)), min(wanted, FLOOR))
        self.current += granted - held
        self.before = max(self.before + granted - held, 0)
        return granted

    def leave(self, held: int, seen: int) -> None:
        """A flow that held `held` bytes receives no more; `seen` is what `report` returned to it last."""
        if seen == self.epoch:
            self.current = max(self.current - held, 0)
            self.flows = max(self.flows - 1, 0)
        if self.epoch - 1 <= seen <= self.epoch:
            self.before = max(self.before - held, 0)
            self.flows_before = max(self.flows_before - 1, 0)


def budget_of(receive_buffer: int) -> WindowBudget:
    """What a UDP socket with an SO_RCVBUF of so many bytes can hold.

    Half of it in datagrams of 1,432 bytes. Linux takes a message as long as those before it are within the
    limit: three of full size always fit.
    """
    return WindowBudget(receive_buffer // 2, min(receive_buffer * 85 // 100, THREE))
