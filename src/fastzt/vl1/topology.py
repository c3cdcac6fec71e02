"""Topology: the peers by address, the planet and its roots."""

from __future__ import annotations

from .._core.armor import SessionKey
from ..errors import IdentityError
from ..identity.identity import Identity
from ..identity.worlds import replaces
from ..wire.inetaddress import Scope
from ..wire.world import Root, World
from .path_policy import scope_of
from .peer import Peer
from .timing import ACTIVITY_TIMEOUT, PEER_EXPIRY, SECOND

UNKNOWN_COST = 65535


class Topology:
    """Peers that are known by identity, at most `limit`; the roots of the planet are among them."""

    def __init__(self, identity: Identity, planet: World, limit: int) -> None:
        self.identity = identity
        self.limit = limit
        self.peers: dict[int, Peer] = {}
        self.evicted = 0
        self.relay: Peer | None = None
        self.set_planet(planet)

    def set_planet(self, planet: World) -> None:
        """Hold this planet: its roots become peers, those of the one before lose their role."""
        for former in self.peers.values():
            former.is_root, former.endpoints = False, ()
        self.planet = planet
        self.is_root = any(root.identity == self.identity.to_bytes() for root in planet.roots)
        # Without roots (an overlay's node that is given no peer) whoever calls may be on this host.
        self.allows_loopback = not planet.roots or any(
            scope_of(endpoint.ip) == Scope.LOOPBACK for root in planet.roots for endpoint in root.endpoints
        )
        self.roots = [peer for root in planet.roots if (peer := self.add_root(root)) is not None]

    def add_root(self, root: Root) -> Peer | None:
        """The peer of a root, or None for ourselves and for an identity that cannot be used."""
        if root.address == self.identity.address:
            return None
        known = self.peers.get(root.address)
        if known is not None and known.identity.to_bytes() == root.identity:
            peer = known
        else:
            try:
                peer = self.add(Identity.from_bytes(root.identity))
            except IdentityError:
                return None
        peer.is_root, peer.endpoints = True, root.endpoints
        return peer

    def update_planet(self, candidate: World) -> bool:
        """Take a newer planet signed by the held one's key (PROTOCOL-VL1 6.2); False when it is not."""
        if not replaces(self.planet, candidate):
            return False
        self.set_planet(candidate)
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
