"""Peer: another node, its keys, its version and the direct paths to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .path import Path
from .recent_ids import RecentIds

if TYPE_CHECKING:
    import cython

    from .._core.armor import SessionKey
    from .._core.endpoint import Endpoint
    from ..identity.identity import Identity
else:
    from .. import _cython as cython

if not cython.compiled:
    from .timing import ACTIVITY_TIMEOUT, MAX_PATHS, PATH_CHOICE, PATH_PATIENCE, TRUST_EXPIRY

AES_PROTOCOL = 12  # from this version on a peer takes suite 3
UNKNOWN_LATENCY = -1


class Peer:
    """A node whose identity is known.

    `suite` is what packets to it are armored with, `latency_us` its smoothed round trip (-1: unknown).
    `generation` is bumped whenever its paths, their mtu, its version or its trust change; `token` belongs to
    VL2. `is_root` and `endpoints` come from the planet; `is_known` ends when the peer is forgotten.
    """

    if not cython.compiled:
        __slots__ = (
            "address",
            "best",
            "best_until",
            "endpoints",
            "generation",
            "identity",
            "is_known",
            "is_root",
            "key",
            "last_active",
            "last_asked",
            "last_hello",
            "last_hello_answer",
            "last_push_in",
            "last_receive",
            "last_tried",
            "last_whois",
            "latency_us",
            "next_push",
            "paths",
            "protocol",
            "push_count",
            "recent",
            "reported",
            "suite",
            "token",
            "tried",
            "trusted_until",
            "version",
        )

    def __init__(self, identity: Identity, key: SessionKey) -> None:
        self.address = identity.address
        self.identity = identity
        self.key = key
        self.protocol = 0
        self.suite = 1
        self.version: tuple[int, int, int] = (0, 0, 0)
        self.latency_us = UNKNOWN_LATENCY
        self.generation = 1
        self.token: object = None
        self.is_known = True
        self.is_root = False
        self.endpoints: tuple[Endpoint, ...] = ()
        self.paths: list[Path] = []
        self.best: Path | None = None
        self.best_until = 0
        self.reported: Path | None = None
        self.recent: RecentIds | None = None
        self.last_receive = 0
        self.last_active = 0
        self.trusted_until = 0
        self.last_hello = 0
        self.last_hello_answer = 0
        self.last_whois = 0
        self.last_push_in = 0
        self.push_count = 0
        self.next_push = 0
        self.last_asked = 0
        self.last_tried = 0
        self.tried: set[Endpoint] = set()

    def best_path(self, now: int) -> Path | None:
        """The direct path to use, or None; the choice holds for a second."""
        if now < self.best_until:
            return self.best
        return self.choose(now)

    def choose(self, now: int) -> Path | None:
        """Choose anew among the paths that have not expired.

        Paths that are about as quick do not alternate: the one in use gives way to one that is a fifth
        better, and when it leaves a question open to any that is fresh.
        """
        held = self.best if self.best is not None and self.is_own(self.best, now) else None
        overdue = held is not None and held.is_overdue(now)
        bar = held.quality(now) * 4 // 5 if held is not None else 0
        best = held
        cost = 0
        for path in self.paths:
            if path is held or not self.is_own(path, now):
                continue
            quality = path.quality(now)
            if held is not None and quality >= bar and not (overdue and path.is_fresh(now)):
                continue
            if best is held or quality <= cost:
                best, cost = path, quality
        if best is not self.best:
            self.best = best
            self.generation += 1
        self.best_until = now + PATH_CHOICE
        return best

    def is_own(self, path: Path, now: int) -> bool:
        """Whether a path is this peer's and has not expired."""
        return path.owner == self.address and not path.is_expired(now)

    def paths_changed(self) -> None:
        """Choose again at the next packet, and let cached verdicts and sizes lapse."""
        self.best_until = 0
        self.generation += 1

    def learn(self, path: Path, now: int) -> None:
        """Take a path on which the peer answered, in place of a dead or the least recently heard one."""
        if path not in self.paths:
            for old in [old for old in self.paths if self.is_replaced(old, path, now)]:
                self.drop(old)
            if len(self.paths) >= MAX_PATHS:
                self.drop(min(self.paths, key=last_heard))
            self.paths.append(path)
        path.owner = self.address
        path.last_receive = now
        self.tried.clear()
        self.paths_changed()

    def is_replaced(self, old: Path, path: Path, now: int) -> bool:
        """Whether a path is another peer's, or a dead one from the same IP at the same socket."""
        if old.owner != self.address:
            return True
        return old.socket == path.socket and old.endpoint.ip == path.endpoint.ip and old.is_broken(now)

    def drop(self, path: Path) -> None:
        """Forget one path."""
        if path in self.paths:
            self.paths.remove(path)
        if path.owner == self.address:
            path.owner = 0
        self.paths_changed()

    def prune(self, now: int) -> None:
        """Drop the paths that expired or that another peer has taken over."""
        for path in [path for path in self.paths if path.owner != self.address or path.is_expired(now)]:
            self.drop(path)

    def speaks(self, protocol: int, version: tuple[int, int, int], ours: int = AES_PROTOCOL) -> None:
        """Record the version that a HELLO or an OK(HELLO) gave: with `ours` it decides the cipher suite."""
        if protocol != self.protocol:
            self.generation += 1
        self.protocol = protocol
        self.version = version
        self.suite = 3 if min(protocol, ours) >= AES_PROTOCOL else 1

    def measured(self, latency_us: int) -> None:
        """Take a round trip into the smoothed latency."""
        self.latency_us = latency_us if self.latency_us < 0 else (self.latency_us + latency_us) // 2

    def ask(self, now: int) -> None:
        """A question is on its way to it; the first since it spoke is what counts."""
        if self.last_asked <= self.last_receive:
            self.last_asked = now

    def is_answering(self, now: int) -> bool:
        """Whether it has spoken since it was asked, or was asked less than 1.5 s ago."""
        return self.last_asked <= self.last_receive or now - self.last_asked < PATH_PATIENCE

    def trust(self, now: int) -> None:
        """It is a member of a network of ours: trusted for 600 s (PROTOCOL-VL1 7.3)."""
        if now >= self.trusted_until:
            self.generation += 1
        self.trusted_until = now + TRUST_EXPIRY

    def is_trusted(self, now: int) -> bool:
        """Whether it proved membership within 600 s."""
        return now < self.trusted_until

    def is_active(self, now: int) -> bool:
        """Whether it exchanged VL2 traffic with us within 500 s."""
        return self.last_active != 0 and now - self.last_active < ACTIVITY_TIMEOUT

    def __repr__(self) -> str:
        return f"Peer({self.address:010x})"


def last_heard(path: Path) -> int:
    """Sort key: when a path's owner was last authenticated on it."""
    return path.last_receive
