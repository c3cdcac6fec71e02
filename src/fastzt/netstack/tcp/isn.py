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

    def start(
        self, local: bytes, local_port: int, remote: bytes, remote_port: int, now: int
    ) -> tuple[int, int]:
        """Initial sequence number and timestamp offset of a connection.

        ISN = M + F(4-tuple, secret), M a clock of 4 microseconds (RFC 6528 section 3). The offset is added to
        the millisecond clock: the same for each use of a 4-tuple, so that PAWS holds.
        """
        key = b"%b%b%b" % (local, remote, (local_port << 16 | remote_port).to_bytes(4, "big"))
        keyed = blake2s(key, digest_size=8, key=self._secret, person=b"isn").digest()
        return (now // 4 + int.from_bytes(keyed[:4], "big")) & MASK, int.from_bytes(keyed[4:], "big")
