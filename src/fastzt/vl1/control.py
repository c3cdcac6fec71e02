"""Control: the cold half of a Switch, its services joined."""

from __future__ import annotations

from collections.abc import Sequence

from .._core.endpoint import Endpoint, LocalSocket
from ..errors import IdentityError
from ..identity.identity import Identity
from ..wire.world import World
from .config import SwitchConfig
from .context import Context, Entropy
from .deferred import Deferred
from .direct_paths import DirectPaths
from .dispatch import Dispatch
from .hello import HelloService
from .jobs import Job
from .learning import Learning
from .path import Path
from .path_policy import Prefix
from .pinger import Pinger
from .probing import Probing
from .relay import Relay
from .whois import Whois


class Control:
    """Builds the services around one Context, drives their timers and takes what the node is told."""

    def __init__(
        self, identity: Identity, planet: World, entropy: Entropy, wall_offset_ms: int, config: SwitchConfig
    ) -> None:
        context = Context(identity, planet, entropy, wall_offset_ms, config)
        self.context = context
        self.dispatch = Dispatch(context)
        self.relay = Relay(context)
        context.hello = HelloService(context)
        context.whois = Whois(context)
        context.probing = Probing(context)
        context.learning = Learning(context)
        context.direct_paths = DirectPaths(context)
        context.deferred = Deferred(context, self.dispatch.offer)
        context.pinger = Pinger(context)

    def tick(self, now: int) -> None:
        """Do what is due."""
        context = self.context
        context.pinger.tick(now)
        context.probing.tick(now)
        context.whois.tick(now)
        context.deferred.tick(now)

    def finish(self, job: Job, now: int) -> None:
        """Take a job back that has run."""
        self.context.hello.finish(job, now)

    def sockets_changed(self, sockets: list[LocalSocket], now: int) -> None:
        """The driver's sockets: paths of those that are gone are dropped, everybody is looked for anew."""
        context = self.context
        context.sockets = tuple(sockets)
        context.tunnels = frozenset(socket.number for socket in sockets if socket.tunnel)
        for path in context.paths.keep_sockets({socket.number for socket in sockets}):
            peer = context.topology.peers.get(path.owner)
            if peer is not None:
                peer.drop(path)
                context.report_path(peer, now)
        for root in context.topology.roots:
            root.last_hello = 0
        context.pinger.wake(now)

    def orbit(self, moon: int | World, seed: int, now: int) -> bool:
        """Take a moon as it is, or look for it at a seed; False when there are too many."""
        worlds = self.context.topology.worlds
        taken = worlds.want(moon, seed) if isinstance(moon, int) else worlds.hold(moon)
        self.worlds_changed(now)
        return taken

    def deorbit(self, moon: int, now: int) -> bool:
        """Leave a moon; whether it was known."""
        known = self.context.topology.worlds.forget(moon)
        self.worlds_changed(now)
        return known

    def worlds_changed(self, now: int) -> None:
        """Look for roots anew."""
        self.context.topology.appoint()
        for root in self.context.topology.roots:
            root.last_hello = 0
        self.context.pinger.wake(now)

    def remember(
        self,
        identity: Identity,
        protocol: int,
        version: tuple[int, int, int],
        endpoints: Sequence[Endpoint],
        now: int,
    ) -> None:
        """A peer of an earlier run: known at once, greeted where it was reached last (PROTOCOL-VL1 6.4)."""
        context = self.context
        peers = context.topology.peers
        if identity.address == context.address or len(peers) >= context.config.max_peers:
            return
        try:
            peer = peers.get(identity.address) or context.topology.add(identity)
        except IdentityError:
            return
        if peer.identity != identity or peer.protocol:
            return
        peer.speaks(protocol, version, context.config.protocol)
        for endpoint in () if peer.is_root else endpoints:
            if context.usable(peer, endpoint):
                context.hello.send(peer, endpoint, context.sockets_for(endpoint), now)

    def refuse(self, prefixes: list[Prefix]) -> None:
        """Prefixes whose addresses are no paths."""
        context = self.context
        context.refused = tuple(prefixes)
        for peer in context.topology.peers.values():
            for path in [path for path in peer.paths if not context.usable(peer, path.endpoint)]:
                peer.drop(path)

    def advertise(self, endpoints: list[Endpoint], now: int) -> None:
        """Our own addresses that peers may try, where sockets are bound to none in particular."""
        before, self.context.advertised = self.context.advertised, tuple(endpoints)
        if before and before != self.context.advertised:
            self.moved(now)

    def moved(self, now: int) -> None:
        """Our addresses have changed: find the roots anew, ask on every path in use, tell trusted peers."""
        context = self.context
        for peer in context.topology.peers.values():
            peer.last_hello = 0
            peer.next_push = 0
            if peer.is_root or peer.is_active(now):
                for path in peer.paths:
                    context.probing.doubt(peer, path, now)
        context.pinger.wake(now)

    def path_too_big(self, socket: int, endpoint: Endpoint, size: int, now: int) -> None:
        """A datagram did not fit its route: cut smaller ones from now on."""
        path = self.context.paths.get(socket, endpoint, now)
        if path.too_big(size):
            self.sizes_changed(path)

    def path_fits(self, socket: int, endpoint: Endpoint, size: int, now: int) -> None:
        """The route's MTU is known: cut to it."""
        path = self.context.paths.get(socket, endpoint, now)
        before = path.mtu
        path.fits(size)
        if path.mtu != before:
            self.sizes_changed(path)

    def sizes_changed(self, path: Path) -> None:
        """What goes this way, relayed packets too, is to be cut anew."""
        for peer in self.context.topology.peers.values():
            if peer.best is path or peer.best is None:
                peer.generation += 1
