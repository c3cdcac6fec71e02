"""Listening: LIKEs, gathers and their answers, for the networks joined and for those we keep a directory of.

A root keeps one for every network; a controller for its own, for members that it has lately configured
(PROTOCOL-VL2 6.1, 6.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.multicast import Gather, Gathered, OkGather, OkMulticastFrame, parse_likes
from . import reasons
from .directory import Group

if TYPE_CHECKING:
    from ..vl1.packet import Packet
    from ..wire.error_body import ErrorBody
    from .networks import Networks

IGNORED, ACCEPTED = 0, 1
MAX_GATHERED = 1024  # addresses in one answer, 5 KiB
MAX_RECORDS = 512  # of one LIKE packet


def is_authorized(networks: Networks, nwid: int, packet: Packet, now: int) -> bool:
    """Whether the sender may like and gather on a network: as its member, or because of our role."""
    network = networks.get(nwid)
    if network is not None and network.is_allowed(packet.peer, network.member_of(packet.peer)):
        return True
    if networks.switch.context.is_root:
        return True
    authority = networks.authority
    if authority is None or not authority.controls(nwid):
        return False
    return authority.configured_recently(nwid, packet.peer.address, now)


def like(networks: Networks, packet: Packet, now: int) -> int:
    """MULTICAST_LIKE: note the sender for each group."""
    verdicts: dict[int, bool] = {}
    address = packet.peer.address
    for record in parse_likes(packet.payload)[:MAX_RECORDS]:
        nwid = record.nwid
        if nwid not in verdicts:
            verdicts[nwid] = is_authorized(networks, nwid, packet, now)
        if verdicts[nwid]:
            learned(networks, (nwid, record.mac, record.adi), address, now)
    return ACCEPTED


def learned(networks: Networks, group: Group, address: int, now: int) -> None:
    """Note a listener, and send it what waits for listeners of the group."""
    networks.directory.add(group, address, now)
    network = networks.get(group[0])
    if network is not None:
        network.multicast.learned(group, address, now)


def gather(networks: Networks, packet: Packet, now: int) -> int:
    """MULTICAST_GATHER: answered when anybody is known, else there is silence."""
    request = Gather.parse(packet.payload)
    if request.com is not None:
        networks.accept_com(packet.peer, request.com, now)
    if not request.limit or not is_authorized(networks, request.nwid, packet, now):
        return IGNORED
    group = (request.nwid, request.mac, request.adi)
    found = gathered(networks, group, packet.peer.address, request.limit, now)
    if found is not None:
        networks.switch.reply(packet, OkGather(*group, found).to_bytes(), now)
    return ACCEPTED


def gathered(networks: Networks, group: Group, asker: int, limit: int, now: int) -> Gathered | None:
    """Up to `limit` listeners of a group but the asker: ourselves first, then others in random order."""
    network = networks.get(group[0])
    own = network is not None and network.multicast.is_subscribed(group[1], group[2])
    known = networks.directory.listeners(group, now)
    others = [address for address in known if address not in (asker, networks.me)]
    networks.shuffle(others)
    chosen = ([networks.me] if own else []) + others
    chosen = chosen[: min(limit, MAX_GATHERED)]
    return Gathered(len(known) + own, tuple(chosen)) if chosen else None


def gather_answered(networks: Networks, packet: Packet, now: int) -> int:
    """OK(MULTICAST_GATHER) on a network of ours."""
    answer = OkGather.parse(packet.payload)
    return take(networks, (answer.nwid, answer.mac, answer.adi), answer.gathered, now)


def frame_answered(networks: Networks, packet: Packet, now: int) -> int:
    """OK(MULTICAST_FRAME): a certificate, and listeners, if it has them."""
    answer = OkMulticastFrame.parse(packet.payload)
    if answer.com is not None:
        networks.accept_com(packet.peer, answer.com, now)
    if answer.gathered is None:
        return ACCEPTED
    return take(networks, (answer.nwid, answer.mac, answer.adi), answer.gathered, now)


def take(networks: Networks, group: Group, found: Gathered, now: int) -> int:
    """Note gathered listeners."""
    if networks.get(group[0]) is None:
        networks.stats.drop(reasons.UNKNOWN_NETWORK)
        return IGNORED
    for address in found.members[:MAX_GATHERED]:
        if address != networks.me:
            learned(networks, group, address, now)
    return ACCEPTED


def unwanted(networks: Networks, packet: Packet, body: ErrorBody) -> int:
    """ERROR 08: a member does not want a group's frames."""
    network = networks.get(body.nwid or 0)
    if network is None or not network.is_allowed(packet.peer, network.member_of(packet.peer)):
        return IGNORED
    networks.directory.remove((network.nwid, body.mac, body.adi), packet.peer.address)
    return ACCEPTED
