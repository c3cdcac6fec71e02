"""Path: one way to a peer (local socket, remote endpoint), and the table of all that were heard of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.endpoint import Endpoint
from .path_policy import scope_of

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .timing import DEFAULT_MTU, MIN_MTU, OVERDUE, PATH_ALIVE, PATH_EXPIRY, PATH_FRESH, PATH_PATIENCE

UNKNOWN_LATENCY = -1
UNKNOWN_COST = 65_535_000  # us: of a latency that is unknown, or of a path that is broken (PROTOCOL-VL1 7.6)
SILENCE_CAP = 140_000_000
NO_DIFFERENCE = 2_000  # us that are added to every latency: less than that is no reason to prefer a path
# Sizes that common links leave to a UDP payload, largest first: what to try when a size did not fit.
PLATEAUS = (1432, 1422, 1402, 1392, 1372, 1352, 1322, 1292, 1252, 1232, 1172, 996, MIN_MTU)


class Path:
    """A way that datagrams took or may take; times in microseconds, `mtu` in bytes of UDP payload.

    `owner` is the address of the peer that proved to be there (0: nobody yet), `last_in` the last datagram of
    any kind, `last_receive` the last authenticated direct packet of the owner, `last_ok` the last answer to a
    question that went this way, `doubted` when it was first asked whether it still works. `contested`: the
    owner relays its frames although we hear it here; then only an answer counts.
    """

    if not cython.compiled:
        __slots__ = (
            "contested",
            "doubted",
            "endpoint",
            "last_confirm",
            "last_echo",
            "last_in",
            "last_ok",
            "last_out",
            "last_probe",
            "last_receive",
            "latency_us",
            "mtu",
            "owner",
            "scope",
            "socket",
        )

    def __init__(self, socket: int, endpoint: Endpoint) -> None:
        self.socket = socket
        self.endpoint = endpoint
        self.scope = scope_of(endpoint.ip)
        self.owner = 0
        self.mtu = DEFAULT_MTU
        self.last_in = 0
        self.last_out = 0
        self.last_receive = 0
        self.latency_us = UNKNOWN_LATENCY
        self.last_confirm = 0
        self.last_probe = 0
        self.last_echo = 0
        self.doubted = 0
        self.last_ok = 0
        self.contested = False

    def is_alive(self, now: int) -> bool:
        """Whether any datagram came this way within 19 s."""
        return self.last_in != 0 and now - self.last_in < PATH_ALIVE

    def is_fresh(self, now: int) -> bool:
        """Whether any datagram came this way within a second, and nothing speaks against it."""
        return self.last_in != 0 and now - self.last_in < PATH_FRESH and not self.contested

    def is_broken(self, now: int) -> bool:
        """Whether nothing should be sent this way if there is another one."""
        return self.contested or self.is_dead(now) or not self.is_alive(now)

    def proof(self) -> int:
        """When it last proved to work."""
        return self.last_ok if self.contested else self.last_in

    def is_doubted(self) -> bool:
        """Whether it was asked and has not proved to work since."""
        return self.doubted > self.proof()

    def is_overdue(self, now: int) -> bool:
        """Whether the proof takes longer than an answer ever took."""
        return self.is_doubted() and now - self.doubted >= OVERDUE + 2 * max(self.latency_us, 0)

    def is_dead(self, now: int) -> bool:
        """Whether it was asked 1.5 s ago and has not proved to work since."""
        return self.is_doubted() and now - self.doubted >= PATH_PATIENCE

    def doubt(self, now: int) -> None:
        """It is being asked whether it still works."""
        if not self.is_doubted():
            self.doubted = now

    def is_expired(self, now: int) -> bool:
        """Whether its owner has not been authenticated on it for 243 s."""
        return now - self.last_receive >= PATH_EXPIRY

    def quality(self, now: int) -> int:
        """The cost of sending this way, lower is better (PROTOCOL-VL1 7.6)."""
        cost = self.latency_us if self.latency_us >= 0 else UNKNOWN_COST
        if self.is_broken(now):
            cost += UNKNOWN_COST + min(now - self.last_in, SILENCE_CAP)
        return (cost + NO_DIFFERENCE) * (8 - self.scope)

    def measured(self, latency_us: int) -> None:
        """Take a round trip into the smoothed latency."""
        if self.latency_us < 0:
            self.latency_us = latency_us
        else:
            self.latency_us = (self.latency_us + latency_us) // 2

    def fits(self, size: int) -> None:
        """Set the largest UDP payload that the route takes, between 548 and 1432."""
        self.mtu = max(MIN_MTU, min(DEFAULT_MTU, size))

    def too_big(self, size: int) -> bool:
        """Lower the mtu below a size that did not fit; False when it is lower already or cannot shrink."""
        if size > self.mtu or self.mtu <= MIN_MTU:
            return False
        self.mtu = next((plateau for plateau in PLATEAUS if plateau < size), MIN_MTU)
        return True

    def __repr__(self) -> str:
        return f"Path({self.socket}, {self.endpoint})"


class PathTable:
    """Every (socket, endpoint) heard of; those that are no peer's path are evicted first-in-first-out."""

    if not cython.compiled:
        __slots__ = ("by_socket", "count", "evicted", "full_at", "last", "limit")

    def __init__(self, limit: int) -> None:
        self.by_socket: dict[int, dict[Endpoint, Path]] = {}
        self.count = 0
        self.limit = limit
        self.full_at = limit
        self.evicted = 0
        self.last = Path(-1, Endpoint(bytes(16), 0))

    def get(self, socket: int, endpoint: Endpoint, now: int) -> Path:
        """The path, made if it is new."""
        last = self.last
        if last.socket == socket and last.endpoint is endpoint:
            return last
        paths = self.by_socket.get(socket)
        found = paths.get(endpoint) if paths is not None else None
        if found is None:
            found = self.add(socket, endpoint, now)
        found.endpoint = endpoint  # which the socket gives again and again: the same object is found at once
        self.last = found
        return found

    def add(self, socket: int, endpoint: Endpoint, now: int) -> Path:
        """Make a path, evicting a stranger's when the table is full."""
        if self.count >= self.full_at:
            self.evict(now)
        path = Path(socket, endpoint)
        self.by_socket.setdefault(socket, {})[endpoint] = path
        self.count += 1
        return path

    def evict(self, now: int) -> None:
        """Drop the oldest eighth of the paths that nobody owns; `limit` bounds these alone."""
        owned = sum(1 for path in self.all() if path.owner)
        self.full_at = owned + self.limit
        if self.count >= self.full_at:
            self.evicted += self.drop_strangers(max(1, self.limit // 8), now + 1)

    def drop_strangers(self, most: int, before: int) -> int:
        """Drop up to `most` ownerless paths that were last heard before `before`; returns how many."""
        dropped = 0
        for paths in self.by_socket.values():
            stale = [key for key, path in paths.items() if not path.owner and path.last_in < before]
            for key in stale[: most - dropped]:
                del paths[key]
                dropped += 1
        self.count -= dropped
        self.last = Path(-1, Endpoint(bytes(16), 0))
        return dropped

    def keep_sockets(self, sockets: set[int]) -> list[Path]:
        """Forget the paths of sockets that are gone; returns them."""
        gone = [path for s, paths in self.by_socket.items() if s not in sockets for path in paths.values()]
        for socket in [s for s in self.by_socket if s not in sockets]:
            self.count -= len(self.by_socket.pop(socket))
        self.last = Path(-1, Endpoint(bytes(16), 0))
        return gone

    def all(self) -> list[Path]:
        """Every path of the table."""
        return [path for paths in self.by_socket.values() for path in paths.values()]
