"""IpSink: what a network asks of the IP stack above it (implemented by the adapter in `node`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.slab import Slab

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython


class IpSink:
    """Receives IP packets, as (slab, offset, length), and the outcome of address resolution.

    `generation` is the state of (network, member) under which the packet was judged; a flow that caches the
    verdict compares it. 0: the verdict holds for this packet alone.
    """

    if not cython.compiled:
        __slots__ = ()

    def fast_input(
        self, peer: object, slab: Slab, offset: int, length: int, generation: int, now: int
    ) -> bool:
        """Take the packet if it belongs to an open flow of this very peer judged at this generation."""
        raise NotImplementedError

    def fast_run(
        self,
        peer: object,
        slab: Slab,
        offset: int,
        stride: int,
        count: int,
        size: int,
        last: int,
        generation: int,
        now: int,
    ) -> int:
        """As fast_input for packets each `stride` bytes, of `size` bytes and the last one of `last`.

        Takes them from the first one on while they are of open flows; how many.
        """
        return 0

    def input(self, peer: object, slab: Slab, offset: int, length: int, generation: int, now: int) -> None:
        """Take a packet that has passed the membership gate and the inbound rules."""
        raise NotImplementedError

    def resolved(self, ip16: bytes, peer: object, now: int) -> None:
        """The next hop of an address that `resolve` was asked for is known."""
        raise NotImplementedError

    def unreachable(self, ip16: bytes, now: int) -> None:
        """Nobody answered for an address that `resolve` was asked for."""
        raise NotImplementedError

    def refused(self, peer: object, now: int) -> None:
        """The peer answered a frame with an error: pending connects to it end."""
        raise NotImplementedError

    def addresses_changed(self, now: int) -> None:
        """The network's addresses or routes are others than before."""
        raise NotImplementedError


class DeafSink(IpSink):
    """Stands in until an IP stack is bound: takes nothing."""

    def fast_input(
        self, peer: object, slab: Slab, offset: int, length: int, generation: int, now: int
    ) -> bool:
        return False

    def input(self, peer: object, slab: Slab, offset: int, length: int, generation: int, now: int) -> None:
        pass

    def resolved(self, ip16: bytes, peer: object, now: int) -> None:
        pass

    def unreachable(self, ip16: bytes, now: int) -> None:
        pass

    def refused(self, peer: object, now: int) -> None:
        pass

    def addresses_changed(self, now: int) -> None:
        pass


DEAF = DeafSink()
