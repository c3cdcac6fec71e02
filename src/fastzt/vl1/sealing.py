"""Sealer: control packets built, armored and cut into datagrams on the cold way."""

from __future__ import annotations

from .._core import fragment, packet
from .._core.access import put_bytes, take
from .._core.armor import SessionKey, armor, mask_hello_tail
from .._core.slab import Slab
from .id_source import IdSource
from .timing import MAX_PACKET

POLY1305_ONLY = 0


class Sealer:
    """Builds packets from one source address in a slab of its own."""

    def __init__(self, source: int, ids: IdSource) -> None:
        self.source = source
        self.ids = ids
        self.slab = Slab(MAX_PACKET)

    def seal(
        self, address: int, key: SessionKey, suite: int, verb: int, payload: bytes, mtu: int
    ) -> tuple[int, list[bytes]]:
        """An armored packet as (id on the wire, datagrams); no datagrams when it is too long to be cut up."""
        n = packet.PAYLOAD + len(payload)
        pieces = fragment.pieces(n, mtu)
        if n > MAX_PACKET or not pieces:
            return 0, []
        flags = packet.FLAG_FRAGMENTED if pieces > 1 else 0
        packet.write_header(self.slab, 0, self.ids.take(), address, self.source, flags, verb)
        put_bytes(self.slab, packet.PAYLOAD, payload)
        armor(self.slab, 0, n, key, suite)
        packet_id = packet.packet_id(self.slab, 0)
        return packet_id, self.cut(packet_id, address, n, pieces, mtu)

    def cut(self, packet_id: int, address: int, n: int, pieces: int, mtu: int) -> list[bytes]:
        """The armored packet in the slab as a head and fragments (PROTOCOL-VL1 4.2)."""
        datagrams = [take(self.slab, 0, fragment.piece_length(0, n, mtu) if pieces > 1 else n)]
        for i in range(1, pieces):
            head = (
                packet_id.to_bytes(8, "big") + address.to_bytes(5, "big") + bytes((0xFF, pieces << 4 | i, 0))
            )
            start, length = fragment.piece_start(i, mtu), fragment.piece_length(i, n, mtu)
            datagrams.append(head + take(self.slab, start, length))
        return datagrams

    def seal_hello(self, address: int, key: SessionKey, payload: bytes, tail: int) -> tuple[int, bytes]:
        """A HELLO: suite 0, masked from payload offset `tail` on, never cut up (PROTOCOL-VL1 5.1)."""
        n = packet.PAYLOAD + len(payload)
        packet_id = self.ids.take()
        packet.write_header(self.slab, 0, packet_id, address, self.source, 0, packet.HELLO)
        put_bytes(self.slab, packet.PAYLOAD, payload)
        mask_hello_tail(self.slab, 0, n, packet.PAYLOAD + tail, key)
        armor(self.slab, 0, n, key, POLY1305_ONLY)
        return packet_id, take(self.slab, 0, n)
