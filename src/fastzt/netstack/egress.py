"""Egress: what the IP stack asks of whatever carries its packets (a virtual network, or a test's link)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.slab import Slab

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython


class Egress:
    """Abstract. A neighbor is an opaque object, equal to each that is the same authenticated next hop.

    `slab` is the memory that `reserve` points into; it holds only until the matching `commit`, and may be
    another one at the next `reserve`. After `repeat` the first packet goes to `repeat_at`, the next one
    `repeat_stride` bytes behind it, and so on.
    """

    if not cython.compiled:
        __slots__ = ("__dict__", "repeat_at", "repeat_stride", "slab")

    def __init__(self, slab: Slab) -> None:
        self.slab = slab
        self.repeat_at = self.repeat_stride = 0

    def resolve(self, ip: bytes, now: int) -> object | None:
        """The neighbor that owns the 16-byte `ip`, or None while resolution runs.

        After None the stack hears `resolved(ip, neighbor, now)` or `unreachable(ip, now)`.
        """
        raise NotImplementedError

    def room(self, neighbor: object, now: int) -> int:
        """Bytes of the largest IP packet that leaves toward `neighbor` in one datagram."""
        raise NotImplementedError

    def mtu(self) -> int:
        """Bytes of the largest IP packet that the network carries, in however many datagrams."""
        raise NotImplementedError

    def reserve(self, neighbor: object, length: int, now: int) -> int:
        """Offset in `slab` where an IP packet of up to `length` bytes goes, or -1: no room or no path now."""
        raise NotImplementedError

    def commit(self, neighbor: object, length: int, generation: int, now: int) -> int:
        """Send the `length` bytes written at the reserved offset.

        `generation` is the verdict cached for the flow (0: none). Returns the generation to cache, 0 when
        the verdict must not be cached, -1 when the packet was refused by a rule.
        """
        raise NotImplementedError

    def multicast(self, ip: bytes, packet: bytes, now: int) -> bool:
        """Send an IP packet to all that listen to a multicast or broadcast address; False: not allowed."""
        raise NotImplementedError

    def join_group(self, ip: bytes, now: int) -> bool:
        """Listen to a multicast address, once more; False when that is too many."""
        raise NotImplementedError

    def leave_group(self, ip: bytes, now: int) -> None:
        """Listen to a multicast address once less."""
        raise NotImplementedError

    def repeat(self, neighbor: object, length: int, same: int, most: int, generation: int, now: int) -> int:
        """Up to `most` packets like the one just committed, of the same length; how many.

        Their first `same` bytes are those of that one. They count as committed, and the rest must be written
        before anything else is asked of this egress. 0: send the next one by itself.
        """
        return 0
