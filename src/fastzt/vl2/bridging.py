"""Bridging: the way to hosts behind active bridges, as EXT_FRAMEs to their MACs (PROTOCOL-VL2 5.3).

Off the hot way: the rules judge each frame twice, and no verdict is cached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..wire.address import is_member_mac, is_multicast_mac
from ..wire.frame import EXT_FRAME_HEAD, ExtFrame
from ..wire.verbs import Verb
from . import reasons
from .claims import NO_CLAIMS

if TYPE_CHECKING:
    from .._core.datagram_batch import TransmitBatch
    from .._core.slab import Slab
    from ..vl1.peer import Peer
    from .network import Network

DROP, REDIRECT = 1, 4  # evaluator
ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_IPV6 = 0x86DD
PACKET_HEAD = 28  # VL1 header and verb
PLAIN_MTU = 1432  # UDP payload of a path that is not known yet
PASSED, FILTERED, DIVERTED = 0, -1, 1


class Station:
    """A host behind a bridge. To an IP stack it is the node that is its bridge, and equal to that peer:
    a router there may be asked for by one MAC and send from another.
    """

    __slots__ = ("bridge", "mac")

    def __init__(self, bridge: Peer, mac: int) -> None:
        self.bridge = bridge
        self.mac = mac

    @property
    def address(self) -> int:
        """The bridge's ZeroTier address."""
        return int(self.bridge.address)

    def __eq__(self, other: object) -> bool:
        return self.bridge is (other.bridge if isinstance(other, Station) else other)

    def __hash__(self) -> int:
        return hash(self.bridge)


class Bridging:
    """One of a network. `room`, `reserve` and `commit` are those of Network, for a Station."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.reserved = -1

    def neighbor(self, peer: Peer, mac: int) -> Peer | Station | None:
        """Who has a MAC that a peer speaks for: itself, or a host behind it if it is a bridge; else None.

        Nobody speaks for a member's MAC but that member: an answer would go there.
        """
        network = self.network
        if mac == network.member_of(peer).mac:
            return peer
        if peer.address not in network.bridges or not mac or is_multicast_mac(mac):
            return None
        return None if is_member_mac(mac, network.nwid) else Station(peer, mac)

    def room(self, station: Station, now: int) -> int:
        """Bytes of the largest IP packet that travels to the bridge as one datagram."""
        path = self.network.switch.route(station.bridge, now)
        mtu = PLAIN_MTU if path is None else path.mtu
        return min(mtu - PACKET_HEAD - EXT_FRAME_HEAD, self.network.mtu)

    def reserve(self, station: Station, out: TransmitBatch, length: int, now: int) -> int:
        """Offset in `out.slab` for an IP packet of up to `length` bytes, or -1: not now.

        Our credentials leave before it where they are due.
        """
        network, peer = self.network, station.bridge
        member = network.member_of(peer)
        if network.credentials.is_due(member, now):
            self.show(peer, out, network.credentials.next_part(member, now), now)
        self.reserved = network.switch.reserve(peer, out, EXT_FRAME_HEAD + length, now)
        return -1 if self.reserved < 0 else self.reserved + EXT_FRAME_HEAD

    def show(self, peer: Peer, out: TransmitBatch, shown: bytes, now: int) -> None:
        """Send credentials in the same batch; if that has no room, behind it."""
        switch = self.network.switch
        offset = switch.reserve(peer, out, len(shown), now)
        if offset < 0:
            switch.send(peer.address, Verb.NETWORK_CREDENTIALS, shown, now)
            return
        out.slab.view[offset : offset + len(shown)] = shown
        switch.seal(peer, out, len(shown), Verb.NETWORK_CREDENTIALS, now)

    def commit(self, station: Station, out: TransmitBatch, length: int, now: int) -> int:
        """Send the IP packet written at the reserved offset; 0, or -1 when it must not be sent."""
        at = self.reserved
        start = at + EXT_FRAME_HEAD
        ethertype = ETHERTYPE_IPV6 if out.slab.view[start] >> 4 == 6 else ETHERTYPE_IPV4
        verdict = self.judge(station, out.slab, start, length, ethertype, now)
        if verdict == PASSED:
            out.slab.view[at:start] = self.frame(station, ethertype, b"")
            self.network.switch.seal(station.bridge, out, EXT_FRAME_HEAD + length, Verb.EXT_FRAME, now)
        return min(verdict, 0)

    def send(self, station: Station, ethertype: int, data: bytes, now: int) -> bool:
        """One frame: rules, credentials, frame. False when it was not sent."""
        network = self.network
        if not network.has_config or len(data) > network.scratch.size:
            return False
        network.scratch.view[: len(data)] = data
        if self.judge(station, network.scratch, 0, len(data), ethertype, now) != PASSED:
            return False
        address = station.address
        network.credentials.push(address, network.member_of(station.bridge), now)
        network.switch.send(address, Verb.EXT_FRAME, self.frame(station, ethertype, data), now)
        return True

    def frame(self, station: Station, ethertype: int, data: bytes) -> bytes:
        """An EXT_FRAME of ours to a host."""
        network = self.network
        return ExtFrame(network.nwid, station.mac, network.mac, ethertype, data).to_bytes()

    def judge(self, station: Station, slab: Slab, offset: int, length: int, ethertype: int, now: int) -> int:
        """The outbound rules with no destination, and then toward the bridge (7.3); copies have been sent."""
        network, mac = self.network, station.mac
        if station.address not in network.bridges:
            network.stats.drop(reasons.NO_BRIDGE)
            return FILTERED
        outcome = network.evaluate_out(0, mac, NO_CLAIMS, slab, offset, length, ethertype)
        if outcome > DROP:
            network.divert(outcome, now)
            if outcome == REDIRECT:
                return DIVERTED
            claims = network.claims_at(network.member_of(station.bridge))
            outcome = network.evaluate_out(station.address, mac, claims, slab, offset, length, ethertype)
            if outcome == REDIRECT:
                network.redirect(now)
                return DIVERTED
        if outcome <= DROP:
            network.stats.drop(reasons.FILTERED_OUT)
            return FILTERED
        return PASSED
