"""Frames that come the cold way: EXT_FRAME and MULTICAST_FRAME (PROTOCOL-VL2 5.5, 6.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.address import is_multicast_mac
from ..wire.frame import ExtFrame
from ..wire.multicast import MulticastFrame, OkMulticastFrame
from . import listening, reasons

if TYPE_CHECKING:
    from ..vl1.packet import Packet
    from ..vl1.peer import Peer
    from ..wire.com import Com
    from .bridging import Station
    from .member import Member
    from .network import Network

IGNORED, TRUSTED, DEFERRED = 0, 2, 3  # vl1.sink
ACCEPT, SUPER_ACCEPT = 2, 3  # evaluator


def is_admitted(network: Network, packet: Packet, com: Com | None, now: int) -> Member | None:
    """The sender's member when it passes the gate; else it is asked for its certificate."""
    if com is not None:
        network.owner.accept_com(packet.peer, com, now)
    member = network.member_of(packet.peer)
    if network.is_allowed(packet.peer, member):
        network.multicast.greet(packet.peer, member, now)
        return member
    network.credentials.complain(packet.peer, member, packet.verb, packet.packet_id, now)
    return None


def ext_frame(network: Network, packet: Packet, now: int) -> int:
    """EXT_FRAME: from the sender's own MAC, or from behind an active bridge; for our MAC or a group."""
    frame = ExtFrame.parse(packet.payload)
    member = is_admitted(network, packet, frame.com, now)
    if member is None:
        return DEFERRED
    if frame.ack_requested:
        network.switch.reply(packet, network.nwid.to_bytes(8, "big"), now)
    if not frame.source or frame.source == network.mac or not 0 < len(frame.data) <= network.scratch.size:
        network.stats.drop(reasons.WRONG_MAC)
        return TRUSTED
    outcome = judged(
        network, packet, member, frame.source, frame.destination, frame.ethertype, frame.data, now
    )
    neighbor: Peer | Station | None = packet.peer
    if outcome == ACCEPT:
        neighbor = network.bridging.neighbor(packet.peer, frame.source)
        if not is_for_us(network, frame.destination, neighbor is not packet.peer):
            neighbor = None
        if neighbor is None:
            network.stats.drop(reasons.WRONG_MAC)
    if neighbor is not None and outcome in (ACCEPT, SUPER_ACCEPT):
        deliver(network, neighbor, member, frame.ethertype, frame.data, now)
    return TRUSTED


def is_for_us(network: Network, destination: int, bridged: bool) -> bool:
    """Whether a frame is for our MAC or a group. Bridges may flood: what is for others goes no further."""
    if destination == network.mac:
        return True
    return is_multicast_mac(destination) and (bridged or network.multicast_limit > 0)


def multicast_frame(network: Network, packet: Packet, now: int) -> int:
    """MULTICAST_FRAME: taken if we listen to the group; then the sender is told who else does."""
    frame = MulticastFrame.parse(packet.payload)
    member = is_admitted(network, packet, frame.com, now)
    if member is None:
        return DEFERRED
    if not network.multicast_limit:
        network.stats.drop(reasons.MULTICAST_OFF)
        return TRUSTED
    if 0 < len(frame.data) <= network.scratch.size and is_multicast_mac(frame.mac):
        group_frame(network, packet, member, frame, now)
    if frame.gather_limit:
        tell_listeners(network, packet, frame, now)
    return TRUSTED


def group_frame(network: Network, packet: Packet, member: Member, frame: MulticastFrame, now: int) -> None:
    """Rules and delivery of a multicast frame. The core checks no group; a user-space stack has to."""
    source = frame.source if frame.source is not None else member.mac
    neighbor = network.bridging.neighbor(packet.peer, source)
    if neighbor is None:
        network.stats.drop(reasons.WRONG_MAC)
        return
    if not network.multicast.is_subscribed(frame.mac, frame.adi):
        return
    outcome = judged(network, packet, member, source, frame.mac, frame.ethertype, frame.data, now)
    if outcome in (ACCEPT, SUPER_ACCEPT):
        deliver(network, neighbor, member, frame.ethertype, frame.data, now)


def tell_listeners(network: Network, packet: Packet, frame: MulticastFrame, now: int) -> None:
    """OK(MULTICAST_FRAME) with the listeners that we know, if there are any but the asker."""
    group = (network.nwid, frame.mac, frame.adi)
    gathered = listening.gathered(network.owner, group, packet.peer.address, frame.gather_limit or 0, now)
    if gathered is not None:
        body = OkMulticastFrame(*group, gathered=gathered).to_bytes()
        network.switch.reply(packet, body, now)


def judged(
    network: Network,
    packet: Packet,
    member: Member,
    source: int,
    destination: int,
    ethertype: int,
    data: bytes,
    now: int,
) -> int:
    """The outcome of the inbound rules over a frame, which is left in the network's scratch slab."""
    network.scratch.view[: len(data)] = data
    return network.judge_in(
        packet.peer, member, source, destination, network.scratch, 0, len(data), ethertype, now
    )


def deliver(
    network: Network, neighbor: Peer | Station, member: Member, ethertype: int, data: bytes, now: int
) -> None:
    """Hand the frame in the scratch slab on; nothing that did not come as a FRAME is cached."""
    network.context.cacheable = False
    network.deliver(neighbor, member, network.scratch, 0, len(data), ethertype, now)
