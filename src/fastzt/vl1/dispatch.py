"""Dispatch: authenticated packets on the cold way, verb by verb (PROTOCOL-VL1 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.slab import Slab
from ..wire import compression
from ..wire.hello import MIN_PROTOCOL_VERSION, Hello
from ..wire.in_re import InRe
from ..wire.reader import Malformed
from ..wire.verbs import COMPRESSED, VERB_MASK, ErrorCode, Verb
from . import reasons, rendezvous
from .packet import Packet
from .path import Path
from .peer import Peer
from .recent_ids import RecentIds
from .replies import Sent
from .timing import ECHO_GATE, MAX_PACKET

if TYPE_CHECKING:
    from .context import Context

IGNORED, ACCEPTED, TRUSTED, DEFERRED = range(4)  # verdicts of VirtualSink
VIRTUAL = {
    Verb.FRAME,
    Verb.EXT_FRAME,
    Verb.MULTICAST_LIKE,
    Verb.NETWORK_CREDENTIALS,
    Verb.NETWORK_CONFIG_REQUEST,
    Verb.NETWORK_CONFIG,
    Verb.MULTICAST_GATHER,
    Verb.MULTICAST_FRAME,
}
ACTIVE = {
    Verb.FRAME,
    Verb.EXT_FRAME,
    Verb.MULTICAST_FRAME,
    Verb.NETWORK_CONFIG,
    Verb.NETWORK_CONFIG_REQUEST,
}
FRAMES = {Verb.FRAME, Verb.EXT_FRAME, Verb.MULTICAST_FRAME}
SILENT = {Verb.ACK, Verb.QOS_MEASUREMENT, Verb.PATH_NEGOTIATION_REQUEST}  # no credit for liveness (5.10)


class Dispatch:
    """Hands each packet to its handler, and credits the sender unless the packet was refused."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.scratch = Slab(MAX_PACKET)

    def handle(
        self,
        peer: Peer,
        path: Path,
        packet_id: int,
        hops: int,
        suite: int,
        verb: int,
        payload: bytes,
        now: int,
    ) -> None:
        """One authenticated packet: `verb` is the whole verb byte, `payload` what follows it, decrypted."""
        try:
            if verb & COMPRESSED:
                payload = compression.decompress(payload)
            packet = Packet(peer, path, packet_id, hops, verb & VERB_MASK, payload, suite)
            if packet.verb in (Verb.OK, Verb.ERROR):
                self.answer(packet, now)
            elif self.question(packet, now):
                self.credit(packet, now)
        except Malformed:
            self.context.stats.drop(reasons.MALFORMED)

    def credit(self, packet: Packet, now: int, sent: Sent | None = None) -> None:
        """The packet counts as received."""
        self.context.learning.received(packet.peer, packet.path, packet.hops, packet.verb, now, sent)

    # -- questions

    def question(self, packet: Packet, now: int) -> bool:
        """Any verb but OK and ERROR; whether its sender gets credit."""
        verb, context = packet.verb, self.context
        if verb in VIRTUAL:
            return self.virtual(packet, now)
        if verb == Verb.ECHO:
            return self.echo(packet, now)
        if verb == Verb.WHOIS:
            return context.whois.receive(packet, now)
        if verb == Verb.HELLO:
            self.armored_hello(packet, now)
            return False
        if verb == Verb.RENDEZVOUS:
            return rendezvous.receive(context, packet, now)
        if verb == Verb.PUSH_DIRECT_PATHS:
            return context.direct_paths.receive(packet, now)
        if verb != Verb.NOP:
            context.stats.drop(reasons.UNHANDLED)
        return verb not in SILENT

    def echo(self, packet: Packet, now: int) -> bool:
        """OK(ECHO) with the same payload, one per 166 ms and path (PROTOCOL-VL1 5.6)."""
        path = packet.path
        if path.last_echo and now - path.last_echo < ECHO_GATE:
            self.context.stats.drop(reasons.GATED)
            return False
        path.last_echo = now
        self.context.reply(packet, Verb.OK, packet.payload, now)
        return True

    def armored_hello(self, packet: Packet, now: int) -> None:
        """A HELLO of a known peer under suite 1 or 3: its identity is proved by the armor."""
        hello = Hello.parse_head(packet.payload)
        peer = packet.peer
        if hello.protocol < MIN_PROTOCOL_VERSION or hello.identity != peer.identity.to_bytes():
            self.context.stats.drop(reasons.MALFORMED)
            return
        self.context.hello.accept(peer, hello, packet.packet_id, packet.hops, packet.path, now)

    # -- answers

    def answer(self, packet: Packet, now: int) -> None:
        """OK counts only for what was asked; ERROR is passed on as it is (PROTOCOL-VL1 3.5)."""
        head, packet.payload = InRe.split(packet.payload)
        packet.in_re_verb, packet.in_re_id = head.verb, head.packet_id
        if packet.verb == Verb.ERROR:
            self.error(packet, now)
            self.credit(packet, now)
            return
        sent = self.context.replies.match(packet.in_re_id, packet.peer.address)
        if sent is None:
            self.context.stats.drop(reasons.UNEXPECTED_OK)
        elif self.ok(packet, sent, now):
            self.measure(packet, sent, now)
            self.credit(packet, now, sent)

    def ok(self, packet: Packet, sent: Sent, now: int) -> bool:
        """An OK that was asked for; whether it is well-formed. A wrong in-re verb tells only liveness."""
        if packet.in_re_verb != sent.verb:
            return True
        if sent.verb == Verb.HELLO:
            return self.context.hello.answered(packet, sent, now)
        if sent.verb == Verb.WHOIS:
            return self.context.whois.answered(packet, now)
        if sent.verb in VIRTUAL:
            return self.virtual(packet, now)
        return True

    def measure(self, packet: Packet, sent: Sent, now: int) -> None:
        """The first direct answer to a HELLO or ECHO gives a round trip."""
        if sent.answered or packet.hops or sent.verb not in (Verb.HELLO, Verb.ECHO):
            return
        sent.answered = True
        packet.peer.measured(now - sent.at)
        packet.path.measured(now - sent.at)

    def error(self, packet: Packet, now: int) -> None:
        """ERROR: a collision concerns VL1, all the rest VL2."""
        code = packet.payload[0] if packet.payload else ErrorCode.NONE
        if packet.in_re_verb == Verb.HELLO:
            if code == ErrorCode.IDENTITY_COLLISION:
                self.context.hello.collision_reported(packet)
        else:
            self.virtual(packet, now)

    # -- VL2

    def virtual(self, packet: Packet, now: int) -> bool:
        """VL2's: a frame that was seen before is dropped, one that cannot be judged yet is kept."""
        if packet.verb in FRAMES and self.is_replay(packet):
            self.context.stats.drop(reasons.REPLAYED)
            return False
        if self.context.sink is None:
            self.context.stats.drop(reasons.UNHANDLED)
        elif self.offer(packet, now):
            self.context.deferred.hold(packet, now)
        return True

    def is_replay(self, packet: Packet) -> bool:
        """Whether the id of a frame is among the peer's recent ones."""
        recent = packet.peer.recent
        return recent is not None and not recent.add(packet.packet_id)

    def offer(self, packet: Packet, now: int) -> bool:
        """Hand a packet to VL2 and act on its verdict; True when it is still undecided."""
        sink = self.context.sink
        if sink is None:
            return False
        if packet.verb == Verb.FRAME:
            n = len(packet.payload)
            self.scratch.view[:n] = packet.payload
            verdict = sink.frame(packet.peer, self.scratch, 0, n, packet.hops, now)
        else:
            verdict = sink.message(packet, now)
        if verdict == TRUSTED:
            packet.peer.trust(now)
        if verdict != IGNORED and (packet.verb in ACTIVE or packet.in_re_verb in ACTIVE):
            packet.peer.last_active = now
        if verdict != IGNORED and packet.verb in FRAMES and packet.peer.recent is None:
            packet.peer.recent = RecentIds()
            packet.peer.recent.add(packet.packet_id)
        return verdict == DEFERRED
