"""VirtualSink: what VL1 asks of VL2, an abstract class that VL2 implements and binds to a Switch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.slab import Slab

if TYPE_CHECKING:
    import cython

    from .packet import Packet
    from .peer import Peer
else:
    from .. import _cython as cython

if not cython.compiled:
    IGNORED = 0
    ACCEPTED = 1
    TRUSTED = 2  # accepted, and the peer is a member of a network of ours
    DEFERRED = 3  # offered again every 500 ms for 5 s and when Switch.retry(address) is called


class VirtualSink:
    """Takes the packets that are VL2's; the verdicts are IGNORED 0, ACCEPTED 1, TRUSTED 2, DEFERRED 3."""

    if not cython.compiled:
        __slots__ = ()

    def frame(self, peer: Peer, slab: Slab, offset: int, length: int, hops: int, now: int) -> int:
        """Verb FRAME, its payload at `offset` (u64 network id, u16 ethertype, data), for this call."""
        raise NotImplementedError

    def frames(
        self, peer: Peer, slab: Slab, offset: int, stride: int, count: int, size: int, last: int, now: int
    ) -> int:
        """FRAMEs of one peer, payloads each `stride` bytes, of `size` bytes and the last one of `last`.

        Takes as many from the first one on as need no more than the hot way; how many. They count as TRUSTED,
        the others are offered one by one.
        """
        return 0

    def message(self, packet: Packet, now: int) -> int:
        """Any other VL2 verb, or an OK or ERROR in reply to one."""
        raise NotImplementedError

    def flush(self, now: int) -> None:
        """The batch is over."""
        raise NotImplementedError
