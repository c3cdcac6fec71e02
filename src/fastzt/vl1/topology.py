"""Topology: the peers by address, and which of them are roots."""

from __future__ import annotations

from .._core.armor import SessionKey
from .._core.endpoint import Endpoint
from ..errors import IdentityError
from ..identity.identity import Identity
from ..wire.inetaddress import Scope
from ..wire.world import World
from .path_policy import scope_of
from .peer import Peer
from .timing import ACTIVITY_TIMEOUT, PEER_EXPIRY, SECOND
from .worlds import Worlds

UNKNOWN_COST = 65535


class Topology:
    """Peers that are known by identity, at most `limit`; the roots of planet and moons are among them."""

    def __init__(self, identity: Identity, planet: World, limit: int) -> None:
        self.identity = identity
        self.limit = limit
        self.peers: dict[int, Peer] = {}
        self.evicted = 0
        self.relay: Peer | None = None
        self.worlds = Worlds(planet)
        self.appoint()

    @property
    def planet(self) -> World:
        """The planet held."""
        return self.worlds.planet

    def set_planet(self, planet: World) -> None:
        """Hold this planet."""
        self.worlds.planet = planet
        self.appoint()

    def appoint(self) -> None:
        """The roots of the worlds become peers, those that no world lists any more lose their role."""
        for former in self.peers.values():
            former.is_root, former.endpoints = False, ()
        listed = self.worlds.roots()
        self.is_root = self.identity.to_bytes() in listed
        # Without roots (an overlay's node that is given no peer) whoever calls may be on this host.
        self.allows_loopback = not self.planet.roots or any(
            scope_of(endpoint.ip) == Scope.LOOPBACK
            for root in self.planet.roots
            for endpoint in root.endpoints
        )
        found = [self.add_root(identity, endpoints) for identity, endpoints in listed.items()]
        self.roots = [peer for peer in found if peer is not None]

    def add_root(self, identity: bytes, endpoints: tuple[Endpoint, ...]) -> Peer | None:
        """The peer of a root, or None for ourselves and for an identity that cannot be used."""
        address = int.from_bytes(identity[:5], "big")
        if address == self.identity.address:
            return None
        known = self.peers.get(address)
        if known is not None and known.identity.to_bytes() == identity:
            peer = known
        else:
            try:
                peer = self.add(Identity.from_bytes(identity))
            except IdentityError:
                return None
        peer.is_root, peer.endpoints = True, endpoints
        return peer

    def take_world(self, candidate: World) -> bool:
        """Take a world that a root or a seed sent (PROTOCOL-VL1 6.2); False when it changes nothing."""
        if not self.worlds.take(candidate):
            return False
        self.appoint()
        return True

    def add(self, identity: Identity, key: SessionKey | None = None) -> Peer:
        """Make an identity a peer; IdentityError when no key can be agreed with it."""
        peer = Peer(identity, key or SessionKey(self.identity.agree(identity)))
        replaced = self.peers.get(identity.address)
        if replaced is not None:
            self.forget(replaced)
        elif len(self.peers) >= self.limit:
            self.evict()
        self.peers[identity.address] = peer
        return peer

    def evict(self) -> None:
        """Forget the peer that was silent for the longest and that nobody holds on to."""
        idle = [peer for peer in self.peers.values() if not peer.is_root and peer.token is None]
        if idle:
            self.forget(min(idle, key=lambda peer: peer.last_receive))
            self.evicted += 1

    def forget(self, peer: Peer) -> None:
        """Drop a peer and its paths."""
        for path in list(peer.paths):
            peer.drop(path)
        peer.is_known = False
        del self.peers[peer.address]

    def expire(self, now: int) -> None:
        """Drop expired paths, and peers that were silent for 500 s and that VL2 does not hold."""
        for peer in list(self.peers.values()):
            peer.prune(now)
            silent = now - peer.last_receive >= PEER_EXPIRY
            if silent and not peer.is_root and peer.token is None and peer.last_receive:
                self.forget(peer)

    def best_root(self, now: int) -> Peer | None:
        """The root to relay through: alive before silent, quick before slow, then the highest address.

        The one in use stays while it is alive and none is a fifth quicker.
        """
        best: Peer | None = None
        best_cost = (True, 0)
        for root in self.roots:
            path = root.best_path(now)
            if path is None:
                continue
            cost = relay_cost(root, now)
            rank = (
                path.is_broken(now) or not root.is_answering(now),
                cost * 4 if root is self.relay else cost * 5,
            )
            if best is None or rank < best_cost or (rank == best_cost and root.address > best.address):
                best, best_cost = root, rank
        self.relay = best
        return best


def relay_cost(root: Peer, now: int) -> int:
    """Latency in ms, weighted by silence (PROTOCOL-VL1 7.4)."""
    silence = now - root.last_receive
    if silence >= ACTIVITY_TIMEOUT:
        return UNKNOWN_COST * 1000
    latency = root.latency_us // 1000 + 1 if root.latency_us >= 0 else UNKNOWN_COST
    return latency * (silence // (61 * SECOND) + 1)
