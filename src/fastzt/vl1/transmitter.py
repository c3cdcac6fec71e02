"""Transmitter: one unicast packet at a time, written and armored in the driver's slab."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.datagram_batch import TransmitBatch
from .id_source import IdSource
from .path import Path
from .peer import Peer

if TYPE_CHECKING:
    import cython

    from .context import Context
else:
    from .. import _cython as cython

if not cython.compiled:
    from .._core import fragment, packet
    from .._core.access import move
    from .._core.armor import armor


class Transmitter:
    """reserve() tells where a payload goes, seal() makes a packet of it; nothing may come between the two."""

    if not cython.compiled:
        __slots__ = ("address", "context", "ids", "out_path")

    def __init__(self, context: Context, address: int, ids: IdSource) -> None:
        self.context = context
        self.address = address
        self.ids = ids
        self.out_path: Path | None = None

    def route(self, peer: Peer, now: int) -> Path | None:
        """Where packets to a peer go: its best direct path, else the best root's; None without either."""
        path = peer.best_path(now)
        if path is not None and path.is_fresh(now):
            return path
        return self.context.route(peer, now)

    def reserve(self, peer: Peer, out: TransmitBatch, payload_length: int, now: int) -> int:
        """Room for one packet in `out`: the offset of its payload, or -1 (no path, no room, too long)."""
        path = self.route(peer, now)
        self.out_path = path
        if path is None:
            return -1
        n = payload_length + packet.PAYLOAD
        count = fragment.pieces(n, path.mtu)
        if count == 0:
            return -1
        offset = out.reserve(n + (count - 1) * fragment.HEADER)
        return -1 if offset < 0 else offset + packet.PAYLOAD

    def seal(self, peer: Peer, out: TransmitBatch, payload_length: int, verb: int, now: int) -> None:
        """Head, armor and commit the packet whose payload was written where reserve() said."""
        path = self.out_path
        if path is None:
            return
        n = payload_length + packet.PAYLOAD
        offset = out.used
        count = fragment.pieces(n, path.mtu)
        flags = packet.FLAG_FRAGMENTED if count > 1 else 0
        packet.write_header(out.slab, offset, self.ids.take(), peer.address, self.address, flags, verb)
        armor(out.slab, offset, n, peer.key, peer.suite)
        path.last_out = now
        if count > 1:
            self.cut(out, offset, n, count, path)
        else:
            out.commit(n, path.socket, path.endpoint)

    def cut(self, out: TransmitBatch, offset: int, n: int, count: int, path: Path) -> None:
        """Commit an armored packet as a head and fragments: the pieces move apart, the last one first."""
        packet_id = packet.packet_id(out.slab, offset)
        destination = packet.destination(out.slab, offset)
        for i in range(count - 1, 0, -1):
            start = offset + fragment.piece_start(i, path.mtu)
            length = fragment.piece_length(i, n, path.mtu)
            move(out.slab, start + i * fragment.HEADER, out.slab, start, length)
            fragment.write_header(
                out.slab, start + (i - 1) * fragment.HEADER, packet_id, destination, count, i
            )
        out.commit(path.mtu, path.socket, path.endpoint)
        for i in range(1, count):
            length = fragment.piece_length(i, n, path.mtu) + fragment.HEADER
            out.commit(length, path.socket, path.endpoint)
