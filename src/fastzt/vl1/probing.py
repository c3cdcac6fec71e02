"""Probing: ECHO or HELLO to endpoints where a peer may be, repeated a few times until it answers there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.endpoint import Endpoint
from ..wire.verbs import Verb
from .path import Path
from .peer import Peer
from .timed import Timed
from .timing import DOUBT_RETRY, DOUBT_SLOWEST, MAX_WAITING, NEVER, PATH_PATIENCE, PROBE_RETRY

if TYPE_CHECKING:
    from .context import Context

Key = tuple[int, int, Endpoint]  # peer, socket, endpoint
TRIES = 3
MAX_TRIED = 32  # endpoints remembered of a peer that has no direct path, for those who ask why
ECHO_PROTOCOL = 5  # from this version on a peer answers ECHO


class Probing(Timed):
    """Probes under way, by (peer, socket, endpoint), capped; each is repeated at 2.5 s up to three times."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.running: dict[Key, tuple[int, int, bool]] = {}
        self.doubted: dict[Key, int] = {}

    def start(
        self, peer: Peer, endpoint: Endpoint, sockets: list[int], now: int, hello: bool = False
    ) -> None:
        """Probe an endpoint from these sockets unless that is under way or the path is known and alive."""
        for socket in sockets:
            key = (peer.address, socket, endpoint)
            if key in self.running or len(self.running) >= 4 * MAX_WAITING:
                continue
            path = self.context.paths.get(socket, endpoint, now)
            if path.owner == peer.address and path.is_alive(now):
                continue
            if len(peer.tried) < MAX_TRIED:
                peer.tried.add(endpoint)
            peer.last_tried = now
            self.running[key] = (TRIES - 1, now + PROBE_RETRY, hello)
            self.due = min(self.due, now + PROBE_RETRY)
            self.probe(peer, path, now, hello)

    def probe(self, peer: Peer, path: Path, now: int, hello: bool = False) -> None:
        """One ECHO, or a HELLO if wanted or where the peer's version is unknown (PROTOCOL-VL1 5.5)."""
        path.last_probe = now
        if peer.protocol >= ECHO_PROTOCOL and not hello:
            self.context.send_on(peer, path, Verb.ECHO, self.context.entropy(8), now)
        else:
            self.context.hello.send(peer, path.endpoint, [path.socket], now)

    def doubt(self, peer: Peer, path: Path, now: int) -> None:
        """A known path is silent while there is something to send: ask whether it still works.

        Each 400 ms until it is given up, then more and more seldom, up to each 5 s.
        """
        if not path.is_doubted():
            path.doubt(now)
            peer.best_until = 0
            self.watch(peer, path, now)
            self.ask_others(peer, path, now)
        if now - path.last_probe >= min(max(DOUBT_RETRY, (now - path.doubted) // 4), DOUBT_SLOWEST):
            self.probe(peer, path, now)

    def ask_others(self, peer: Peer, path: Path, now: int) -> None:
        """Learn whether the peer's other silent paths work, so that none is tried after another in vain."""
        for other in peer.paths:
            silent = now - other.last_in >= DOUBT_RETRY and not other.is_doubted()
            if other is not path and silent and peer.is_own(other, now):
                other.doubt(now)
                self.watch(peer, other, now)
                self.probe(peer, other, now)

    def watch(self, peer: Peer, path: Path, now: int) -> None:
        """Look after a doubted path, with or without further traffic, until it is given up."""
        if len(self.doubted) < 4 * MAX_WAITING:
            self.doubted[peer.address, path.socket, path.endpoint] = now + DOUBT_RETRY
            self.due = min(self.due, now + DOUBT_RETRY)

    def tick(self, now: int) -> None:
        """Repeat what was not answered."""
        if now < self.due:
            return
        for key, due in list(self.doubted.items()):
            if now >= due:
                self.look_again(key, now)
        for key, (tries, due, hello) in list(self.running.items()):
            if now >= due:
                self.repeat(key, tries, hello, now)
        running = min((due for _, due, _ in self.running.values()), default=NEVER)
        self.due = min(min(self.doubted.values(), default=NEVER), running)

    def look_again(self, key: Key, now: int) -> None:
        """Ask once more on a doubted path, or tell that it is given up."""
        address, socket, endpoint = key
        peer = self.context.topology.peers.get(address)
        path = self.context.paths.get(socket, endpoint, now)
        if peer is None or path.owner != address or not path.is_doubted():
            del self.doubted[key]
            return
        if path.is_dead(now):
            del self.doubted[key]
            peer.paths_changed()
            self.context.report_path(peer, now)
            return
        peer.best_until = 0
        self.doubted[key] = min(now + DOUBT_RETRY, path.doubted + PATH_PATIENCE)
        self.probe(peer, path, now)

    def repeat(self, key: Key, tries: int, hello: bool, now: int) -> None:
        """Probe once more, or end it."""
        address, socket, endpoint = key
        peer = self.context.topology.peers.get(address)
        path = self.context.paths.get(socket, endpoint, now)
        if peer is None or tries <= 0 or (path.owner == address and path.is_alive(now)):
            del self.running[key]
            return
        self.running[key] = (tries - 1, now + PROBE_RETRY, hello)
        self.probe(peer, path, now, hello)
