"""Relay: packets for others, forwarded by a node with the root role, and introductions (PROTOCOL-VL1 7.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core import fragment, packet
from .._core.access import take
from .._core.endpoint import Endpoint
from .._core.slab import Slab
from ..wire.rendezvous import Rendezvous
from ..wire.verbs import Verb
from . import reasons
from .path import Path
from .peer import Peer
from .timing import INTRODUCTION_INTERVAL, INTRODUCTION_REPEAT, MAX_HOPS, MAX_INTRODUCED

if TYPE_CHECKING:
    from .context import Context

REPEATED = 3


class Relay:
    """Forwards only with the root role; a node without it never relays."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.introduced: dict[tuple[int, int], tuple[int, int]] = {}  # pair: when last, how often

    def packet(self, slab: Slab, offset: int, n: int, path: Path, now: int) -> None:
        """A packet, or the head of one, for somebody else."""
        hops = packet.hops(slab, offset)
        target = self.next_hop(packet.destination(slab, offset), hops, path, now)
        if target is None:
            return
        packet.set_hops(slab, offset, hops + 1)
        peer, way = target
        self.forward(slab, offset, n, way, now)
        source = self.context.topology.peers.get(packet.source(slab, offset))
        if source is not None and way.owner == packet.destination(slab, offset) and source is not peer:
            self.introduce(source, peer, now)

    def fragment(self, slab: Slab, offset: int, n: int, path: Path, now: int) -> None:
        """A fragment for somebody else: forwarded alone, never an occasion to introduce."""
        hops = fragment.hops(slab, offset)
        target = self.next_hop(fragment.destination(slab, offset), hops, path, now)
        if target is not None:
            fragment.set_hops(slab, offset, hops + 1)
            self.forward(slab, offset, n, target[1], now)

    def next_hop(self, address: int, hops: int, arrival: Path, now: int) -> tuple[Peer, Path] | None:
        """The peer to hand a packet to and the path, or None with the drop counted."""
        context = self.context
        if not context.is_root:
            context.stats.drop(reasons.NOT_OURS)
            return None
        if hops >= MAX_HOPS:
            context.stats.drop(reasons.TOO_MANY_HOPS)
            return None
        peer = context.topology.peers.get(address)
        way = self.way_to(peer, now) if peer is not None else None
        if peer is None or way is None:
            peer = context.topology.best_root(now)
            way = peer.best_path(now) if peer is not None else None
        if peer is None or way is None or way is arrival:
            context.stats.drop(reasons.NO_RELAY_PATH)
            context.whois.want(address, now)
            return None
        return peer, way

    def way_to(self, peer: Peer, now: int) -> Path | None:
        """The peer's direct path, which is asked whether it still works when it has been silent."""
        way = peer.best_path(now)
        if way is not None and not way.is_fresh(now):
            self.context.probing.doubt(peer, way, now)
            way = peer.best_path(now)
        return way

    def forward(self, slab: Slab, offset: int, n: int, way: Path, now: int) -> None:
        """Queue the datagram as it is."""
        self.context.outbox.put(take(slab, offset, n), way.socket, way.endpoint)
        way.last_out = now
        self.context.stats.add(reasons.RELAYED)

    def introduce(self, a: Peer, b: Peer, now: int) -> None:
        """Tell two peers of each other: three times in 10 s, then each 30 s (PROTOCOL-VL1 5.5)."""
        pair = (min(a.address, b.address), max(a.address, b.address))
        last, count = self.introduced.get(pair, (-INTRODUCTION_INTERVAL, 0))
        if now - last < (INTRODUCTION_REPEAT if count < REPEATED else INTRODUCTION_INTERVAL):
            return
        places = meeting_places(a, b, now)
        if not places:
            return
        self.introduced.pop(pair, None)
        if len(self.introduced) >= MAX_INTRODUCED:
            del self.introduced[next(iter(self.introduced))]
        self.introduced[pair] = (now, count + 1)
        of_a, of_b = places[count % len(places)]  # what did not work is not all that is tried
        self.tell(a, b, of_b, now)
        self.tell(b, a, of_a, now)
        self.context.stats.add(reasons.INTRODUCED)

    def tell(self, peer: Peer, other: Peer, endpoint: Endpoint, now: int) -> None:
        """RENDEZVOUS to one of them."""
        path = peer.best_path(now)
        if path is not None:
            body = Rendezvous(other.address, endpoint).to_bytes()
            self.context.send_on(peer, path, Verb.RENDEZVOUS, body, now)


def meeting_places(a: Peer, b: Peer, now: int) -> list[tuple[Endpoint, Endpoint]]:
    """The best endpoints of both in each scope and family that they share: near ones first, then IPv6."""
    found = []
    for scope in range(7, -1, -1):
        for v4 in (False, True):
            of_a, of_b = best_in(a, scope, v4, now), best_in(b, scope, v4, now)
            if of_a is not None and of_b is not None:
                found.append((of_a.endpoint, of_b.endpoint))
    return found


def best_in(peer: Peer, scope: int, v4: bool, now: int) -> Path | None:
    """The best path of a peer in one scope and family."""
    found = [
        path
        for path in peer.paths
        if path.scope == scope and path.endpoint.is_v4 == v4 and path.owner == peer.address
        if not path.is_expired(now)
    ]
    return min(found, key=lambda path: path.quality(now), default=None)
