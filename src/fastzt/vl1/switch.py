"""Switch: one node's VL1. Datagrams in, datagrams out; the hot way of frames, with the cold way behind it.

Sans-IO: it owns no socket, clock or random source. `docs/architecture.md` tells how it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._core.datagram_batch import DatagramBatch, TransmitBatch
from .._core.endpoint import Endpoint, LocalSocket
from .._core.slab import Slab
from .._core.stats import Stats
from ..identity.identity import Identity
from ..wire.verbs import Verb
from ..wire.world import World
from . import reasons
from .config import SwitchConfig
from .context import Entropy, OnSent, compressed
from .control import Control
from .defragmenter import Defragmenter
from .events import Event
from .jobs import Job
from .packet import Packet
from .path import Path
from .path_policy import Prefix
from .peer import Peer
from .recent_ids import RecentIds
from .sink import VirtualSink
from .timing import MAX_PACKET
from .transmitter import Transmitter

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .._core import fragment, packet
    from .._core.access import take
    from .._core.armor import dearmor

    IGNORED = 0
    TRUSTED = 2
    DEFERRED = 3

DEFAULT_CONFIG = SwitchConfig()


class Switch:
    """VL1 of one node: peers, paths, armor, relaying through roots; VL2 is bound to it as a VirtualSink."""

    if not cython.compiled:
        __slots__ = (
            "address",
            "context",
            "control",
            "defragmenter",
            "last_error",
            "last_peer",
            "paths",
            "peers_by_address",
            "scratch",
            "sink",
            "stats",
            "transmitter",
        )

    def __init__(
        self,
        identity: Identity,
        planet: World,
        entropy: Entropy,
        wall_offset_ms: int,
        config: SwitchConfig = DEFAULT_CONFIG,
    ) -> None:
        control = Control(identity, planet, entropy, wall_offset_ms, config)
        context = control.context
        self.control = control
        self.context = context
        context.inject = self.inject
        self.stats: Stats = context.stats
        self.address = identity.address
        self.last_error: BaseException | None = None
        self.peers_by_address: dict[int, Peer] = context.topology.peers
        self.paths = context.paths
        self.defragmenter = Defragmenter()
        self.sink: VirtualSink | None = None
        self.last_peer: Peer | None = None
        self.transmitter = Transmitter(context, identity.address, context.ids)
        self.scratch = Slab(MAX_PACKET)

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
                n = end - offset
                if n > stride:
                    n = stride
                try:
                    self.datagram(batch.slab, offset, n, path, now)
                except Exception as error:  # a bug of ours: the packet is lost, the node lives on
                    self.stats.drop(reasons.RAISED)
                    self.last_error = error
                offset += stride
        if self.sink is not None:
            self.sink.flush(now)

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
        sink = self.sink
        peer = self.find(source)
        if peer is None:
            self.stats.drop(reasons.UNKNOWN_SOURCE)
            self.context.whois.hold_in(source, take(slab, offset, n), path, now)
        elif not dearmor(slab, offset, n, peer.key):
            self.stats.drop(reasons.FORGED)
        elif (
            packet.verb(slab, offset) == packet.FRAME
            and not packet.compressed(slab, offset)
            and sink is not None
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
        hops = packet.hops(slab, offset)
        verdict = sink.frame(peer, slab, offset + packet.PAYLOAD, n - packet.PAYLOAD, hops, now)
        if verdict != IGNORED:
            peer.last_active = now
            if recent is None:
                recent = peer.recent = RecentIds()
                recent.add(packet.packet_id(slab, offset))
            if verdict == TRUSTED:
                peer.trust(now)
            elif verdict == DEFERRED:
                self.hold(slab, offset, n, peer, path, now)
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

    # -- out, the cold way

    def transmit(self, out: TransmitBatch, now: int) -> bool:
        """Move queued control datagrams into `out`; True when more remain."""
        return bool(self.context.outbox.transmit(out))

    def send(
        self, address: int, verb: int, payload: bytes, now: int, *, compress: bool = False, queue: bool = True
    ) -> int:
        """Send to an address: the packet's id on the wire, 0 when it was queued for 5 s (or not: `queue`)."""
        if compress:
            verb, payload = compressed(verb, payload)
        return int(self.context.send(address, verb, payload, now, None, queue))

    def send_tracked(
        self, address: int, verb: int, payload: bytes, now: int, on_sent: OnSent, *, compress: bool = False
    ) -> int:
        """As send, and `on_sent(packet_id)` is called once the packet leaves."""
        if compress:
            verb, payload = compressed(verb, payload)
        return int(self.context.send(address, verb, payload, now, on_sent))

    def reply(
        self, packet: Packet, payload: bytes, now: int, *, verb: int = Verb.OK, compress: bool = False
    ) -> int:
        """Answer on the path that a packet came by: OK or ERROR, `payload` goes behind the in-re head."""
        return int(self.context.reply(packet, verb, payload, now, compress))

    def retry(self, address: int, now: int) -> None:
        """Offer VL2 again what it deferred from this peer."""
        self.context.deferred.retry(address, now)

    # -- time, work and reports

    def tick(self, now: int) -> None:
        """Timers: call it when deadline() has come, more often does no harm."""
        self.control.tick(now)

    def deadline(self) -> int:
        """When tick() has something to do, in absolute microseconds; 2**62 for never."""
        return int(self.control.deadline())

    def jobs(self) -> list[Job]:
        """Identity validations to be run outside; hand each back to finish()."""
        return list(self.context.jobs.take())

    def finish(self, job: Job, now: int) -> None:
        """Take back a job that has run."""
        self.control.finish(job, now)

    def events(self) -> list[Event]:
        """What happened since the last call."""
        found = list(self.context.events)
        self.context.events.clear()
        return found

    # -- who and where

    def peer(self, address: int) -> Peer | None:
        """The peer of an address, if its identity is known."""
        return self.peers_by_address.get(address)

    def peers(self) -> list[Peer]:
        """All known peers, roots included."""
        return list(self.peers_by_address.values())

    def want(self, address: int, now: int) -> None:
        """Ask a root for an identity unless it is known."""
        self.context.whois.want(address, now)

    def is_root(self, address: int) -> bool:
        """Whether the planet lists this address as a root."""
        peer = self.peers_by_address.get(address)
        return peer is not None and peer.is_root

    def roots(self) -> list[Peer]:
        """The planet's roots, without ourselves."""
        return list(self.context.topology.roots)

    def best_root(self, now: int) -> Peer | None:
        """The root that relays for us."""
        root: Peer | None = self.context.topology.best_root(now)
        return root

    @property
    def online(self) -> bool:
        """Whether a root was heard within a minute."""
        return bool(self.context.pinger.online)

    @property
    def planet(self) -> World:
        """The planet held."""
        planet: World = self.context.topology.planet
        return planet

    # -- what the node tells

    def sockets_changed(self, local: list[LocalSocket], now: int = 0) -> None:
        """The driver's sockets: number and bound endpoint."""
        self.control.sockets_changed(local, now)

    def remember(
        self,
        identity: Identity,
        protocol: int,
        version: tuple[int, int, int],
        endpoints: Sequence[Endpoint],
        now: int,
    ) -> None:
        """Take a peer of an earlier run, validated then, greeted at its endpoints; after sockets_changed."""
        self.control.remember(identity, protocol, version, endpoints, now)

    def refuse(self, prefixes: list[Prefix]) -> None:
        """Prefixes (16-byte address, bits) of our networks and of overlay interfaces: no paths go there."""
        self.control.refuse(prefixes)

    def advertise(self, endpoints: list[Endpoint]) -> None:
        """Our own endpoints to tell trusted peers, where sockets are bound to no address in particular."""
        self.control.advertise(endpoints)

    def path_fits(self, socket: int, endpoint: Endpoint, size: int, now: int) -> None:
        """The route is known to take UDP payloads of `size` bytes at most (route MTU - 28, IPv6: - 48)."""
        self.control.path_fits(socket, endpoint, size, now)

    def path_too_big(self, socket: int, endpoint: Endpoint, size: int, now: int) -> None:
        """A datagram of `size` bytes did not fit its route."""
        self.control.path_too_big(socket, endpoint, size, now)
