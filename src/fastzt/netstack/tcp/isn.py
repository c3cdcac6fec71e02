"""Initial sequence numbers (RFC 6528) and timestamp offsets (RFC 7323 section 5.4)."""

from __future__ import annotations

from hashlib import blake2s

MASK = 0xFFFFFFFF


class SequenceSource:
    """Keyed by a secret of 16 bytes, which is drawn once for each stack."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        return "SequenceSource()"

    def initial(self, local: bytes, local_port: int, remote: bytes, remote_port: int, now: int) -> int:
        """ISN = M + F(4-tuple, secret), M a clock of 4 microseconds (RFC 6528 section 3)."""
        return (now // 4 + self._keyed(b"isn", local, local_port, remote, remote_port)) & MASK

    def timestamp_offset(self, local: bytes, local_port: int, remote: bytes, remote_port: int) -> int:
        """What is added to the millisecond clock: the same for each use of a 4-tuple, so that PAWS holds."""
        return self._keyed(b"ts", local, local_port, remote, remote_port)

    def _keyed(self, person: bytes, local: bytes, local_port: int, remote: bytes, remote_port: int) -> int:
        digest = blake2s(digest_size=4, key=self._secret, person=person)
        digest.update(local + remote + local_port.to_bytes(2, "big") + remote_port.to_bytes(2, "big"))
        return int.from_bytes(digest.digest(), "big")
