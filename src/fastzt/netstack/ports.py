"""Ephemeral ports: the double-hash port selection of RFC 6056 section 3.3.4."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2s

FIRST = 49152  # RFC 6335 section 6: the dynamic ports
LAST = 65535
TABLE = 256
MAX_REMOTES = 256  # of which the hash is remembered


class EphemeralPorts:
    """Hard to guess for others, and slow to return to a port used lately for the same peer."""

    __slots__ = ("_counters", "_places", "_secret")

    def __init__(self, secret: bytes, seed: bytes) -> None:
        """`secret`: 16 bytes; `seed`: 2 bytes for each of the 256 counters."""
        self._secret = secret
        self._places: dict[tuple[bytes, bytes, int], tuple[int, int]] = {}
        self._counters = [int.from_bytes(seed[2 * i : 2 * i + 2], "big") for i in range(TABLE)]

    def choose(self, local: bytes, remote: bytes, remote_port: int, taken: Callable[[int], bool]) -> int:
        """A port that `taken` denies, or 0 when all are taken."""
        offset, index = self._place(local, remote, remote_port)
        span = LAST - FIRST + 1
        for _ in range(span):
            port = FIRST + (offset + self._counters[index]) % span
            self._counters[index] = (self._counters[index] + 1) & 0xFFFFFFFF
            if not taken(port):
                return port
        return 0

    def _place(self, local: bytes, remote: bytes, remote_port: int) -> tuple[int, int]:
        """Where to begin, and the counter that goes on from there."""
        way = (local, remote, remote_port)
        place = self._places.get(way)
        if place is None:
            if len(self._places) >= MAX_REMOTES:
                self._places.clear()
            key = local + remote + remote_port.to_bytes(2, "big")
            digest = blake2s(key, digest_size=6, key=self._secret, person=b"port").digest()
            place = self._places[way] = (int.from_bytes(digest[:4], "big"), digest[4])
        return place
