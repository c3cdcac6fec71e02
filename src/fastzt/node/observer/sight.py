"""Sight: one VL1 packet, or one drop, as an observer notes it."""

from __future__ import annotations

from dataclasses import dataclass

from ..._core.endpoint import Endpoint
from ...wire.compression import decompress
from ...wire.reader import Malformed
from ...wire.verbs import COMPRESSED, VERB_MASK, Verb

DESTINATION, SOURCE, FLAGS, VERB, PAYLOAD = 8, 13, 18, 27, 28  # PROTOCOL-VL1 4.1
ADDRESS = 5
SUITE_MASK, HOPS_MASK = 0x38, 0x07


@dataclass(frozen=True, slots=True)
class Sight:
    """A whole packet (fragments joined) that came from, or goes to, an endpoint by a socket.

    `is_open`: it is in the clear: its armor was removed, or it has none to remove (HELLO).
    """

    now: int
    outbound: bool
    socket: int
    endpoint: Endpoint
    data: bytes
    is_open: bool

    @property
    def source(self) -> int:
        """The address of the sender."""
        return int.from_bytes(self.data[SOURCE : SOURCE + ADDRESS], "big")

    @property
    def destination(self) -> int:
        """The address of the receiver."""
        return int.from_bytes(self.data[DESTINATION : DESTINATION + ADDRESS], "big")

    @property
    def peer(self) -> int:
        """The other end."""
        return self.destination if self.outbound else self.source

    @property
    def hops(self) -> int:
        """How many relays it came through."""
        return self.data[FLAGS] & HOPS_MASK

    @property
    def suite(self) -> int:
        """The cipher suite that it had."""
        return (self.data[FLAGS] & SUITE_MASK) >> 3

    @property
    def verb(self) -> int:
        """The verb; of a sealed packet it means nothing."""
        return self.data[VERB] & VERB_MASK

    @property
    def verb_name(self) -> str:
        """The verb for people."""
        if not self.is_open:
            return "sealed"
        try:
            return Verb(self.verb).name
        except ValueError:
            return f"verb {self.verb:#04x}"

    def payload(self) -> bytes:
        """What follows the verb, decompressed; raises Malformed."""
        payload = self.data[PAYLOAD:]
        return decompress(payload) if self.data[VERB] & COMPRESSED else payload

    def frame_head(self) -> tuple[int, int] | None:
        """Network id and ethertype of a FRAME; None for all else."""
        if not self.is_open or self.verb != Verb.FRAME:
            return None
        try:
            payload = self.payload()
        except Malformed:
            return None
        return int.from_bytes(payload[:8], "big"), int.from_bytes(payload[8:10], "big")


@dataclass(frozen=True, slots=True)
class Drop:
    """Something was dropped `count` times; `peer` and `endpoint` of what was being processed, if anything."""

    now: int
    reason: str
    count: int
    peer: int | None
    endpoint: Endpoint | None
