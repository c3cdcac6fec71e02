"""Pinger: finds the roots, keeps paths alive, and tells whether the node is online (PROTOCOL-VL1 7.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .events import Offline, Online
from .path import Path
from .peer import Peer
from .timed import Timed
from .timing import (
    HELLO_GAP,
    HELLO_PERIOD,
    HELLO_RETRY,
    HOUSEKEEPING,
    NEVER,
    ONLINE_TIMEOUT,
    PATH_HEARTBEAT,
    PROBE_RETRY,
    ROOT_PERIOD,
    SECOND,
    SEED_PERIOD,
)

if TYPE_CHECKING:
    from .context import Context

ROUND = HELLO_RETRY  # between looks at all peers; HELLO retries stay more than 2 s apart
PATIENCE = 12  # discovery rounds at full pace; after them every other one is left out
ROOT_SILENT = 30 * SECOND  # past a keep-alive and its repetitions


class Pinger(Timed):
    """Looks at every peer each 2.5 s while there is one to keep in touch with."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.due = 0
        self.online = False
        self.rounds_without_root = 0
        self.next_cleaning = 0

    def heard(self, now: int) -> None:
        """A root spoke."""
        self.rounds_without_root = 0
        if not self.online:
            self.online = True
            self.context.emit(Online())

    def wake(self, now: int) -> None:
        """Something has changed (sockets, planet): look at everybody at the next tick."""
        self.due = min(self.due, now)

    def tick(self, now: int) -> None:
        """One round."""
        if now < self.due:
            return
        if now >= self.next_cleaning:
            self.clean(now)
        for root in self.context.topology.roots:
            self.visit_root(root, now)
        busy = self.visit_seeds(now)
        for peer in self.context.topology.peers.values():
            if not peer.is_root and peer.paths and peer.is_active(now):
                self.visit(peer, now)
                busy = True
        self.check_online(now)
        self.context.udp.tick(now)
        rest = self.next_cleaning if self.context.topology.peers else NEVER
        self.due = now + ROUND if busy or self.context.topology.roots else rest

    def check_online(self, now: int) -> None:
        """Offline after a minute without a word from any root; a root itself is always online."""
        roots = self.context.topology.roots
        if self.context.is_root and not self.online:
            self.online = True
            self.context.emit(Online())
        silent = all(now - root.last_receive >= ONLINE_TIMEOUT for root in roots)
        if silent:
            self.rounds_without_root += 1
        if self.online and silent and not self.context.is_root:
            self.online = False
            self.context.emit(Offline())

    def visit_root(self, root: Peer, now: int) -> None:
        """Keep a reachable root, look for another one at every endpoint that the planet lists."""
        path = root.best_path(now)
        if path is None or now - root.last_receive >= ROOT_SILENT:
            if self.rounds_without_root < PATIENCE or self.rounds_without_root % 2 == 0:
                self.discover(root, now)
            return
        udp = self.context.udp
        pause = ROOT_PERIOD if udp.silent else HELLO_PERIOD
        if now - root.last_hello >= pause or udp.is_uncertain(now):
            self.discover(root, now)
        elif max(now - root.last_receive, now - path.last_in, now - path.last_out) >= ROOT_PERIOD:
            self.context.probing.probe(root, path, now)

    def visit_seeds(self, now: int) -> bool:
        """HELLO to those who have a moon that is wanted, through a root if need be; whether one is wanted."""
        context = self.context
        wanted = set(context.topology.worlds.wanted.values()) - {0, context.address}
        for address in wanted:
            seed = context.topology.peers.get(address)
            path = context.route(seed, now) if seed is not None else None
            if seed is None:
                context.whois.want(address, now)
            elif path is not None and now - seed.last_hello >= SEED_PERIOD:
                seed.last_hello = now
                context.hello.send(seed, path.endpoint, [path.socket], now)
        return bool(wanted)

    def discover(self, root: Peer, now: int) -> None:
        """HELLO to every endpoint of a root from every socket of its family, unreachable or not."""
        if root.last_hello and now - root.last_hello < HELLO_GAP:
            return
        root.last_hello = now
        for endpoint in root.endpoints:
            sockets = self.context.sockets_for(endpoint)
            if sockets and self.context.usable(root, endpoint):
                self.context.hello.send(root, endpoint, sockets, now)

    def visit(self, peer: Peer, now: int) -> None:
        """HELLO each 60 s, ECHO where nothing was heard or sent for 14 s."""
        hello = now - peer.last_hello >= HELLO_PERIOD
        if hello:
            peer.last_hello = now
        for path in peer.paths:
            if path.owner != peer.address or path.is_expired(now):
                continue
            if hello:
                endpoint = path.endpoint
                self.context.hello.send(peer, endpoint, [path.socket], now)
            elif self.is_quiet(path, now):
                self.context.probing.doubt(peer, path, now)
            elif len(peer.paths) > 1 and now - path.last_probe >= PATH_HEARTBEAT:
                self.context.probing.probe(peer, path, now)  # how quick each is decides between them

    def is_quiet(self, path: Path, now: int) -> bool:
        """Whether a path needs an ECHO: each 2.5 s from 14 s of silence on, each 14 s once it is dead."""
        pause = PROBE_RETRY if path.is_alive(now) else PATH_HEARTBEAT
        if now - path.last_probe < pause:
            return False
        return now - path.last_in >= PATH_HEARTBEAT - ROUND or now - path.last_out >= PATH_HEARTBEAT

    def clean(self, now: int) -> None:
        """Each 30 s: expired paths and peers go."""
        self.next_cleaning = now + HOUSEKEEPING
        self.context.topology.expire(now)
        for peer in self.context.topology.peers.values():
            self.context.report_path(peer, now)
