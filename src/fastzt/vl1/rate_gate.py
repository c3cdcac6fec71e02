"""Token buckets: how many unknown identities are looked at, per source prefix and in all (DESIGN 6)."""

from __future__ import annotations

from .._core.endpoint import Endpoint
from .timing import SECOND

MAX_PREFIXES = 1024


class TokenBucket:
    """At most `burst` at once and then `per_second`."""

    __slots__ = ("burst", "last", "per_second", "tokens")

    def __init__(self, burst: int, per_second: int, now: int) -> None:
        self.burst = burst * SECOND
        self.per_second = per_second
        self.tokens = self.burst
        self.last = now

    def refill(self, now: int) -> None:
        """Add what has come in since the last look."""
        if now > self.last:
            self.tokens = min(self.burst, self.tokens + (now - self.last) * self.per_second)
            self.last = now

    def has_token(self, now: int) -> bool:
        """Whether one may pass."""
        self.refill(now)
        return self.tokens >= SECOND

    def take(self, now: int) -> bool:
        """Let one pass, or refuse it."""
        if not self.has_token(now):
            return False
        self.tokens -= SECOND
        return True


class IdentityGate:
    """Lets strangers' HELLOs through to the costly checks: by IPv4 /24 or IPv6 /48, and all together."""

    def __init__(self, burst: int, per_second: int, total_per_second: int) -> None:
        self.burst = burst
        self.per_second = per_second
        self.total = TokenBucket(2 * total_per_second, total_per_second, 0)
        self.prefixes: dict[bytes, TokenBucket] = {}
        self.evicted = 0

    def take(self, endpoint: Endpoint, now: int) -> bool:
        """Whether one more unknown identity from this source may be looked at."""
        prefix = endpoint.ip[:15] if endpoint.is_v4 else endpoint.ip[:6]
        bucket = self.prefixes.get(prefix)
        if bucket is None:
            if len(self.prefixes) >= MAX_PREFIXES:
                del self.prefixes[next(iter(self.prefixes))]
                self.evicted += 1
            bucket = self.prefixes[prefix] = TokenBucket(self.burst, self.per_second, now)
        return bucket.has_token(now) and self.total.take(now) and bucket.take(now)
