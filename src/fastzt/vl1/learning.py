"""Learning: what an authenticated packet tells about its sender and the path it took (PROTOCOL-VL1 7.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.verbs import Verb
from .path import Path
from .peer import Peer
from .replies import Sent
from .timing import CONFIRM_INTERVAL, SECOND

if TYPE_CHECKING:
    from .context import Context


FRAMES = {Verb.FRAME, Verb.EXT_FRAME}


class Learning:
    """Keeps peers and paths fresh, and learns a path only from an OK that came the way the question went."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def received(
        self, peer: Peer, path: Path, hops: int, verb: int, now: int, sent: Sent | None = None
    ) -> None:
        """Credit a packet to its peer; hops 0 means that it came directly."""
        peer.last_receive = now
        if hops:
            if verb in FRAMES and peer.best is not None:
                self.contest(peer, peer.best, now)
        elif path.owner == peer.address:
            path.last_receive = now
            if sent is not None and sent.endpoint == path.endpoint:
                path.last_ok = now
                path.contested = False
            if peer.reported is not path:
                self.context.report_path(peer, now)
        else:
            self.stranger(peer, path, verb, now, sent)
        if peer.is_root:
            self.context.pinger.heard(now)
            if hops == 0:
                self.context.udp.heard(path.socket, now)
        if now >= peer.next_push and peer.is_trusted(now):
            self.context.direct_paths.push(peer, path, hops, now)

    def contest(self, peer: Peer, path: Path, now: int) -> None:
        """The peer relays its frames although it has a direct path: ask whether ours reach it there."""
        if path.owner == peer.address and not path.contested and now - path.last_ok >= SECOND:
            path.contested = True
            peer.best_until = 0
            self.context.probing.doubt(peer, path, now)

    def stranger(self, peer: Peer, path: Path, verb: int, now: int, sent: Sent | None) -> None:
        """The peer spoke on a path that is not known to be its own: learn it, or ask there by a HELLO."""
        if not self.context.usable(peer, path.endpoint) or self.has_sibling(peer, path, now):
            return
        if verb == Verb.OK and sent is not None and sent.endpoint == path.endpoint:
            self.learn(peer, path, now)
        elif now - path.last_confirm > CONFIRM_INTERVAL or not path.last_confirm:
            path.last_confirm = now
            self.context.probing.start(peer, path.endpoint, [path.socket], now, hello=True)

    def has_sibling(self, peer: Peer, path: Path, now: int) -> bool:
        """Whether a live path from the same IP at the same socket is known: a new port waits then."""
        return any(
            known.owner == peer.address
            and known.socket == path.socket
            and known.endpoint.ip == path.endpoint.ip
            and not known.is_broken(now)
            for known in peer.paths
        )

    def learn(self, peer: Peer, path: Path, now: int) -> None:
        """The peer answered there."""
        before = self.context.topology.peers.get(path.owner)
        path.last_ok = now
        path.contested = False
        peer.learn(path, now)
        if before is not None:
            before.prune(now)
            self.context.report_path(before, now)
        self.context.report_path(peer, now)
        self.context.whois.release_out(peer.address, now)
        if peer.is_root:
            self.context.whois.reachable(now)
