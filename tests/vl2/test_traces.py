"""Recorded sessions of the reference: a member of ours takes what a real one was sent, and judges alike."""

from __future__ import annotations

from typing import Any

import pytest
from support.vectors import load

from fastzt._core.slab import Slab
from fastzt.identity.identity import Identity
from fastzt.vl2.network import Network
from fastzt.vl2.status import Status
from fastzt.wire.com import agrees
from fastzt.wire.frame import Frame
from fastzt.wire.in_re import InRe
from fastzt.wire.verbs import VERB_MASK, Verb
from vl2.bench import Stack
from vl2.direct import Direct

IP = (0x0800, 0x86DD)
SESSIONS = ["trace", "trace_three_nodes"]
OURS = {
    Verb.NETWORK_CONFIG,
    Verb.NETWORK_CREDENTIALS,
    Verb.MULTICAST_LIKE,
    Verb.MULTICAST_GATHER,
    Verb.MULTICAST_FRAME,
    Verb.EXT_FRAME,
}
ANSWERED = {Verb.NETWORK_CONFIG_REQUEST, Verb.MULTICAST_GATHER, Verb.MULTICAST_FRAME}
DEFERRED = 3


class Replay:
    """One member of a session, of which it hears everything that is VL2's."""

    def __init__(self, session: dict[str, Any], identity: Identity, others: list[Identity]) -> None:
        self.me = identity
        self.identities = {other.address: other for other in others}
        self.node = Direct(identity, *others)
        self.network: Network = self.node.networks.join(int(session["network_id"], 16), self.node.now)
        self.stack = Stack()
        self.network.bind(self.stack)
        self.slab = Slab(10_100)
        self.waiting: list[tuple[Identity, bytes]] = []
        self.frames = 0
        self.statuses: list[Status] = []

    def packet(self, record: dict[str, Any], at: int) -> None:
        """One packet that the recorded member received."""
        self.node.now = at
        self.node.networks.tick(at)
        sender = self.identities[int(record["source"], 16)]
        plain = bytes.fromhex(record["plaintext"])
        verb, payload = plain[0] & VERB_MASK, plain[1:]
        if verb == Verb.FRAME:
            self.frames += 1
            self.frame(sender, payload)
        elif verb in (Verb.OK, Verb.ERROR):
            head, body = InRe.split(payload)
            if head.verb in ANSWERED:
                self.node.hand(sender, verb, body, head.verb, int(record["packet_id"], 16))
        elif verb in OURS:
            self.node.hand(sender, verb, payload, 0, int(record["packet_id"], 16))
            self.retry()
        if not self.statuses or self.statuses[-1] != self.network.status:
            self.statuses.append(self.network.status)

    def frame(self, sender: Identity, payload: bytes) -> None:
        self.slab.view[: len(payload)] = payload
        peer = self.node.switch.peer(sender.address)
        assert peer is not None
        verdict = self.node.networks.frame(peer, self.slab, 0, len(payload), 0, self.node.now)
        if verdict == DEFERRED:
            self.waiting.append((sender, payload))

    def retry(self) -> None:
        waiting, self.waiting = self.waiting, []
        for sender, payload in waiting:
            self.frame(sender, payload)


def replay(name: str, address: str) -> Replay:
    session, *datagrams = load(name)
    identities = [Identity.parse(entry["secret"]) for entry in session["identities"]]
    me = next(identity for identity in identities if f"{identity.address:010x}" == address)
    played = Replay(session, me, [identity for identity in identities if identity is not me])
    for entry in datagrams:
        record = entry.get("packet")
        if record and record["destination"] == address and record.get("plaintext"):
            played.packet(record, 1_000_000_000 + int(entry["time"] * 1_000_000))
    return played


def members() -> list[tuple[str, str]]:
    """(session, member that is not the controller)."""
    found = []
    for name in SESSIONS:
        session = load(name)[0]
        controller = session["network_id"][:10]
        found += [(name, address) for address in session["members"] if address != controller]
    return found


@pytest.mark.parametrize(("name", "address"), members())
def test_a_member_follows_the_session(name: str, address: str) -> None:
    played = replay(name, address)
    network = played.network
    session = load(name)[0]
    assert Status.DENIED in played.statuses
    assert network.status == Status.OK
    assert network.config is not None
    recorded = session["members"][address]
    assigned = {f"{ip.split('/')[1]}" for ip in recorded["assignedAddresses"]}
    assert {str(bits) for _, bits in network.addresses} == assigned
    assert len(network.addresses) == len(recorded["assignedAddresses"])
    assert played.frames > 20
    # No frame of a member is lost for want of a certificate, and none that the session used is filtered.
    assert played.waiting == []
    drops = played.node.switch.stats.as_dict()
    assert {k: v for k, v in drops.items() if k.startswith("vl2.")} == {}
    assert len(played.stack.inputs) > 20


@pytest.mark.parametrize(("name", "address"), members())
def test_what_a_member_sent_passes_its_own_rules(name: str, address: str) -> None:
    played = replay(name, address)
    network = played.network
    datagrams = load(name)[1:]
    assert network.own_com is not None
    sent = 0
    for entry in datagrams:
        record = entry.get("packet")
        if not record or record["source"] != address or record.get("verb_name") != "FRAME":
            continue
        frame = Frame.parse(bytes.fromhex(record["plaintext"])[1:])
        peer = played.node.switch.peer(int(record["destination"], 16))
        assert peer is not None
        assert network.send(peer, frame.ethertype, frame.data, played.node.now)
        member = network.member_of(peer)
        assert agrees(network.own_com, member.com, peer.identity.public_hash())
        sent += frame.ethertype in IP
    assert sent > 20
