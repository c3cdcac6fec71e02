"""SelfAwareness: what others say our surface addresses are (PROTOCOL-VL1 7.8)."""

from __future__ import annotations

from .._core.endpoint import Endpoint
from ..wire.inetaddress import Scope
from .path import Path
from .path_policy import USABLE, scope_of
from .timing import SURFACE_TIMEOUT

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

    def endpoints(self, now: int) -> list[Endpoint]:
        """Our surface addresses, latest report first, each once."""
        fresh = [seen for seen, at in reversed(self.entries.values()) if now - at < SURFACE_TIMEOUT]
        return list(dict.fromkeys(fresh))
