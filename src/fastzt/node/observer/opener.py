"""Opener: copies of a node's datagrams, joined and opened with the keys of its peers.

The node itself opens what it receives in place and never has what it sends in the clear as a whole, so an
observer works on copies: nothing on the node's own way knows that it is watched.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ..._core.armor import dearmor
from ..._core.datagram_batch import DatagramBatch, TransmitBatch
from ..._core.endpoint import Endpoint
from ..._core.slab import Slab
from ...vl1.defragmenter import Defragmenter
from ...vl1.path import Path
from ...wire.verbs import Verb
from .sight import PAYLOAD, SOURCE, Sight

if TYPE_CHECKING:
    from ...vl1.switch import Switch

MAX_PACKET = 10_024
MAX_SEALED = 64  # packets kept until their sender's identity is known
FRAGMENT, FRAGMENT_HEADER, MAX_PIECES = 0xFF, 16, 7  # PROTOCOL-VL1 4.2
FRAGMENTED = 0x40
ID = 8


class Opener:
    """Belongs to one switch, whose lock whoever calls holds."""

    def __init__(self, switch: Switch) -> None:
        self.switch = switch
        self.scratch = Slab(MAX_PACKET)
        self.joiners = {False: Defragmenter(), True: Defragmenter()}  # by direction: ids may meet
        self.sealed: deque[Sight] = deque()

    def inbound(self, batch: DatagramBatch, now: int) -> list[Sight]:
        """What a batch holds; before the switch gets it."""
        found = []
        for i in range(batch.count):
            offset, length, stride, socket, endpoint = batch.message(i)
            for start in range(offset, offset + length, stride):
                data = bytes(batch.slab.view[start : min(start + stride, offset + length)])
                found += self.datagram(data, False, socket, endpoint, now)
        return found

    def outbound(self, out: TransmitBatch, first: int, now: int) -> list[Sight]:
        """What a batch holds from offset `first` on; after it was filled."""
        found = []
        for i in range(out.count):
            offset, length, segment, socket, endpoint = out.run(i)
            for start in range(offset, offset + length, segment):
                if start >= first:
                    data = bytes(out.slab.view[start : min(start + segment, offset + length)])
                    found += self.datagram(data, True, socket, endpoint, now)
        return found

    def datagram(self, data: bytes, outbound: bool, socket: int, endpoint: Endpoint, now: int) -> list[Sight]:
        """The packet that a datagram is or completes, if any."""
        whole = self.join(data, outbound, Path(socket, endpoint), now)
        if whole is None:
            return []
        sight = self.opened(Sight(now, outbound, socket, endpoint, whole, False))
        if sight is None:
            self.sealed.append(Sight(now, outbound, socket, endpoint, whole, False))
            return [self.sealed.popleft()] if len(self.sealed) > MAX_SEALED else []
        return [sight]

    def join(self, data: bytes, outbound: bool, path: Path, now: int) -> bytes | None:
        """A whole packet: the datagram, or the one that it completes."""
        n = len(data)
        if not FRAGMENT_HEADER < n <= MAX_PACKET:
            return None
        joiner = self.joiners[outbound]
        packet_id = int.from_bytes(data[:ID], "big")
        self.scratch.view[:n] = data
        if data[SOURCE] == FRAGMENT:
            total, number = data[14] >> 4, data[14] & 15
            if not 0 < number < total <= MAX_PIECES:
                return None
            length = joiner.add_piece(
                packet_id, total, number, self.scratch, FRAGMENT_HEADER, n - FRAGMENT_HEADER, now
            )
        elif n < PAYLOAD:
            return None
        elif data[18] & FRAGMENTED:
            length = joiner.add_head(packet_id, self.scratch, 0, n, path, now)
        else:
            return data
        return bytes(joiner.slab.view[:length]) if length >= PAYLOAD else None

    def opened(self, sight: Sight) -> Sight | None:
        """A packet in the clear; as it is when it is not ours or forged, None when its peer is not known."""
        own = sight.source if sight.outbound else sight.destination
        if own != self.switch.address:
            return sight
        data, is_open = sight.data, sight.suite == 0 and sight.verb == Verb.HELLO
        if not is_open:
            peer = self.switch.peer(sight.peer)
            if peer is None:
                return None
            n = len(data)
            self.scratch.view[:n] = data
            is_open = dearmor(self.scratch, 0, n, peer.key)
            data = bytes(self.scratch.view[:n]) if is_open else data
        return Sight(sight.now, sight.outbound, sight.socket, sight.endpoint, data, is_open)

    def again(self) -> list[Sight]:
        """What was kept and can be opened now."""
        found, kept = [], deque[Sight]()
        for sight in self.sealed:
            opened = self.opened(sight)
            if opened is None:
                kept.append(sight)
            else:
                found.append(opened)
        self.sealed = kept
        return found
