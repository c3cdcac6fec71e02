"""Switchboard: what a Switch offers beside the hot way: control packets, timers, peers, the node's news."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._core.datagram_batch import TransmitBatch
from .._core.endpoint import Endpoint, LocalSocket
from .._core.stats import Stats
from ..identity.identity import Identity
from ..wire.verbs import Verb
from ..wire.world import World
from .config import SwitchConfig
from .context import Entropy, OnSent, compressed
from .control import Control
from .events import Event
from .jobs import Job
from .packet import Packet
from .path_policy import Prefix
from .peer import Peer
from .timed import Timed

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .timed import earliest


class Switchboard:
    """The cold half of Switch; `control` joins the services that it hands to."""

    if not cython.compiled:
        __slots__ = (
            "address",
            "context",
            "control",
            "deferred",
            "happened",
            "outbox",
            "paths",
            "peers_by_address",
            "pinger",
            "probing",
            "stats",
            "whois",
            "work",
        )

    def __init__(
        self, identity: Identity, planet: World, entropy: Entropy, wall_offset_ms: int, config: SwitchConfig
    ) -> None:
        control = Control(identity, planet, entropy, wall_offset_ms, config)
        context = control.context
        self.control = control
        self.context = context
        self.stats: Stats = context.stats
        self.address = identity.address
        self.peers_by_address: dict[int, Peer] = context.topology.peers
        self.paths = context.paths
        self.outbox = context.outbox
        self.happened = context.events
        self.work = context.jobs
        self.pinger: Timed = context.pinger
        self.probing: Timed = context.probing
        self.whois: Timed = context.whois
        self.deferred: Timed = context.deferred

    # -- control packets out

    def transmit(self, out: TransmitBatch, now: int) -> bool:
        """Move queued control datagrams into `out`; True when more remain."""
        return self.outbox.transmit(out)

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
        return earliest(self.pinger, self.probing, self.whois, self.deferred)

    def has_news(self) -> bool:
        """Whether there are jobs or events."""
        return len(self.happened) > 0 or len(self.work.queue) > 0

    def jobs(self) -> list[Job]:
        """Identity validations to be run outside; hand each back to finish()."""
        return self.work.take() if self.work.queue else []

    def finish(self, job: Job, now: int) -> None:
        """Take back a job that has run."""
        self.control.finish(job, now)

    def events(self) -> list[Event]:
        """What happened since the last call."""
        if not self.happened:
            return []
        found = self.happened[:]
        self.happened.clear()
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

    def evicted(self) -> dict[str, int]:
        """How many entries each table that remotes fill has given up for want of room."""
        context = self.context
        return {
            "vl1.paths": self.paths.evicted,
            "vl1.outbox": self.outbox.dropped,
            "vl1.replies": context.replies.evicted,
            "vl1.peers": context.topology.evicted,
            "vl1.identity_gates": context.identity_gate.evicted,
        }

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

    def orbit(self, moon: int | World, seed: int, now: int) -> bool:
        """Add a moon: itself, or its id and a root of it to ask; False when there are too many."""
        return bool(self.control.orbit(moon, seed, now))

    def deorbit(self, moon: int, now: int) -> bool:
        """Leave a moon; whether it was known."""
        return bool(self.control.deorbit(moon, now))

    def moons(self) -> tuple[dict[int, World], dict[int, int]]:
        """The moons held, and the wanted ones with their seeds, by id."""
        worlds = self.context.topology.worlds
        return dict(worlds.moons), dict(worlds.wanted)

    def refuse(self, prefixes: list[Prefix]) -> None:
        """Prefixes (16-byte address, bits) of our networks and of overlay interfaces: no paths go there."""
        self.control.refuse(prefixes)

    def advertise(self, endpoints: list[Endpoint], now: int) -> None:
        """Our own endpoints to tell trusted peers, where sockets are bound to no address in particular."""
        self.control.advertise(endpoints, now)

    def path_fits(self, socket: int, endpoint: Endpoint, size: int, now: int) -> None:
        """The route is known to take UDP payloads of `size` bytes at most (route MTU - 28, IPv6: - 48)."""
        self.control.path_fits(socket, endpoint, size, now)

    def path_too_big(self, socket: int, endpoint: Endpoint, size: int, now: int) -> None:
        """A datagram of `size` bytes did not fit its route."""
        self.control.path_too_big(socket, endpoint, size, now)
