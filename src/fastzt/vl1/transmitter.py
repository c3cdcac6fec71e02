"""Transmitter: unicast packets written in the driver's slab, and armored there in runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.armor import SessionKey
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
    from .._core.access import move, put_be64
    from .._core.armor import armor, armor_run

    MAX_RUN = 64  # packets armored at once


class Transmitter:
    """reserve() tells where a payload goes, seal() makes a packet of it; nothing may come between the two.

    Packets of one peer and size that lie back to back are armored together, when another kind follows or by
    complete(): until then they lie in the clear.
    """

    if not cython.compiled:
        __slots__ = (
            "address",
            "context",
            "ids",
            "out_path",
            "run_count",
            "run_key",
            "run_last",
            "run_offset",
            "run_out",
            "run_stride",
            "run_suite",
        )

    def __init__(self, context: Context, address: int, ids: IdSource) -> None:
        self.context = context
        self.address = address
        self.ids = ids
        self.out_path: Path | None = None
        self.run_out: TransmitBatch | None = None
        self.run_key: SessionKey | None = None
        self.run_suite = 0
        self.run_offset = self.run_stride = self.run_last = self.run_count = 0

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
        path.last_out = now
        if count > 1:
            armor(out.slab, offset, n, peer.key, peer.suite)
            self.cut(out, offset, n, count, path)
        else:
            self.extend(out, offset, n, peer)
            out.commit(n, path.socket, path.endpoint)

    def repeat(
        self, peer: Peer, out: TransmitBatch, payload_length: int, same: int, most: int, now: int
    ) -> int:
        """Up to `most` packets like the one just sealed, right behind it; how many.

        Their heads and the first `same` bytes of their payloads are that one's; the rest is written by the
        caller before anything else is sealed.
        """
        path = self.out_path
        n = payload_length + packet.PAYLOAD
        first = self.run_offset + self.run_count * n
        if (
            path is None
            or self.run_count == 0
            or self.run_out is not out
            or self.run_key is not peer.key
            or self.run_suite != peer.suite
            or self.run_stride != n
            or self.run_last != n
            or out.used != first
        ):
            return 0
        count = out.repeat(n, min(most, MAX_RUN - self.run_count))
        for i in range(count):
            o = first + i * n
            move(out.slab, o, out.slab, o - n, packet.PAYLOAD + same)
            put_be64(out.slab, o, self.ids.take())
        self.run_count += count
        path.last_out = now
        return count

    def extend(self, out: TransmitBatch, offset: int, n: int, peer: Peer) -> None:
        """Add a packet to the run that waits for its armor, or begin a new one with it."""
        if (
            self.run_count > 0
            and self.run_count < MAX_RUN
            and offset == self.run_offset + self.run_count * self.run_stride  # all before are of full size
            and n <= self.run_stride
            and self.run_key is peer.key
            and self.run_suite == peer.suite
            and self.run_out is out
        ):
            self.run_count += 1
        else:
            self.complete()
            self.run_out = out
            self.run_key = peer.key
            self.run_suite = peer.suite
            self.run_offset = offset
            self.run_stride = n
            self.run_count = 1
        self.run_last = n

    def complete(self) -> None:
        """Armor the run that waits for it."""
        count = self.run_count
        out = self.run_out
        key = self.run_key
        if count == 0 or out is None or key is None:
            return
        self.run_count = 0
        armor_run(out.slab, self.run_offset, self.run_stride, count, self.run_last, key, self.run_suite)

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
