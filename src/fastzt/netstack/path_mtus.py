"""PathMtus: what ICMP has told of ways that take less than the network does (RFC 8201, RFC 1191)."""

from __future__ import annotations

MAX_DESTINATIONS = 256
LIFETIME = 600_000_000  # microseconds, then a larger packet is tried again: RFC 8201 5.3
UNKNOWN = 1 << 16


class PathMtus:
    """Destination (16 bytes) -> (MTU, microseconds when that lapses), capped first-in-first-out."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def narrow(self, ip: bytes, mtu: int, now: int) -> None:
        """The way to `ip` takes no packet larger than `mtu`; never more than was known before."""
        mtu = min(mtu, self.of(ip, now))
        self._known.pop(ip, None)
        if len(self._known) >= MAX_DESTINATIONS:
            del self._known[next(iter(self._known))]
        self._known[ip] = (mtu, now + LIFETIME)

    def of(self, ip: bytes, now: int) -> int:
        """The largest packet to `ip`, as far as is known."""
        mtu, end = self._known.get(ip, (UNKNOWN, now))
        return mtu if now < end else UNKNOWN
