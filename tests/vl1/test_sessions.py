"""The recorded sessions replayed into a Switch with each node's identity: what arrives is accepted."""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from support.vectors import load

from fastzt._core.datagram_batch import DatagramBatch
from fastzt._core.endpoint import Endpoint, LocalSocket
from fastzt._core.slab import Slab
from fastzt.identity.identity import Identity
from fastzt.vl1.config import SwitchConfig
from fastzt.vl1.dispatch import VIRTUAL
from fastzt.vl1.switch import Switch
from fastzt.vl1.timing import SECOND
from fastzt.wire.verbs import Verb
from fastzt.wire.world import World

from .sim import START, Recorder
from .test_fragments import Listening

FRAME = Verb.FRAME
SESSIONS = ["trace", "trace_three_nodes"]
NODES = [(name, i) for name in SESSIONS for i in range(len(load(name)[0]["identities"]))]


def endpoint(text: str) -> Endpoint:
    host, _, port = text.rpartition("/")
    return Endpoint.parse(host, int(port))


@functools.cache
def addresses(name: str) -> dict[int, set[str]]:
    """Which ip/port each node sends its own packets from."""
    found: dict[int, set[str]] = {}
    for entry in load(name)[1:]:
        if "packet" in entry and entry["packet"]["hops"] == 0:
            found.setdefault(int(entry["packet"]["source"], 16), set()).add(entry["src"])
    return found


@dataclass
class Replay:
    """A Switch in the place of one node of a session."""

    switch: Switch
    sink: Recorder
    listening: Listening
    expected: list[tuple[int, bytes]]
    hellos: int
    forwarded: int


@functools.cache
def valid(identity: Identity) -> bool:
    return identity.validate()


@functools.cache
def replay(name: str, index: int) -> Replay:
    """Feed a node everything that was sent to it, in order; what it sent itself may be answered."""
    session, *entries = load(name)
    identity = Identity.parse(session["identities"][index]["secret"])
    world = World.parse(bytes.fromhex(session["planet"]))
    switch = Switch(identity, world, bytes, 0, SwitchConfig(root=index == 0))
    sink, listening = Recorder(), Listening(switch.context)
    switch.bind(sink)
    switch.control.dispatch = listening
    mine = sorted(addresses(name)[identity.address])
    sockets = {text: LocalSocket(i, endpoint(text)) for i, text in enumerate(mine)}
    switch.sockets_changed(list(sockets.values()), START)
    found = Replay(switch, sink, listening, [], 0, 0)
    for entry in entries:
        now = START + int(float(entry["time"]) * SECOND)
        packet = entry.get("packet")
        if packet and int(packet["source"], 16) == identity.address:
            remember(switch, packet, endpoint(entry["dst"]), now)
        if entry["dst"] in sockets:
            give(switch, sockets[entry["dst"]].number, entry, now)
            if packet:
                expect(found, packet, identity.address)
    return found


def remember(switch: Switch, packet: dict[str, Any], target: Endpoint, now: int) -> None:
    """The recorded node asked this: its answer is due."""
    to = int(packet["destination"], 16)
    switch.context.replies.add(int(packet["packet_id"], 16), to, packet["verb"], now, target)


def give(switch: Switch, socket: int, entry: dict[str, Any], now: int) -> None:
    data = bytes.fromhex(entry["data"])
    batch = DatagramBatch(Slab(10240))
    batch.slab.view[: len(data)] = data
    batch.add(0, len(data), 0, socket, endpoint(entry["src"]))
    switch.receive(batch, now)
    for job in switch.jobs():
        job.valid = valid(job.identity)
        switch.finish(job, now)


def expect(found: Replay, packet: dict[str, Any], me: int) -> None:
    """Note what the record says about a packet that has arrived."""
    if int(packet["destination"], 16) != me:
        found.forwarded += 1
    elif packet["verb"] == Verb.HELLO:
        found.hellos += 1
    else:
        found.expected.append((packet["hops"], bytes.fromhex(packet["plaintext"])))


@pytest.mark.parametrize(("name", "index"), NODES)
def test_everything_that_arrived_is_accepted(name: str, index: int) -> None:
    found = replay(name, index)
    assert found.switch.bugs.last is None
    refused = (
        "forged",
        "malformed",
        "replayed",
        "unexpected_ok",
        "raised",
        "invalid_identity",
        "collision",
        "own_source",
    )
    counted = {key.removeprefix("vl1."): n for key, n in found.switch.stats.as_dict().items()}
    assert {key: counted[key] for key in refused if key in counted} == {}
    assert len(found.expected) > 50
    assert found.hellos > 0


@pytest.mark.parametrize(("name", "index"), NODES)
def test_every_packet_is_opened_as_the_record_says(name: str, index: int) -> None:
    found = replay(name, index)
    cold = Counter((hops, verb & 0x1F) for hops, verb, _ in found.listening.heard)
    hot = Counter((hops, int(FRAME)) for _, _, hops in found.sink.taken)
    assert cold + hot == Counter((hops, plain[0] & 0x1F) for hops, plain in found.expected)
    frames = Counter(payload for _, payload, _ in found.sink.taken)
    assert frames == Counter(plain[1:] for _, plain in found.expected if plain[0] == FRAME)
    messages = Counter(
        (p.verb, p.payload) for p in found.sink.messages if p.verb not in (Verb.OK, Verb.ERROR)
    )
    virtual = (
        plain for _, plain in found.expected if plain[0] & 0x1F in VIRTUAL and plain[0] & 0x1F != FRAME
    )
    assert messages == Counter((plain[0] & 0x1F, plain[1:]) for plain in virtual)


@pytest.mark.parametrize(("name", "index"), NODES)
def test_the_root_forwards_and_members_do_not(name: str, index: int) -> None:
    found = replay(name, index)
    relayed = found.switch.stats.as_dict().get("vl1.relayed", 0)
    assert relayed == (found.forwarded if index == 0 else 0)
    assert "vl1.not_ours" not in found.switch.stats.as_dict()


@pytest.mark.parametrize(("name", "index"), NODES)
def test_peers_and_paths_are_learned(name: str, index: int) -> None:
    found = replay(name, index)
    session = load(name)[0]
    others = [int(entry["address"], 16) for entry in session["identities"]]
    end = START + int(float(load(name)[-1]["time"]) * SECOND)
    for address in others:
        if address == found.switch.address:
            continue
        peer = found.switch.peer(address)
        assert peer is not None
        assert (peer.protocol, peer.version) == (12, (1, 14, 1))
        best = peer.best_path(end)
        assert best is not None
        assert str(best.endpoint) in addresses(name)[address]
