"""Fragmented packets of the reference: taken apart and put together alike (PROTOCOL-VL1 4.2)."""

from __future__ import annotations

from typing import Any

import pytest
from support.vectors import parametrize

from fastzt._core import fragment
from fastzt._core.armor import SessionKey
from fastzt._core.datagram_batch import DatagramBatch, TransmitBatch
from fastzt._core.slab import Slab
from fastzt.identity.identity import Identity
from fastzt.vl1.context import Context
from fastzt.vl1.dispatch import Dispatch
from fastzt.vl1.id_source import IdSource
from fastzt.vl1.path import Path
from fastzt.vl1.peer import Peer
from fastzt.vl1.sealing import Sealer
from fastzt.vl1.switch import Switch

from .sim import A_AT, START, planet


class Listening(Dispatch):
    """A Dispatch that also keeps what it is handed."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.heard: list[tuple[int, int, bytes]] = []

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
        self.heard.append((hops, verb, payload))
        super().handle(peer, path, packet_id, hops, suite, verb, payload, now)


def receiver(case: dict[str, Any]) -> tuple[Switch, Listening]:
    """A node with the receiver's identity that knows the sender."""
    me, sender = Identity.parse(case["receiver_secret"]), Identity.parse(case["sender_secret"])
    switch = Switch(me, planet([]), bytes, 0)
    switch.context.topology.add(sender.without_secret)
    listening = Listening(switch.context)
    switch.control.dispatch = listening
    return switch, listening


def with_hops(data: bytes, hops: int) -> bytes:
    """The datagram as it looks after relays."""
    place = fragment.HOPS if data[13] == 0xFF else 18
    return data[:place] + bytes([data[place] | hops]) + data[place + 1 :]


def give(switch: Switch, data: bytes) -> None:
    batch = DatagramBatch(Slab(10240))
    batch.slab.view[: len(data)] = data
    batch.add(0, len(data), 0, 0, A_AT)
    switch.receive(batch, START)


@parametrize("fragments", "fragment")
def test_deliveries(case: dict[str, Any]) -> None:
    assert case["deliveries"]
    plaintext = bytes.fromhex(case["plaintext_packet"])
    for delivery in case["deliveries"]:
        switch, listening = receiver(case)
        for index in delivery["order"]:
            give(switch, with_hops(bytes.fromhex(case["datagrams"][index]), delivery["hops"]))
        expected = [(delivery["hops"], plaintext[27], plaintext[28:])] * delivery["delivered"]
        assert listening.heard == expected, delivery["name"]
        assert switch.bugs.last is None


@parametrize("fragments", "fragment")
def test_cold_packets_are_cut_as_the_reference_does(case: dict[str, Any]) -> None:
    plaintext = bytes.fromhex(case["plaintext_packet"])
    sender = Identity.parse(case["sender_secret"])
    sealer = Sealer(sender.address, IdSource(lambda n: bytes.fromhex(case["packet_id_before"]) * (n // 8)))
    key = SessionKey(bytes.fromhex(case["key"]))
    to = int.from_bytes(plaintext[8:13], "big")
    packet_id, datagrams = sealer.seal(
        to, key, case["cipher_suite"], plaintext[27], plaintext[28:], case["mtu"]
    )
    if case["fragment_count"] > 7:  # the reference sends what no receiver takes: we do not
        assert datagrams == []
        return
    assert [data.hex() for data in datagrams] == case["datagrams"]
    assert packet_id.to_bytes(8, "big") == datagrams[0][:8]


@parametrize("fragments", "fragment")
def test_hot_packets_are_cut_as_the_reference_does(
    case: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if case["cipher_suite"] == 0:
        return  # frames never leave without encryption
    me, to = Identity.parse(case["sender_secret"]), Identity.parse(case["receiver_secret"])
    ids = bytes.fromhex(case["packet_id_before"])
    monkeypatch.setattr("fastzt.vl1.context.stretched", lambda entropy: entropy)
    switch = Switch(me, planet([]), lambda n: ids * (n // 8), 0)
    peer = switch.context.topology.add(to.without_secret)
    peer.speaks(12 if case["cipher_suite"] == 3 else 11, (1, 14, 1))
    path = switch.context.paths.get(0, A_AT, START)
    path.last_in = START
    path.mtu = case["mtu"]
    peer.learn(path, START)
    plaintext = bytes.fromhex(case["plaintext_packet"])
    payload = plaintext[28:]
    out = TransmitBatch(Slab(20_000))
    offset = switch.reserve(peer, out, len(payload), START)
    if case["fragment_count"] > 7:
        assert offset == -1
        return
    out.slab.view[offset : offset + len(payload)] = payload
    switch.seal(peer, out, len(payload), plaintext[27], START)
    switch.complete()
    sent = []
    for i in range(out.count):
        start, length, step, _, endpoint = out.run(i)
        assert endpoint == A_AT
        sent += [
            bytes(out.slab.view[o : min(o + step, start + length)]).hex()
            for o in range(start, start + length, step)
        ]
    assert sent == case["datagrams"]


def test_the_oldest_packet_gives_way_and_the_rest_survives() -> None:
    from fastzt.vl1.defragmenter import Defragmenter

    one, slab = Defragmenter(), Slab(2000)
    path = Path(0, A_AT)
    for packet_id in range(1, 34):
        assert one.add_head(packet_id, slab, 0, 1432, path, START) == 0
    assert one.overwritten == 1
    assert one.add_piece(1, 2, 1, slab, 0, 10, START) == 0  # its head is gone
    assert one.add_piece(20, 2, 1, slab, 0, 10, START) == 1442
    assert one.path is path


@pytest.mark.parametrize(("total", "number"), [(2, 2), (2, 0), (3, 1)])
def test_pieces_that_contradict_each_other_are_dropped(total: int, number: int) -> None:
    from fastzt.vl1.defragmenter import Defragmenter

    one, slab = Defragmenter(), Slab(2000)
    one.add_piece(5, 4, 2, slab, 0, 10, START)
    assert one.add_piece(5, total, number, slab, 0, 10, START) == 0
    assert one.add_head(5, slab, 0, 1432, Path(0, A_AT), START) == 0


def test_pieces_beyond_the_buffer_are_dropped() -> None:
    from fastzt.vl1.defragmenter import Defragmenter

    one, slab = Defragmenter(), Slab(10024)
    one.add_piece(5, 3, 1, slab, 0, 6000, START)
    assert one.add_piece(5, 3, 2, slab, 0, 6000, START) == 0
    assert one.add_head(5, slab, 0, 1432, Path(0, A_AT), START) == 0
