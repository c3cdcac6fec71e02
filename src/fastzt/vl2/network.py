"""Network: one joined virtual network; the way of its frames in and out (PROTOCOL-VL2 5).

The hot way compares one number: the state of (network, member), the sum of their generations. Both only grow,
so a verdict that was reached at this state still holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.datagram_batch import TransmitBatch
from .._core.slab import Slab
from ..vl1.peer import Peer
from ..wire.frame import ExtFrame
from . import reasons
from .claims import Claims
from .evaluator import judge
from .member import Member
from .network_state import NetworkState

if TYPE_CHECKING:
    import cython

    from .bridging import Station
    from .networks import Networks
else:
    from .. import _cython as cython

if not cython.compiled:
    from .._core.access import be16, be64, put_be16, put_be64, put_bytes, take, u8
    from ..vl1.sink import DEFERRED, IGNORED, TRUSTED
    from .evaluator import ACCEPT, DROP, REDIRECT, SUPER_ACCEPT
    from .frame_context import ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6

    FRAME = 0x06
    EXT_FRAME = 0x07
    ICMPV6 = 58
    NETWORK_CREDENTIALS = 0x0A
    HEAD = 10  # network id and ethertype of a FRAME
    PACKET_HEAD = 28  # VL1 header and verb
    PLAIN_MTU = 1432  # UDP payload of a path that is not known yet
    FILTERED = -1
    DIVERTED = -2  # a rule sent the frame elsewhere
    # Subtypes of EXT_FRAME (PROTOCOL-VL2 5.2)
    TEE_OUT = 0x02
    REDIRECT_OUT = 0x04
    WATCH_OUT = 0x16
    TEE_IN = 0x08
    REDIRECT_IN = 0x0A
    WATCH_IN = 0x1C


class Network(NetworkState):
    """See docs/architecture.md; its state is that of NetworkState."""

    if not cython.compiled:
        __slots__ = ("reserved",)

    def __init__(self, owner: Networks, nwid: int, mac: int) -> None:
        NetworkState.__init__(self, owner, nwid, mac)
        self.reserved = -1

    # in

    def frame_in(self, peer: Peer, slab: Slab, offset: int, length: int, now: int) -> int:
        """A FRAME behind its network id: u16 ethertype at `offset`, then data. Returns VL1's verdict."""
        if length < 2:
            return IGNORED
        member = self.member_of(peer)
        state = self.generation + member.generation
        if (
            member.allowed_at == state
            and is_ip(slab, offset + 2, length - 2, be16(slab, offset))
            and self.sink.fast_input(peer, slab, offset + 2, length - 2, state, now)
        ):
            return TRUSTED
        return self.slow_frame(peer, member, slab, offset, length, now)

    def frames_in(
        self, peer: Peer, slab: Slab, offset: int, stride: int, count: int, size: int, last: int, now: int
    ) -> int:
        """Whole FRAMEs in a row (u64 network id, u16 ethertype, data): how many the open flows took."""
        member = self.member_of(peer)
        state = self.generation + member.generation
        if member.allowed_at != state:
            return 0
        ours = 0
        o = offset
        while (
            ours < count
            and be64(slab, o) == self.nwid
            and is_ip(slab, o + HEAD, (size if ours < count - 1 else last) - HEAD, be16(slab, o + 8))
        ):
            ours += 1
            o += stride
        if ours == 0:
            return 0
        end = (last if ours == count else size) - HEAD
        return self.sink.fast_run(peer, slab, offset + HEAD, stride, ours, size - HEAD, end, state, now)

    def slow_frame(self, peer: Peer, member: Member, slab: Slab, offset: int, length: int, now: int) -> int:
        """Gate, inbound rules, delivery."""
        if not self.is_allowed(peer, member):
            # The packet id stands before the payload, unless VL1 offers a copy again.
            packet_id = be64(slab, offset - 8 - PACKET_HEAD) if offset >= 8 + PACKET_HEAD else 0
            self.credentials.complain(peer, member, FRAME, packet_id, now)
            return DEFERRED
        self.multicast.greet(peer, member, now)
        if length > 2:
            outcome = self.judge_in(
                peer, member, member.mac, self.mac, slab, offset + 2, length - 2, be16(slab, offset), now
            )
            if outcome in (ACCEPT, SUPER_ACCEPT):
                self.deliver(peer, member, slab, offset + 2, length - 2, be16(slab, offset), now)
        return TRUSTED

    def judge_in(
        self,
        peer: Peer,
        member: Member,
        source: int,
        destination: int,
        slab: Slab,
        offset: int,
        length: int,
        ethertype: int,
        now: int,
    ) -> int:
        """Run the inbound rules over a frame from MAC `source` to MAC `destination`; the evaluator's outcome.

        Copies and redirections have been sent on return.
        """
        context = self.context
        context.inbound = True
        context.source = peer.address
        context.destination = self.me
        context.mac_source = source
        context.mac_destination = destination
        context.local = self.claims
        context.remote = self.claims_at(member)
        context.config_flags = self.config_flags
        context.emulated = self.emulated
        context.begin(slab, offset, length, ethertype)
        outcome = judge(self.base, context.remote.capabilities, context)
        if outcome <= DROP:
            self.stats.drop(reasons.FILTERED_IN)
        else:
            self.divert(outcome, now)
        return outcome

    def deliver(
        self,
        neighbor: Peer | Station,
        member: Member,
        slab: Slab,
        offset: int,
        length: int,
        ethertype: int,
        now: int,
    ) -> None:
        """Hand an accepted frame to the IP stack or to address resolution."""
        generation = self.generation + member.generation if self.context.cacheable else 0
        if is_neighbor_message(slab, offset, length, ethertype):
            self.resolution.neighbor_in(neighbor, take(slab, offset, length), now)
        elif is_ip(slab, offset, length, ethertype):
            self.sink.input(neighbor, slab, offset, length, generation, now)
        elif ethertype == ETHERTYPE_ARP:
            self.resolution.arp_in(neighbor, take(slab, offset, length), now)
        else:
            self.stats.drop(reasons.WRONG_ETHERTYPE)

    # out

    def room(self, peer: Peer, now: int) -> int:
        """Bytes of the largest IP packet that travels to the peer as one datagram."""
        path = self.switch.route(peer, now)
        mtu = PLAIN_MTU if path is None else path.mtu
        return min(mtu - PACKET_HEAD - HEAD, self.mtu)

    def reserve(self, peer: Peer, out: TransmitBatch, ip_length: int, now: int) -> int:
        """Offset in `out.slab` for an IP packet of up to `ip_length` bytes, or -1: not now."""
        offset = self.switch.reserve(peer, out, ip_length + HEAD, now)
        self.reserved = offset
        return -1 if offset < 0 else offset + HEAD

    def commit(self, peer: Peer, out: TransmitBatch, ip_length: int, generation: int, now: int) -> int:
        """Send the IP packet written at the reserved offset, behind our credentials where they are due.

        Returns the generation to cache, 0 when the verdict must not be cached, -1 when a rule forbids it.
        """
        slab = out.slab
        offset = self.reserved
        member = self.member_of(peer)
        ethertype = ETHERTYPE_IPV6 if u8(slab, offset + HEAD) >> 4 == 6 else ETHERTYPE_IPV4
        verdict = generation
        if generation != self.generation + member.generation:
            verdict = self.judge_out(member, slab, offset + HEAD, ip_length, ethertype, now)
            if verdict < 0:
                return FILTERED if verdict == FILTERED else 0
        put_be64(slab, offset, self.nwid)
        put_be16(slab, offset + 8, ethertype)
        if self.credentials.is_due(member, now):
            self.seal_behind_credentials(peer, member, out, ip_length + HEAD, now)
        else:
            self.switch.seal(peer, out, ip_length + HEAD, FRAME, now)
        return verdict

    def repeat(
        self,
        peer: Peer,
        out: TransmitBatch,
        ip_length: int,
        same: int,
        most: int,
        generation: int,
        now: int,
    ) -> int:
        """Up to `most` IP packets of the length just committed, under the same verdict; how many.

        They end at `out.used`, one every `stride(ip_length)` bytes, and their first `same` bytes are those of
        the one committed; the caller writes the rest at once.
        """
        member = self.member_of(peer)
        if generation == 0 or generation != self.generation + member.generation:
            return 0
        if self.credentials.is_due(member, now):
            return 0
        return self.switch.repeat(peer, out, ip_length + HEAD, HEAD + same, most, now)

    def stride(self, ip_length: int) -> int:
        """Bytes of a packet with so much IP, which is its last part."""
        return PACKET_HEAD + HEAD + ip_length

    def seal_behind_credentials(
        self, peer: Peer, member: Member, out: TransmitBatch, length: int, now: int
    ) -> None:
        """The frame at the reserved offset moves back: our credentials leave before it, in the same batch."""
        frame = take(out.slab, self.reserved, length)
        shown = self.credentials.next_part(member, now)
        offset = self.switch.reserve(peer, out, len(shown), now)
        if offset >= 0:
            put_bytes(out.slab, offset, shown)
            self.switch.seal(peer, out, len(shown), NETWORK_CREDENTIALS, now)
            offset = self.switch.reserve(peer, out, length, now)
        else:
            self.switch.send(peer.address, NETWORK_CREDENTIALS, shown, now)
        if offset >= 0:
            put_bytes(out.slab, offset, frame)
            self.switch.seal(peer, out, length, FRAME, now)
        else:
            self.switch.send(peer.address, FRAME, frame, now)

    def judge_out(
        self, member: Member, slab: Slab, offset: int, length: int, ethertype: int, now: int
    ) -> int:
        """Run the outbound rules over a unicast frame to a member.

        Returns the state to cache, 0, FILTERED, or DIVERTED when it has been redirected.
        """
        outcome = self.evaluate_out(
            member.address, member.mac, self.claims_at(member), slab, offset, length, ethertype
        )
        if outcome <= DROP:
            self.stats.drop(reasons.FILTERED_OUT)
            return FILTERED
        self.divert(outcome, now)
        if outcome == REDIRECT:
            return DIVERTED
        return self.generation + member.generation if self.context.cacheable else 0

    def evaluate_out(
        self,
        destination: int,
        mac_destination: int,
        remote: Claims,
        slab: Slab,
        offset: int,
        length: int,
        ethertype: int,
    ) -> int:
        """The outcome of the outbound rules; destination 0: multicast."""
        context = self.context
        context.inbound = False
        context.source = self.me
        context.destination = destination
        context.mac_source = self.mac
        context.mac_destination = mac_destination
        context.local = self.claims
        context.remote = remote
        context.config_flags = self.config_flags
        context.emulated = self.emulated
        context.begin(slab, offset, length, ethertype)
        return judge(self.base, self.claims.capabilities, context)

    def divert(self, outcome: int, now: int) -> None:
        """Send the copies that the rules asked for to where they asked (PROTOCOL-VL2 7.3)."""
        context = self.context
        if context.tee_to:
            self.tee(context.tee_to, context.tee_length, context.tee_watch, now)
        if context.base_tee_to:
            self.tee(context.base_tee_to, context.base_tee_length, context.base_tee_watch, now)
        if outcome == REDIRECT:
            self.redirect(now)

    def tee(self, target: int, length: int, watch: bool, now: int) -> None:
        """A copy for TEE or WATCH."""
        if watch:
            self.send_copy(target, length, WATCH_IN if self.context.inbound else WATCH_OUT, now)
        else:
            self.send_copy(target, length, TEE_IN if self.context.inbound else TEE_OUT, now)

    def redirect(self, now: int) -> None:
        """Send the frame in the context to where a rule redirected it."""
        context = self.context
        flags = REDIRECT_IN if context.inbound else REDIRECT_OUT
        self.send_copy(context.redirect_to, context.length, flags, now)

    def send_copy(self, target: int, length: int, flags: int, now: int) -> None:
        """The first `length` bytes of the frame in the context as EXT_FRAME, its MACs kept."""
        context = self.context
        data = take(context.slab, context.offset, length)
        copy = ExtFrame(
            self.nwid, context.mac_destination, context.mac_source, context.ethertype, data, flags
        )
        self.switch.send(target, EXT_FRAME, copy.to_bytes(), now, compress=True)

    def send(self, peer: Peer, ethertype: int, data: bytes, now: int) -> bool:
        """One frame to a peer off the hot way: rules, credentials, frame. False when it was not sent."""
        slab = self.scratch
        if not self.has_config or len(data) > slab.size:
            return False
        slab.view[: len(data)] = data
        member = self.member_of(peer)
        if self.judge_out(member, slab, 0, len(data), ethertype, now) < 0:
            return False
        self.credentials.push(peer.address, member, now)
        payload = self.nwid.to_bytes(8, "big") + ethertype.to_bytes(2, "big") + data
        self.switch.send(peer.address, FRAME, payload, now)
        return True

    # above

    def resolve(self, ip16: bytes, now: int) -> Peer | Station | None:
        """Who owns an IP, a peer or a host behind one; None while it is found, and the sink hears how."""
        return self.resolution.resolve(ip16, now)

    def __repr__(self) -> str:
        return f"Network({self.nwid:016x}, {self.status.name})"


def is_ip(slab: Slab, offset: int, length: int, ethertype: int) -> bool:
    """Whether the data is an IP packet of the version that the ethertype (by which rules judge) says."""
    if length < 20:
        return False
    version = u8(slab, offset) >> 4
    return (version == 4 and ethertype == ETHERTYPE_IPV4) or (version == 6 and ethertype == ETHERTYPE_IPV6)


def is_neighbor_message(slab: Slab, offset: int, length: int, ethertype: int) -> bool:
    """Whether the data is a neighbor solicitation or advertisement (RFC 4861 4.3, 4.4)."""
    if ethertype != ETHERTYPE_IPV6 or length < 64 or u8(slab, offset + 6) != ICMPV6:
        return False
    return u8(slab, offset + 40) == 135 or u8(slab, offset + 40) == 136
