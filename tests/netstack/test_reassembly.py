"""Reassembly: whatever order pieces come in, a bounded number of them, none that overlap."""

from __future__ import annotations

import random
from typing import Any

import pytest

from fastzt._core.stats import Stats
from fastzt._core.timer_wheel import TimerWheel
from fastzt.netstack import ip_packet, reassembly
from fastzt.netstack.reassembly import Reassembly

from .bench import A, B, Bench
from .wire import ip_packet as packet_by_hand

V6 = (bytes([0xFD, *range(15)]), bytes([0xFD, *range(14), 99]))
FAMILIES = pytest.mark.parametrize("ends", [(A, B), V6], ids=["IPv4", "IPv6"])
PEER, OTHER = object(), object()


class Rig:
    """A Reassembly with a wheel of its own; `counts` is what it has counted."""

    def __init__(self) -> None:
        self.now = 1_000_000
        self.wheel = TimerWheel(self.now)
        self.stats = Stats()
        self.made = Reassembly(self.wheel, self.stats)

    def give(self, packet: bytes, peer: object = PEER) -> bytes | None:
        return self.made.plain(peer, packet, self.now)

    def later(self, microseconds: int) -> None:
        self.now += microseconds
        self.wheel.expire(self.now)
        while self.wheel.pop() >= 0:
            self.made.expired(self.now)

    @property
    def counts(self) -> dict[str, int]:
        return self.stats.as_dict()

    def is_empty(self) -> bool:
        return len(self.made) == 0 and self.made.held == 0 and self.wheel.armed == 0


def pieces_of(ends: tuple[bytes, bytes], size: int = 4000, mtu: int = 1280, number: int = 7) -> Any:
    """A packet and its fragments."""
    body = random.Random(size).randbytes(size)
    packet = ip_packet.whole(*ends, 17, body)
    return body, ip_packet.cut(packet, mtu, number)


def body_of(packet: bytes) -> bytes:
    return packet[ip_packet.header_length(packet) :]


@FAMILIES
def test_in_every_order(ends: tuple[bytes, bytes]) -> None:
    body, pieces = pieces_of(ends)
    assert len(pieces) == 4
    rig = Rig()
    dice = random.Random(3)
    for _ in range(50):
        shuffled = dice.sample(pieces, 4)
        repeated = [piece for piece in shuffled[:3] for _ in range(dice.choice((1, 1, 2)))]
        assert [rig.give(piece) for piece in repeated] == [None] * len(repeated)
        whole = rig.give(shuffled[3])
        assert whole is not None
        assert body_of(whole) == body
        assert (ip_packet.source_of(whole), ip_packet.destination_of(whole)) == ends
        assert rig.is_empty()
    assert rig.counts == {}


@FAMILIES
def test_what_is_made_is_right_by_hand(ends: tuple[bytes, bytes]) -> None:
    body, pieces = pieces_of(ends)
    rig = Rig()
    whole = [rig.give(piece) for piece in pieces][-1]
    by_hand = packet_by_hand(*ends, 17, body)
    if ends[0] == A:  # all but the flag that forbids fragments, and the checksum
        assert whole is not None
        assert (whole[:6], whole[8:10], whole[12:]) == (by_hand[:6], by_hand[8:10], by_hand[12:])
        assert ip_packet.checksum(whole[:20]) in (0, 0xFFFF)
    else:
        assert whole == by_hand


@FAMILIES
def test_pieces_of_other_datagrams_do_not_mix(ends: tuple[bytes, bytes]) -> None:
    body, pieces = pieces_of(ends)
    _, others = pieces_of(ends, number=8)
    rig = Rig()
    for piece in pieces[:3]:
        assert rig.give(piece) is None
    assert rig.give(others[3]) is None
    assert rig.give(pieces[3], OTHER) is None  # another node's
    assert len(rig.made) == 3
    whole = rig.give(pieces[3])
    assert whole is not None
    assert body_of(whole) == body


@FAMILIES
def test_overlapping_pieces_spoil_their_datagram(ends: tuple[bytes, bytes]) -> None:
    _, pieces = pieces_of(ends)
    _, others = pieces_of(ends, size=4008, mtu=1000)
    for last in (others[1], others[3]):
        rig = Rig()
        assert rig.give(pieces[0]) is None
        assert rig.give(pieces[2]) is None
        assert rig.give(last) is None
        for piece in pieces:
            assert rig.give(piece) is None
        assert rig.counts == {"netstack.fragment_overlap": 5}
        assert rig.made.held == reassembly.OVERHEAD
        rig.later(reassembly.TIMEOUT)
        assert rig.is_empty()


@FAMILIES
def test_two_different_ends(ends: tuple[bytes, bytes]) -> None:
    _, long = pieces_of(ends, size=4000)
    _, short = pieces_of(ends, size=3000)
    for first, second in ((long, short), (short, long)):
        rig = Rig()
        rig.give(first[-1])
        rig.give(second[-1])
        assert rig.counts == {"netstack.fragment_overlap": 1}
    rig = Rig()
    rig.give(long[-1])
    rig.give(short[-1])
    assert rig.give(long[0]) is None


