"""SelfAwareness: what others say our surface addresses are (PROTOCOL-VL1 7.8)."""

from __future__ import annotations

from .._core.endpoint import Endpoint
from ..wire.inetaddress import Scope
from .path import Path
from .path_policy import USABLE, scope_of
from .timing import HELLO_PERIOD, SURFACE_TIMEOUT

MAPPING_AGE = 2 * HELLO_PERIOD + HELLO_PERIOD // 2  # reports of one state of the NAT

Key = tuple[int, int, int, bool]  # reporter, socket, scope, IPv4


class SelfAwareness:
    """Reports by (reporter, socket, scope, family); each lasts 600 s, the oldest goes first when full."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.entries: dict[Key, tuple[Endpoint, int]] = {}

    def report(
        self, reporter: int, path: Path, seen: Endpoint, trusted: bool, loopback: bool, now: int
    ) -> bool:
        """Take a report; True when a trusted reporter sees us at another IP than before: we have moved."""
        scope = scope_of(seen.ip)
        allowed = scope in USABLE or (loopback and scope == Scope.LOOPBACK)
        if not allowed or scope != path.scope or seen.is_v4 != path.endpoint.is_v4:
            return False
        key = (reporter, path.socket, scope, seen.is_v4)
        before = self.entries.pop(key, None)
        if len(self.entries) >= self.limit:
            del self.entries[next(iter(self.entries))]
        self.entries[key] = (seen, now)
        if not trusted or before is None or now - before[1] >= SURFACE_TIMEOUT or before[0].ip == seen.ip:
            return False
        for other in [k for k in self.entries if k[2:] == key[2:] and k[0] != reporter]:
            del self.entries[other]
        return True

    def mapping(self, now: int) -> str | None:
        """How our NAT maps ports: "fixed", or "varying" by destination; None: unless two have told lately."""
        seen: dict[tuple[int, bytes], list[int]] = {}
        for (_, socket, _, _), (endpoint, at) in self.entries.items():
            if now - at < MAPPING_AGE:
                seen.setdefault((socket, endpoint.ip), []).append(endpoint.port)
        compared = [ports for ports in seen.values() if len(ports) > 1]
        if not compared:
            return None
        return "varying" if any(len(set(ports)) > 1 for ports in compared) else "fixed"

    def endpoints(self, now: int) -> list[Endpoint]:
        """Our surface addresses, latest report first, each once."""
        fresh = [seen for seen, at in reversed(self.entries.values()) if now - at < SURFACE_TIMEOUT]
        return list(dict.fromkeys(fresh))
