"""PUSH_DIRECT_PATHS: members of a network tell each other their own addresses (PROTOCOL-VL1 5.7, 7.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.endpoint import Endpoint
from ..wire.push_direct_paths import FORGET, PushDirectPaths, split
from ..wire.verbs import Verb
from . import reasons
from .packet import Packet
from .path import Path
from .path_policy import is_usable, scope_of
from .peer import Peer
from .timing import PUSH_GATE, PUSH_GATE_COUNT, PUSH_INTERVAL_DIRECT, PUSH_INTERVAL_RELAYED

if TYPE_CHECKING:
    from .context import Context

MAX_PER_SCOPE = 8
MAX_PUSHED = 64  # records: two messages at most


class DirectPaths:
    """Sends our addresses to trusted peers and probes those that others send."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def receive(self, packet: Packet, now: int) -> bool:
        """Probe each usable address that is pushed, from all sockets; nothing is a path before it answers."""
        peer, context = packet.peer, self.context
        if not self.passes_gate(peer, now):
            context.stats.drop(reasons.GATED)
            return True
        counts: dict[tuple[int, bool], int] = {}
        for endpoint in pushed_endpoints(packet.payload):
            group = (scope_of(endpoint.ip), endpoint.is_v4)
            if context.usable(peer, endpoint) and counts.get(group, 0) < MAX_PER_SCOPE:
                counts[group] = counts.get(group, 0) + 1
                context.probing.start(peer, endpoint, context.sockets_for(endpoint), now)
        return True

    def passes_gate(self, peer: Peer, now: int) -> bool:
        """Eight messages without a pause of 30 s are looked at (PROTOCOL-VL1 5.7)."""
        recent = peer.last_push_in and now - peer.last_push_in < PUSH_GATE
        peer.push_count = peer.push_count + 1 if recent else 0
        peer.last_push_in = now
        return peer.push_count < PUSH_GATE_COUNT

    def push(self, peer: Peer, path: Path, hops: int, now: int) -> None:
        """Tell a trusted peer our addresses, on the path it spoke on: each 31 s while relayed, else 120 s."""
        peer.next_push = now + (PUSH_INTERVAL_RELAYED if hops else PUSH_INTERVAL_DIRECT)
        endpoints = self.own_endpoints(now) if self.context.config.push_direct_paths else []
        for body in split(endpoints[:MAX_PUSHED]):
            self.context.send_on(peer, path, Verb.PUSH_DIRECT_PATHS, body.to_bytes(), now)

    def own_endpoints(self, now: int) -> list[Endpoint]:
        """What we may be reached at: bound and advertised addresses, then what others see us at."""
        context = self.context
        bound = [socket.endpoint for socket in context.sockets]
        candidates = [*bound, *context.advertised, *context.surfaces.endpoints(now)]
        loopback = context.topology.allows_loopback
        return [e for e in dict.fromkeys(candidates) if is_usable(e, (), context.refused, loopback)]


def pushed_endpoints(payload: bytes) -> list[Endpoint]:
    """The endpoints of a message, without those to be forgotten; raises Malformed."""
    records = PushDirectPaths.parse(payload).records
    return list(dict.fromkeys(record.endpoint for record in records if not record.flags & FORGET))
