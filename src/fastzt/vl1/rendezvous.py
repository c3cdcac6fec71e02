"""RENDEZVOUS received: a root says where a peer is (PROTOCOL-VL1 5.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.rendezvous import Rendezvous
from . import reasons
from .packet import Packet

if TYPE_CHECKING:
    from .context import Context


def receive(context: Context, packet: Packet, now: int) -> bool:
    """Probe the peer at the named endpoint; only roots are believed.

    The probe itself opens our NAT, so no junk datagram goes before it. When the peer's identity is still on
    its way, the endpoint is kept for it (the reference forgets it).
    """
    if not packet.peer.is_root:
        context.stats.drop(reasons.NOT_A_ROOT)
        return False
    body = Rendezvous.parse(packet.payload)
    peer = context.topology.peers.get(body.peer)
    if peer is None:
        context.whois.hint(body.peer, packet.path.socket, body.endpoint)
    elif context.usable(peer, body.endpoint) and not peer.is_root:
        sockets = context.sockets_like(packet.path.socket, body.endpoint)
        context.probing.start(peer, body.endpoint, sockets, now)
    return True