@FAMILIES
def test_time_is_bounded(ends: tuple[bytes, bytes]) -> None:
    _, pieces = pieces_of(ends)
    rig = Rig()
    rig.give(pieces[0])
    rig.later(reassembly.TIMEOUT // 2)
    _, others = pieces_of(ends, number=8)
    rig.give(others[0])
    rig.later(reassembly.TIMEOUT // 2)
    assert rig.counts == {"netstack.reassembly_timeout": 1}
    assert len(rig.made) == 1
    rig.later(reassembly.TIMEOUT // 2)
    assert rig.is_empty()
    assert rig.counts == {"netstack.reassembly_timeout": 2}


@FAMILIES
def test_memory_is_bounded(ends: tuple[bytes, bytes]) -> None:
    rig = Rig()
    peers = [object() for _ in range(100)]
    for number in range(2000):
        _, pieces = pieces_of(ends, size=60000, mtu=9000, number=number)
        for piece in pieces[:-1]:
            rig.give(piece, peers[number % 100])
            assert rig.made.held <= reassembly.MAX_BYTES
            assert len(rig.made) <= reassembly.MAX_DATAGRAMS
    assert rig.counts["netstack.reassembly_evicted"] == 2000 - len(rig.made)
    rig.made.clear()
    assert rig.is_empty()


def test_one_node_cannot_crowd_out_the_others() -> None:
    rig = Rig()
    _, waits = pieces_of((A, B), number=9999)
    for piece in waits[:-1]:
        rig.give(piece, OTHER)
    for number in range(1000):
        rig.give(pieces_of((A, B), number=number)[1][0])
    assert len(rig.made) == reassembly.MAX_OF_PEER + 1
    assert rig.give(waits[-1], OTHER) is not None


@FAMILIES
def test_tiny_pieces_are_limited(ends: tuple[bytes, bytes]) -> None:
    _, pieces = pieces_of(ends, size=8 * 800, mtu=56)
    rig = Rig()
    for piece in pieces:
        assert rig.give(piece) is None
    assert len(pieces) > reassembly.MAX_PIECES
    assert rig.counts["netstack.fragment_overlap"] == len(pieces) - reassembly.MAX_PIECES


def test_malformed_pieces() -> None:
    rig = Rig()
    addresses = A[12:] + B[12:]
    for total, place, data in (
        (20, ip_packet.MORE_V4, b""),
        (27, ip_packet.MORE_V4, b"1234567"),
        (28, 8191, b"12345678"),
    ):
        assert rig.give(ip_packet.v4(total, 1, place, 17, addresses) + data) is None
    head = b"\x60\0\0\0" + b"\0\x07" + bytes((44, 64)) + V6[0] + V6[1]
    assert rig.give(head + bytes(7)) is None
    assert rig.counts == {"netstack.fragment_malformed": 4}
    assert rig.is_empty()


def extended(kinds: list[int], body: bytes, last: int = 17) -> bytes:
    """An IPv6 packet with 8-byte extension headers of these kinds."""
    chain = b"".join(bytes((following, 0)) + bytes(6) for following in [*kinds[1:], last])
    payload = chain + body
    return b"\x60\0\0\0" + len(payload).to_bytes(2, "big") + bytes((kinds[0], 64)) + V6[0] + V6[1] + payload


@pytest.mark.parametrize("kinds", [[0], [60], [43], [0, 60, 43], [0, 44], [44], [44, 60], [0] * 7])
def test_extension_headers_are_skipped(kinds: list[int]) -> None:
    rig = Rig()
    assert rig.give(extended(kinds, b"body")) == packet_by_hand(*V6, 17, b"body")
    assert rig.is_empty()


@pytest.mark.parametrize("kinds", [[0] * 9, [44, 44], [44, 0, 44], [44] * 5000])
def test_more_extension_headers_than_anybody_needs(kinds: list[int]) -> None:
    rig = Rig()
    assert rig.give(extended(kinds, b"body")) is None
    assert rig.counts == {"netstack.fragment_malformed": 1}


def test_broken_extension_headers() -> None:
    rig = Rig()
    good = extended([0], b"body")
    assert rig.give(good[:41] + b"\x01" + good[42:]) is None  # longer than the packet
    routed = extended([43], b"body")
    assert rig.give(routed[:43] + b"\x01" + routed[44:]) is None  # a segment left: not for us
    assert rig.counts == {"netstack.fragment_malformed": 2}


def test_a_stack_takes_extension_headers() -> None:
    bench = Bench(addresses=V6)
    endpoint = bench.a.stack.datagrams.bind(None, 5000, bench.now)
    plain = bench.b.stack.datagrams.bind(None, 9, bench.now)
    packets: list[bytes] = []
    bench.spy = lambda side, packet: packets.append(packet)
    plain.send(b"data", (V6[0], 5000), bench.now)
    bench.transmit()
    [packet] = packets
    payload = bytes((17, 0)) + bytes(6) + packet[40:]
    longer = packet[:4] + len(payload).to_bytes(2, "big") + bytes((60, 64)) + packet[8:40] + payload
    bench.a.take(longer, bench.now)
    assert endpoint.receive() == (b"data", (V6[1], 9))
