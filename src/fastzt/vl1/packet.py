"""Packet: one authenticated packet on the cold way, decompressed, with the head of OK and ERROR taken off."""

from __future__ import annotations

from .path import Path
from .peer import Peer


class Packet:
    """What VL1 and VL2 handlers get.

    `packet_id` is the id as on the wire. `payload` follows the verb byte, in OK and ERROR the in-re head,
    whose fields are `in_re_verb` and `in_re_id` (0 for other verbs): that of an ERROR begins with its code.
    """

    __slots__ = ("hops", "in_re_id", "in_re_verb", "packet_id", "path", "payload", "peer", "suite", "verb")

    def __init__(
        self,
        peer: Peer,
        path: Path,
        packet_id: int,
        hops: int,
        verb: int,
        payload: bytes,
        suite: int = 1,
        in_re_verb: int = 0,
        in_re_id: int = 0,
    ) -> None:
        self.peer = peer
        self.path = path
        self.packet_id = packet_id
        self.hops = hops
        self.verb = verb
        self.payload = payload
        self.suite = suite
        self.in_re_verb = in_re_verb
        self.in_re_id = in_re_id

    def __repr__(self) -> str:
        return f"Packet(verb={self.verb:#x}, {self.peer!r}, {len(self.payload)} bytes, hops={self.hops})"
