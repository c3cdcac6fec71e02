"""Switch: one node's VL1. Datagrams in, datagrams out: the hot way of frames.

Sans-IO: it owns no socket, clock or random source. `docs/architecture.md` tells how it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.datagram_batch import DatagramBatch, TransmitBatch
from .._core.slab import Slab
from ..identity.identity import Identity
from ..wire.world import World
from . import reasons
from .bugs import Bugs
from .config import SwitchConfig
from .context import Entropy
from .defragmenter import Defragmenter
from .packet import Packet
from .path import Path
from .peer import Peer
from .recent_ids import RecentIds
from .sink import VirtualSink
from .switchboard import Switchboard
from .timing import MAX_PACKET
from .transmitter import Transmitter

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .._core import fragment, packet
    from .._core.access import take
    from .._core.armor import dearmor, dearmor_run

    IGNORED = 0
    TRUSTED = 2
    DEFERRED = 3
    MAX_RUN = 64  # packets verified at once

DEFAULT_CONFIG = SwitchConfig()


class Switch(Switchboard):
    """VL1 of one node: peers, paths, armor, relaying through roots; VL2 is bound to it as a VirtualSink."""

    if not cython.compiled:
        __slots__ = (
            "bugs",
            "defragmenter",
            "last_peer",
            "scratch",
            "sink",
            "transmitter",
            "verdicts",
        )

    def __init__(
        self,
        identity: Identity,
        planet: World,
        entropy: Entropy,
        wall_offset_ms: int,
        config: SwitchConfig = DEFAULT_CONFIG,
    ) -> None:
        super().__init__(identity, planet, entropy, wall_offset_ms, config)
        self.context.inject = self.inject
        self.bugs = Bugs(self.stats, self.context.emit)
        self.defragmenter = Defragmenter()
        self.sink: VirtualSink | None = None
        self.last_peer: Peer | None = None
        self.transmitter = Transmitter(self.context, self.address, self.context.ids)
        self.scratch = Slab(MAX_PACKET)
        self.verdicts = bytearray(MAX_RUN)

    def bind(self, sink: VirtualSink) -> None:
        """Give VL2's packets to `sink`."""
        self.sink = sink
        self.context.sink = sink

    # -- in

    def receive(self, batch: DatagramBatch, now: int) -> None:
        """Process every datagram of a batch; never raises: each is taken, or dropped and counted."""
        for i in range(batch.count):
            path = self.paths.get(batch.socket[i], batch.endpoint[i], now)
            path.last_in = now
            offset = batch.offset[i]
            end = offset + batch.length[i]
            stride = batch.stride[i]
            while offset < end:
                offset += self.next_in(batch.slab, offset, end - offset, stride, path, now)
        if self.sink is not None:
            self.sink.flush(now)

    def next_in(self, slab: Slab, offset: int, left: int, stride: int, path: Path, now: int) -> int:
        """Process what comes next of a message: a run of packets of one peer, or one datagram; its bytes.

        A bug of ours costs the datagrams at hand, never the node.
        """
        n = left if left < stride else stride
        try:
            if left > stride and packet.classify(slab, offset, n) == packet.KIND_PACKET:
                peer = self.sender_of(slab, offset)
                if peer is not None:
                    count = packet.run(slab, offset, left, stride, MAX_RUN)
                    if count > 1:
                        last = left - (count - 1) * stride
                        if last > stride:
                            last = stride
                        self.run_in(slab, offset, stride, count, last, peer, path, now)
                        return count * stride
            self.datagram(slab, offset, n, path, now)
        except Exception as error:
            self.bugs.survived(error)
        return stride

    def sender_of(self, slab: Slab, offset: int) -> Peer | None:
        """The known peer that a whole, sealed packet for us says to be from; else None."""
        if (
            packet.destination(slab, offset) != self.address
            or packet.fragmented(slab, offset)
            or packet.suite(slab, offset) == 0  # may be a HELLO, which has rules of its own
        ):
            return None
        source = packet.source(slab, offset)
        return None if source == self.address else self.find(source)

    def run_in(
        self, slab: Slab, offset: int, stride: int, count: int, last: int, peer: Peer, path: Path, now: int
    ) -> None:
        """`count` packets of one peer, one each `stride` bytes: verified together, then taken."""
        verdicts = self.verdicts
        dearmor_run(slab, offset, stride, count, last, peer.key, verdicts)
        i = 0
        while i < count:
            n = last if i == count - 1 else stride
            o = offset + i * stride
            try:
                if not verdicts[i]:
                    self.stats.drop(reasons.FORGED)
                    i += 1
                else:
                    i += self.opened_run(slab, o, stride, count - i, last, i, n, peer, path, now)
            except Exception as error:
                self.bugs.survived(error)
                i += 1

    def opened_run(
        self,
        slab: Slab,
        offset: int,
        stride: int,
        count: int,
        last: int,
        first: int,
        n: int,
        peer: Peer,
        path: Path,
        now: int,
    ) -> int:
        """Genuine packets of the run at hand, from `first` on: frames together; how many were taken."""
        sink = self.sink
        fresh = self.fresh_frames(slab, offset, stride, count, first, peer)
        if fresh == 0 or sink is None:
            self.opened(slab, offset, n, peer, path, now)
            return 1
        head = packet.PAYLOAD
        end = last if fresh == count else stride
        taken = sink.frames(peer, slab, offset + head, stride, fresh, stride - head, end - head, now)
        if taken > 0:
            peer.last_active = now
            peer.trust(now)
            self.heard(peer, path, 0, now)
        for k in range(taken, fresh):
            length = last if k == count - 1 else stride
            self.fresh_frame(sink, slab, offset + k * stride, length, peer, path, now)
        return fresh

    def fresh_frames(self, slab: Slab, offset: int, stride: int, count: int, first: int, peer: Peer) -> int:
        """How many packets on end are genuine, plain, direct FRAMEs not seen before; now they are."""
        recent = peer.recent
        k = 0
        while (
            recent is not None
            and k < count
            and self.verdicts[first + k]
            and packet.verb(slab, offset) == packet.FRAME
            and not packet.compressed(slab, offset)
            and packet.hops(slab, offset) == 0
            and recent.add(packet.packet_id(slab, offset))
        ):
            k += 1
            offset += stride
        return k

    def datagram(self, slab: Slab, offset: int, n: int, path: Path, now: int) -> None:
        """One datagram as it came (PROTOCOL-VL1 4.3)."""
        kind = packet.classify(slab, offset, n)
        if kind == packet.KIND_PACKET:
            if packet.destination(slab, offset) != self.address:
                self.control.relay.packet(slab, offset, n, path, now)
            elif packet.fragmented(slab, offset):
                self.head(slab, offset, n, path, now)
            else:
                self.whole(slab, offset, n, path, now)
        elif kind == packet.KIND_FRAGMENT:
            self.piece(slab, offset, n, path, now)
        else:
            self.stats.drop(reasons.BEACON if kind == packet.KIND_BEACON else reasons.SHORT)

    def piece(self, slab: Slab, offset: int, n: int, path: Path, now: int) -> None:
        """A fragment: ours is kept until its packet is complete."""
        total = fragment.check(slab, offset, n)
        if total == 0:
            self.stats.drop(reasons.BAD_FRAGMENT)
        elif fragment.destination(slab, offset) != self.address:
            self.control.relay.fragment(slab, offset, n, path, now)
        else:
            length = self.defragmenter.add_piece(
                fragment.packet_id(slab, offset),
                total,
                fragment.number(slab, offset),
                slab,
                offset + fragment.HEADER,
                n - fragment.HEADER,
                now,
            )
            if length:
                self.whole(self.defragmenter.slab, 0, length, self.defragmenter.path, now)

    def head(self, slab: Slab, offset: int, n: int, path: Path, now: int) -> None:
        """The head of a packet in fragments."""
        length = self.defragmenter.add_head(packet.packet_id(slab, offset), slab, offset, n, path, now)
        if length:
            self.whole(self.defragmenter.slab, 0, length, self.defragmenter.path, now)

    def whole(self, slab: Slab, offset: int, n: int, path: Path, now: int) -> None:
        """A whole packet for us: verified by its header's suite, whatever the peer is thought to speak."""
        source = packet.source(slab, offset)
        if source == self.address:
            self.stats.drop(reasons.OWN_SOURCE)
            return
        if packet.suite(slab, offset) == 0 and packet.verb(slab, offset) == packet.HELLO:
            self.context.hello.receive(slab, offset, n, path, now)
            return
        peer = self.find(source)
        if peer is None:
            self.stats.drop(reasons.UNKNOWN_SOURCE)
            self.context.whois.hold_in(source, take(slab, offset, n), path, now)
        elif not dearmor(slab, offset, n, peer.key):
            self.stats.drop(reasons.FORGED)
        else:
            self.opened(slab, offset, n, peer, path, now)

    def opened(self, slab: Slab, offset: int, n: int, peer: Peer, path: Path, now: int) -> None:
        """A packet that is genuine and in the clear now."""
        sink = self.sink
        if (
            sink is not None
            and packet.verb(slab, offset) == packet.FRAME
            and not packet.compressed(slab, offset)
        ):
            self.frame(sink, slab, offset, n, peer, path, now)
        else:
            self.cold(slab, offset, n, peer, path, now)

    def find(self, address: int) -> Peer | None:
        """The peer of an address; the last one is remembered."""
        last = self.last_peer
        if last is not None and last.address == address and last.is_known:
            return last
        self.last_peer = self.peers_by_address.get(address)
        return self.last_peer

    def cold(self, slab: Slab, offset: int, n: int, peer: Peer, path: Path, now: int) -> None:
        """Every packet but a plain frame."""
        self.control.dispatch.handle(
            peer,
            path,
            packet.packet_id(slab, offset),
            packet.hops(slab, offset),
            packet.suite(slab, offset),
            slab.view[offset + packet.VERB],
            take(slab, offset + packet.PAYLOAD, n - packet.PAYLOAD),
            now,
        )

    def frame(
        self, sink: VirtualSink, slab: Slab, offset: int, n: int, peer: Peer, path: Path, now: int
    ) -> None:
        """A frame, straight to VL2; a replayed one is dropped."""
        recent = peer.recent
        if recent is not None and not recent.add(packet.packet_id(slab, offset)):
            self.stats.drop(reasons.REPLAYED)
            return
        self.fresh_frame(sink, slab, offset, n, peer, path, now)

    def fresh_frame(
        self, sink: VirtualSink, slab: Slab, offset: int, n: int, peer: Peer, path: Path, now: int
    ) -> None:
        """A frame that is no replay."""
        hops = packet.hops(slab, offset)
        verdict = sink.frame(peer, slab, offset + packet.PAYLOAD, n - packet.PAYLOAD, hops, now)
        if verdict != IGNORED:
            peer.last_active = now
            if peer.recent is None:
                peer.recent = RecentIds()
                peer.recent.add(packet.packet_id(slab, offset))
            if verdict == TRUSTED:
                peer.trust(now)
            elif verdict == DEFERRED:
                self.hold(slab, offset, n, peer, path, now)
        self.heard(peer, path, hops, now)

    def heard(self, peer: Peer, path: Path, hops: int, now: int) -> None:
        """An authentic frame came by a path."""
        pushed = now < peer.next_push or not peer.is_trusted(now)
        if hops == 0 and path.owner == peer.address and pushed:
            peer.last_receive = now
            path.last_receive = now
        else:
            self.context.learning.received(peer, path, hops, packet.FRAME, now)

    def hold(self, slab: Slab, offset: int, n: int, peer: Peer, path: Path, now: int) -> None:
        """Keep a copy of a frame that VL2 cannot judge yet."""
        payload = take(slab, offset + packet.PAYLOAD, n - packet.PAYLOAD)
        packet_id, hops = packet.packet_id(slab, offset), packet.hops(slab, offset)
        self.context.deferred.hold(Packet(peer, path, packet_id, hops, packet.FRAME, payload), now)

    def inject(self, data: bytes, path: Path, now: int) -> None:
        """Process a packet again that waited for its sender's identity."""
        n = len(data)
        self.scratch.view[:n] = data
        self.whole(self.scratch, 0, n, path, now)

    def evicted(self) -> dict[str, int]:
        """As Switchboard's, with the packets whose fragments had to make room."""
        return {**super().evicted(), "vl1.fragments": self.defragmenter.overwritten}

    # -- out, the hot way

    def route(self, peer: Peer, now: int) -> Path | None:
        """Where packets to a peer go: its best direct path, else the best root's; None without either."""
        return self.transmitter.route(peer, now)

    def reserve(self, peer: Peer, out: TransmitBatch, payload_length: int, now: int) -> int:
        """Room for one packet in `out`: the offset of its payload, or -1 (no path, no room, too long)."""
        return self.transmitter.reserve(peer, out, payload_length, now)

    def seal(self, peer: Peer, out: TransmitBatch, payload_length: int, verb: int, now: int) -> None:
        """Head, armor and commit the packet whose payload was written where reserve() said."""
        self.transmitter.seal(peer, out, payload_length, verb, now)

    def repeat(
        self, peer: Peer, out: TransmitBatch, payload_length: int, same: int, most: int, now: int
    ) -> int:
        """Up to `most` packets like the one just sealed; how many. Payloads from `same` bytes on follow."""
        return self.transmitter.repeat(peer, out, payload_length, same, most, now)

    def complete(self) -> None:
        """Armor what seal() has left to the end; call it before a batch leaves or its bytes are read."""
        self.transmitter.complete()
