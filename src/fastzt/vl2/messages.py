"""Messages: VL2's verbs on the cold way, each to its handler (PROTOCOL-VL2 0)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..vl1.rate_gate import TokenBucket
from ..wire.config_request import ConfigRequest
from ..wire.credentials_packet import NetworkCredentials
from ..wire.error_body import ErrorBody
from ..wire.reader import Malformed
from ..wire.verbs import ErrorCode, Verb
from . import listening, reasons, receiving
from .events import Revoked
from .member import Memberships
from .membership import Result
from .status import Status

if TYPE_CHECKING:
    from ..vl1.packet import Packet
    from ..vl1.peer import Peer
    from ..wire.revocation import Revocation
    from .networks import Networks

IGNORED, ACCEPTED, TRUSTED, DEFERRED = range(4)  # vl1.sink
# Senders keep to one a second, but several revocations may follow each other, and none must be lost.
CREDENTIALS_BURST = 8
CREDENTIALS_PER_SECOND = 4
FRAMES = {Verb.EXT_FRAME: receiving.ext_frame, Verb.MULTICAST_FRAME: receiving.multicast_frame}
DATA = (Verb.FRAME, Verb.EXT_FRAME, Verb.MULTICAST_FRAME)


def dispatch(networks: Networks, packet: Packet, now: int) -> int:
    """One packet; returns VL1's verdict. Raises Malformed."""
    verb = packet.verb
    if verb in FRAMES or verb == Verb.NETWORK_CONFIG:
        network = networks.get(network_id(packet.payload))
        if network is None:
            networks.stats.drop(reasons.UNKNOWN_NETWORK)
            return IGNORED
        if verb == Verb.NETWORK_CONFIG:
            return int(network.configs.chunk(packet, now))
        return FRAMES[Verb(verb)](network, packet, now)
    if verb == Verb.NETWORK_CREDENTIALS:
        return credentials(networks, packet, now)
    if verb == Verb.MULTICAST_LIKE:
        return listening.like(networks, packet, now)
    if verb == Verb.MULTICAST_GATHER:
        return listening.gather(networks, packet, now)
    if verb == Verb.NETWORK_CONFIG_REQUEST:
        return config_request(networks, packet, now)
    if verb == Verb.OK:
        return ok(networks, packet, now)
    if verb == Verb.ERROR:
        return error(networks, packet, now)
    networks.stats.drop(reasons.UNHANDLED)
    return IGNORED


def network_id(payload: bytes) -> int:
    """The leading u64."""
    if len(payload) < 8:
        raise Malformed("no network id", len(payload))
    return int.from_bytes(payload[:8], "big")


def credentials(networks: Networks, packet: Packet, now: int) -> int:
    """NETWORK_CREDENTIALS, gated per sender; a packet that waited for an identity passes the gate again."""
    if not networks.by_id or not passes_gate(networks, packet.peer, now, packet.packet_id):
        return IGNORED
    shown = NetworkCredentials.parse(packet.payload)
    verdict = IGNORED
    for network in networks.all():
        result, fresh = network.membership.accept(shown)
        if result == Result.DEFERRED:
            networks.switch.want(network.membership.controller, now)
            verdict = DEFERRED
        elif result != Result.REJECTED and verdict != DEFERRED:
            member = network.member_of(packet.peer)
            verdict = max(verdict, TRUSTED if network.is_allowed(packet.peer, member) else ACCEPTED)
        for revocation in fresh:
            revoked(networks, revocation, now)
            propagate(networks, packet, revocation, now)
    networks.retry(packet.peer.address, now)
    return verdict


def passes_gate(networks: Networks, peer: Peer, now: int, packet_id: int = 0) -> bool:
    """Whether the peer's credentials are looked at now; the same packet, offered again, passes once more."""
    if peer.token is None:
        peer.token = Memberships()
    token: Memberships = peer.token  # type: ignore[assignment]
    if packet_id and packet_id == token.credentials_id:
        return True
    if token.gate is None:
        token.gate = TokenBucket(CREDENTIALS_BURST, CREDENTIALS_PER_SECOND, now)
    if not token.gate.take(now):
        networks.stats.drop(reasons.GATED)
        return False
    token.credentials_id = packet_id
    return True


def revoked(networks: Networks, revocation: Revocation, now: int) -> None:
    """Report a new revocation; one of our own certificate has the controller asked at once."""
    network = networks.get(revocation.nwid)
    if network is None:
        return
    networks.emit(Revoked(revocation.nwid, revocation.target, revocation.threshold))
    own = network.own_com
    if revocation.target == networks.me and own is not None and own.timestamp <= revocation.threshold:
        network.configs.revoked(now)


def propagate(networks: Networks, packet: Packet, revocation: Revocation, now: int) -> None:
    """Hand a new revocation on to every member but the sender and the signer, if it asks for that (4.6)."""
    network = networks.get(revocation.nwid)
    if not revocation.fast_propagate or network is None:
        return
    payload = NetworkCredentials(revocations=(revocation,)).to_bytes()
    for member in list(network.membership.members.values()):
        if member.com is None or member.address in (packet.peer.address, revocation.signer, networks.me):
            continue
        if networks.switch.peer(member.address) is not None:
            networks.switch.send(member.address, Verb.NETWORK_CREDENTIALS, payload, now)


def config_request(networks: Networks, packet: Packet, now: int) -> int:
    """NETWORK_CONFIG_REQUEST: the controller role's; without it the asker is told so."""
    request = ConfigRequest.parse(packet.payload)
    authority = networks.authority
    if authority is None:
        body = ErrorBody(ErrorCode.UNSUPPORTED_OPERATION, request.nwid).to_bytes()
        networks.switch.reply(packet, body, now, verb=Verb.ERROR)
        return IGNORED
    if not authority.controls(request.nwid):
        return IGNORED
    authority.request(packet.peer, packet, request.nwid, request.metadata, now)
    return ACCEPTED


def ok(networks: Networks, packet: Packet, now: int) -> int:
    """OK to one of our requests."""
    if packet.in_re_verb == Verb.NETWORK_CONFIG_REQUEST:
        network = networks.get(network_id(packet.payload))
        return IGNORED if network is None else int(network.configs.chunk(packet, now))
    if packet.in_re_verb == Verb.MULTICAST_GATHER:
        return listening.gather_answered(networks, packet, now)
    if packet.in_re_verb == Verb.MULTICAST_FRAME:
        return listening.frame_answered(networks, packet, now)
    return IGNORED


def error(networks: Networks, packet: Packet, now: int) -> int:
    """ERROR: about our membership, our config, a group, or a frame that a peer will not take."""
    body = ErrorBody.parse(packet.payload)
    network = networks.get(body.nwid) if body.nwid is not None else None
    if network is None:
        return IGNORED
    if body.code == ErrorCode.UNWANTED_MULTICAST:
        return listening.unwanted(networks, packet, body)
    if body.code == ErrorCode.NEED_MEMBERSHIP_CERTIFICATE:
        member = network.member_of(packet.peer)
        shown = network.credentials.demanded(packet.peer.address, member, now)
        if not shown or network.status != Status.OK:  # those that we have may be void
            network.sink.refused(packet.peer, now)
        return ACCEPTED
    if packet.in_re_verb in DATA and packet.peer.address != network.configs.controller:
        network.sink.refused(packet.peer, now)
        return ACCEPTED
    return int(network.configs.error(packet, body, now))
