"""HELLO both ways: who a peer is, which version it speaks and where it sees us (PROTOCOL-VL1 5.1, 5.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core import packet as header
from .._core.access import take
from .._core.armor import SessionKey, dearmor, mask_hello_tail
from .._core.endpoint import Endpoint
from .._core.slab import Slab
from ..errors import IdentityError
from ..identity.identity import Identity
from ..wire.hello import MIN_PROTOCOL_VERSION, Hello, OkHello
from ..wire.in_re import InRe
from ..wire.reader import Malformed
from ..wire.verbs import ErrorCode, Verb
from ..wire.world import MOON, World
from . import reasons
from .events import IdentityCollision, MoonChanged, PeerSeen, PlanetChanged
from .jobs import Job
from .packet import Packet
from .path import Path
from .peer import Peer
from .replies import Sent

if TYPE_CHECKING:
    from .context import Context


class HelloService:
    """Sends HELLOs, answers those of others, and makes peers of identities that prove valid."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.gate = context.identity_gate

    # -- ours

    def send(self, peer: Peer, endpoint: Endpoint, sockets: list[int], now: int) -> None:
        """One HELLO (one packet id) to an endpoint from these sockets."""
        context = self.context
        planet = context.topology.planet
        hello = Hello(
            clock=context.wall_ms(now),
            identity=context.identity.to_bytes(),
            destination=endpoint,
            planet_id=planet.id,
            planet_timestamp=planet.timestamp,
            moons=context.topology.worlds.entries(),
            protocol=context.config.protocol,
        )
        payload = hello.to_bytes()
        packet_id, data = context.sealer.seal_hello(
            peer.address, peer.key, payload, Hello.tail_offset(payload)
        )
        for socket in sockets:
            context.outbox.put(data, socket, endpoint)
            context.paths.get(socket, endpoint, now).last_out = now
        peer.ask(now)
        if peer.is_root:
            context.udp.asked(sockets, now)
        context.replies.add(packet_id, peer.address, Verb.HELLO, now, endpoint)

    def answered(self, packet: Packet, sent: Sent, now: int) -> bool:
        """OK(HELLO): the peer's version, a newer planet from a root, our address as it sees it."""
        ok = OkHello.parse(packet.payload)
        if ok.protocol < MIN_PROTOCOL_VERSION:
            return False
        peer = packet.peer
        if peer.is_root or peer.address in self.context.topology.worlds.wanted.values():
            self.take_worlds(ok.worlds, peer.is_root, now)
        self.speaks(peer, ok)
        if packet.hops == 0 and ok.destination is not None:
            self.surface(peer, packet.path, ok.destination, now)
        return True

    def take_worlds(self, worlds: tuple[World, ...], from_root: bool, now: int) -> None:
        """Newer worlds; a planet from a root alone."""
        for world in worlds:
            if (world.kind == MOON or from_root) and self.context.topology.take_world(world):
                data = world.to_bytes()
                moon = world.kind == MOON
                self.context.emit(MoonChanged(world.id, data) if moon else PlanetChanged(data))
                self.context.pinger.wake(now)

    def speaks(self, peer: Peer, said: Hello | OkHello) -> None:
        """Record the version of a peer: the lower one, its or ours, decides the cipher suite."""
        peer.speaks(said.protocol, (said.major, said.minor, said.revision), self.context.config.protocol)

    def surface(self, peer: Peer, path: Path, seen: Endpoint, now: int) -> None:
        """The peer sees us at `seen`; when a root says that our IP has changed, ask on all paths."""
        context = self.context
        loopback = context.topology.allows_loopback
        if not context.surfaces.report(peer.address, path, seen, peer.is_root, loopback, now):
            return
        for other in context.topology.peers.values():
            for known in other.paths:
                moved = known is not path and known.scope == path.scope
                if moved and known.endpoint.is_v4 == seen.is_v4:
                    known.last_in = 0
                    other.paths_changed()
                    context.probing.probe(other, known, now)

    # -- theirs

    def receive(self, slab: Slab, offset: int, n: int, path: Path, now: int) -> None:
        """A HELLO as it came, suite 0: known peers are verified, strangers go through the gate."""
        payload = take(slab, offset + header.PAYLOAD, n - header.PAYLOAD)
        try:
            hello = Hello.parse_head(payload)
        except Malformed:
            self.context.stats.drop(reasons.MALFORMED)
            return
        if hello.protocol < MIN_PROTOCOL_VERSION or hello.source != header.source(slab, offset):
            self.context.stats.drop(reasons.MALFORMED)
            return
        peer = self.context.topology.peers.get(hello.source)
        if peer is None or peer.identity.to_bytes() != hello.identity:
            self.stranger(peer, hello, slab, offset, n, path, now)
        elif dearmor(slab, offset, n, peer.key):
            packet_id, hops = header.packet_id(slab, offset), header.hops(slab, offset)
            hello = self.with_moons(hello, slab, offset, n, peer.key)
            self.accept(peer, hello, packet_id, hops, path, now)
        else:
            self.context.stats.drop(reasons.FORGED)

    def with_moons(self, hello: Hello, slab: Slab, offset: int, n: int, key: SessionKey) -> Hello:
        """An authentic HELLO with what it says of moons, if we have any; its tail is unmasked in the slab."""
        if not self.context.topology.worlds.moons:
            return hello
        payload = take(slab, offset + header.PAYLOAD, n - header.PAYLOAD)
        mask_hello_tail(slab, offset, n, header.PAYLOAD + Hello.tail_offset(payload), key)
        try:
            return Hello.parse(take(slab, offset + header.PAYLOAD, n - header.PAYLOAD))
        except Malformed:
            self.context.stats.drop(reasons.MALFORMED)
            return hello

    def stranger(
        self, known: Peer | None, hello: Hello, slab: Slab, offset: int, n: int, path: Path, now: int
    ) -> None:
        """An identity not seen before, or one that claims the address of a known peer."""
        context = self.context
        packet_id, hops = header.packet_id(slab, offset), header.hops(slab, offset)
        job = context.jobs.find(hello.identity)
        if job is None:
            if not self.gate.take(path.endpoint, now):
                context.stats.drop(reasons.GATED)
                return
            try:
                identity = Identity.from_bytes(hello.identity)
                job = Job(identity, SessionKey(context.identity.agree(identity)))
            except IdentityError:
                context.stats.drop(reasons.INVALID_IDENTITY)
                return
            if not dearmor(slab, offset, n, job.key):
                context.stats.drop(reasons.FORGED)
                return
            if known is not None:
                self.collide(job, packet_id, path, now)
                return
            if not context.jobs.add(job):
                context.stats.drop(reasons.TOO_MANY_JOBS)
                return
        elif not dearmor(slab, offset, n, job.key):
            context.stats.drop(reasons.FORGED)
            return
        address = hello.source
        hello = self.with_moons(hello, slab, offset, n, job.key)

        def then(at: int) -> None:
            peer = context.topology.peers.get(address)
            if peer is not None:
                self.accept(peer, hello, packet_id, hops, path, at)

        context.jobs.attach(job, then)

    def collide(self, job: Job, packet_id: int, path: Path, now: int) -> None:
        """Tell the claimant that its address is taken: ERROR(HELLO, 04) under the key that it claims."""
        self.context.stats.drop(reasons.COLLISION)
        claimant = Peer(job.identity, job.key)
        body = InRe(Verb.HELLO, packet_id).to_bytes() + bytes((ErrorCode.IDENTITY_COLLISION,))
        self.context.send_on(claimant, path, Verb.ERROR, body, now)

    def finish(self, job: Job, now: int) -> None:
        """A validation is over: a valid identity becomes a peer, and what waited for it goes on."""
        context = self.context
        if not context.jobs.finish(job):
            context.stats.drop(reasons.INVALID_IDENTITY)
            return
        address = job.identity.address
        if address not in context.topology.peers:
            context.topology.add(job.identity, job.key)
            context.emit(PeerSeen(address))
        for then in job.then:
            then(now)
        context.whois.arrived(address, now)

    def accept(self, peer: Peer, hello: Hello, packet_id: int, hops: int, path: Path, now: int) -> None:
        """Answer an authentic HELLO where it came from, then record its version (so the OK has suite 1)."""
        context = self.context
        if hops == 0 and hello.destination is not None:
            self.surface(peer, path, hello.destination, now)
        worlds = context.topology.worlds.newer_than(hello)
        ok = OkHello(hello.clock, path.endpoint, worlds, context.config.protocol)
        question = Packet(peer, path, packet_id, hops, Verb.HELLO, b"")
        context.reply(question, Verb.OK, ok.to_bytes(), now)
        self.speaks(peer, hello)
        context.learning.received(peer, path, hops, Verb.HELLO, now)

    def collision_reported(self, packet: Packet) -> None:
        """ERROR 04 from a root in answer to a HELLO of ours: our address belongs to another identity."""
        if packet.peer.is_root and self.context.replies.match(packet.in_re_id, packet.peer.address):
            self.context.emit(IdentityCollision(self.context.address))
