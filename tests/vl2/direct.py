"""One node's Networks driven by packets that are made here; what it sends is read from its Switch."""

from __future__ import annotations

import random

from vl1.sim import WALL_OFFSET_MS, planet

from fastzt._core.endpoint import Endpoint
from fastzt.identity.identity import Identity
from fastzt.vl1.packet import Packet
from fastzt.vl1.path import Path
from fastzt.vl1.peer import Peer
from fastzt.vl1.switch import Switch
from fastzt.vl2.networks import Networks

NOW = 1_000_000_000


class Direct:
    """A node with `identity` that knows `others` by identity."""

    def __init__(self, identity: Identity, *others: Identity) -> None:
        self.random = random.Random(5)
        self.switch = Switch(identity, planet([]), self.random.randbytes, WALL_OFFSET_MS)
        self.networks = Networks(self.switch, self.random.randbytes, WALL_OFFSET_MS)
        self.path = Path(0, Endpoint.parse("10.0.0.9", 9993))
        self.now = NOW
        self.count = 0
        for other in others:
            self.know(other)

    def know(self, identity: Identity) -> Peer:
        """Make an identity a peer."""
        return self.switch.context.topology.add(identity)

    def hand(
        self,
        sender: Identity,
        verb: int,
        payload: bytes,
        in_re_verb: int = 0,
        packet_id: int = 0,
    ) -> int:
        """Give a packet to VL2; the verdict."""
        peer = self.switch.peer(sender.address)
        assert peer is not None
        self.count += 1
        number = packet_id or self.count
        packet = Packet(peer, self.path, number, 0, verb, payload, in_re_verb=in_re_verb, in_re_id=1)
        return int(self.networks.message(packet, self.now))

    def total(self, name: str) -> int:
        return int(self.switch.stats.as_dict().get(f"vl2.{name}", 0))
