"""Context: the state that the parts of VL1 share, and sending on the cold way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .._core.endpoint import Endpoint, LocalSocket
from .._core.stats import Stats
from ..identity.identity import Identity
from ..wire.compression import compress
from ..wire.in_re import InRe
from ..wire.verbs import COMPRESSED, VERB_MASK, Verb
from ..wire.world import World
from . import reasons, timing
from .config import SwitchConfig
from .events import Event, PathChanged
from .id_source import IdSource, stretched
from .jobs import Jobs
from .outbox import Outbox
from .packet import Packet
from .path import Path, PathTable
from .path_policy import Prefix, is_usable
from .peer import Peer
from .rate_gate import IdentityGate
from .replies import Replies
from .sealing import Sealer
from .self_awareness import SelfAwareness
from .topology import Topology
from .udp_watch import UdpWatch

if TYPE_CHECKING:
    from .deferred import Deferred
    from .direct_paths import DirectPaths
    from .hello import HelloService
    from .learning import Learning
    from .pinger import Pinger
    from .probing import Probing
    from .sink import VirtualSink
    from .whois import Whois

Entropy = Callable[[int], bytes]
OnSent = Callable[[int], object]
MAX_EVENTS = 1024
# Verbs that are never answered: their ids need not be remembered.
UNANSWERED = {Verb.OK, Verb.ERROR, Verb.FRAME, Verb.RENDEZVOUS, Verb.PUSH_DIRECT_PATHS, Verb.NOP}


class Context:
    """One node's VL1 state; its services are attached by `control.Control`."""

    hello: HelloService
    whois: Whois
    probing: Probing
    learning: Learning
    pinger: Pinger
    direct_paths: DirectPaths
    deferred: Deferred
    sink: VirtualSink | None
    inject: Callable[[bytes, Path, int], None]

    def __init__(
        self, identity: Identity, planet: World, entropy: Entropy, wall_offset_ms: int, config: SwitchConfig
    ) -> None:
        self.identity = identity
        self.address = identity.address
        self.config = config
        self.entropy = entropy
        self.wall_offset_ms = wall_offset_ms
        self.stats = Stats()
        self.sink = None
        self.ids = IdSource(stretched(entropy))
        self.sealer = Sealer(identity.address, self.ids)
        self.outbox = Outbox(config.max_outbox)
        self.replies = Replies(timing.MAX_REPLIES)
        self.identity_gate = IdentityGate(
            config.identity_burst, config.identity_per_second, config.identity_total_per_second
        )
        self.jobs = Jobs(timing.MAX_JOBS)
        self.topology = Topology(identity, planet, config.max_peers)
        self.paths = PathTable(config.max_strange_paths)
        self.surfaces = SelfAwareness(timing.MAX_SURFACES)
        self.sockets: tuple[LocalSocket, ...] = ()
        self.tunnels: frozenset[int] = frozenset()
        self.udp = UdpWatch(self)
        self.refused: tuple[Prefix, ...] = ()
        self.advertised: tuple[Endpoint, ...] = ()
        self.events: list[Event] = []

    @property
    def is_root(self) -> bool:
        """Whether this node serves others: by its role, or because the planet lists it."""
        return self.config.root or self.topology.is_root

    def wall_ms(self, now: int) -> int:
        """Milliseconds of the wall clock."""
        return now // 1000 + self.wall_offset_ms

    def emit(self, event: Event) -> None:
        """Report an event; the oldest goes when nobody drains them."""
        if len(self.events) >= MAX_EVENTS:
            del self.events[0]
        self.events.append(event)

    def sockets_like(self, number: int, endpoint: Endpoint) -> list[int]:
        """The socket that a root knows us by if it can send to an endpoint, else all that can."""
        fitting = self.sockets_for(endpoint)
        return [number] if number in fitting else fitting

    def report_path(self, peer: Peer, now: int) -> None:
        """Emit PathChanged when the path in use is another than last reported; None: through a root."""
        best = peer.best_path(now)
        if best is not None and best.is_dead(now):
            best = None
        if best is not peer.reported:
            peer.reported = best
            peer.generation += 1
            self.emit(PathChanged(peer.address, best.endpoint if best is not None else None))

    def usable(self, peer: Peer, endpoint: Endpoint) -> bool:
        """Whether an endpoint may be a path to this peer (PROTOCOL-VL1 7.2)."""
        return is_usable(endpoint, peer.endpoints, self.refused, self.topology.allows_loopback)

    def sockets_for(self, endpoint: Endpoint) -> list[int]:
        """The local sockets that can send to an endpoint: those of its family."""
        return [socket.number for socket in self.sockets if socket.endpoint.is_v4 == endpoint.is_v4]

    def route(self, peer: Peer, now: int) -> Path | None:
        """Where packets to a peer go: its direct path, or the best root's when that is broken or missing."""
        best = peer.best_path(now)
        if best is None:
            return self.relay(peer, now)
        if not best.is_fresh(now):
            self.probing.doubt(peer, best, now)
            best = peer.best_path(now) or best
        if not best.is_broken(now):
            return best
        relay = self.relay(peer, now)
        return best if relay is None or relay.is_broken(now) else relay

    def relay(self, peer: Peer, now: int) -> Path | None:
        """The path of the best root, which is asked whether it is there when it has been silent."""
        root = self.topology.best_root(now)
        if root is None or root is peer:
            return None
        path = root.best_path(now)
        if path is not None and not path.is_fresh(now):
            self.probing.doubt(root, path, now)
        return path

    def send_on(self, peer: Peer, path: Path, verb: int, payload: bytes, now: int) -> int:
        """Seal and queue a packet to `peer` by `path`; its id on the wire, 0 when it is too long."""
        packet_id, datagrams = self.sealer.seal(peer.address, peer.key, peer.suite, verb, payload, path.mtu)
        if not datagrams:
            self.stats.drop(reasons.TOO_LONG)
            return 0
        for data in datagrams:
            self.outbox.put(data, path.socket, path.endpoint)
        path.last_out = now
        if verb & VERB_MASK not in UNANSWERED:
            peer.ask(now)
            if peer.is_root:
                self.udp.asked([path.socket], now)
            self.replies.add(packet_id, peer.address, verb & VERB_MASK, now, path.endpoint)
        return packet_id

    def send(
        self,
        address: int,
        verb: int,
        payload: bytes,
        now: int,
        on_sent: OnSent | None = None,
        queue: bool = True,
    ) -> int:
        """Send to an address; 0 when it waits for an identity or a path (`queue`), or was dropped."""
        peer = self.topology.peers.get(address)
        path = self.route(peer, now) if peer is not None else None
        if peer is not None and path is not None:
            packet_id = self.send_on(peer, path, verb, payload, now)
            if packet_id and on_sent is not None:
                on_sent(packet_id)
            return packet_id
        if queue and address != self.address:
            self.whois.hold_out(address, verb, payload, on_sent, now)
        return 0

    def reply(self, packet: Packet, verb: int, payload: bytes, now: int, compress: bool = False) -> int:
        """Answer a packet on the path it came by: in-re verb and id, then `payload` (PROTOCOL-VL1 5.2)."""
        body = InRe(packet.verb, packet.packet_id).to_bytes() + payload
        if compress:
            verb, body = compressed(verb, body)
        return self.send_on(packet.peer, packet.path, verb, body, now)


def compressed(verb: int, payload: bytes) -> tuple[int, bytes]:
    """The verb byte and payload, compressed where that makes it shorter (PROTOCOL-VL1 4.4)."""
    block = compress(payload)
    return (verb, payload) if block is None else (verb | COMPRESSED, block)
