"""A router behind the next hop takes less than the network, and says so (RFC 1191, RFC 8201)."""

from __future__ import annotations

import errno
import heapq
import random
import socket
import struct

import pytest

from fastzt.netstack.path_mtus import LIFETIME, MAX_DESTINATIONS, UNKNOWN, PathMtus

from .bench import SECOND, A, B, Bench, Link, Wire, transfer
from .wire import MAPPED, internet_sum, ip_packet

V6 = (bytes([0xFD, *range(15)]), bytes([0xFD, *range(14), 99]))
FAMILIES = pytest.mark.parametrize("addresses", [(A, B), V6], ids=["IPv4", "IPv6"])
NARROW = 1300


def too_big(ours: bytes, theirs: bytes, packet: bytes, mtu: int) -> bytes:
    """The message about a packet of `ours`."""
    if ours.startswith(MAPPED):
        body = struct.pack(">BBHHH", 3, 4, 0, 0, mtu) + packet[:548]
        return ip_packet(theirs, ours, 1, body[:2] + internet_sum(body).to_bytes(2, "big") + body[4:])
    body = struct.pack(">BBHI", 2, 0, 0, mtu) + packet[:1232]
    total = internet_sum(theirs + ours + struct.pack(">II", len(body), 58) + body)
    return ip_packet(theirs, ours, 58, body[:2] + total.to_bytes(2, "big") + body[4:])


class Narrow(Bench):
    """What a sends above NARROW bytes comes back as a message; `told` counts, `mtu` is what it says."""

    def __init__(self, addresses: tuple[bytes, bytes], mtu: int = NARROW) -> None:
        super().__init__(Link(delay=1000), addresses=addresses)
        self.addresses = addresses
        self.mtu = mtu
        self.told = 0

    def carry(self, wire: Wire, packet: bytes, now: int) -> None:
        if wire.side or len(packet) <= NARROW:
            super().carry(wire, packet, now)
            return
        self.told += 1
        self.count += 1
        message = too_big(*self.addresses, packet, self.mtu)
        heapq.heappush(self.flying, (now + 1000, self.count, 0, message))


@FAMILIES
def test_tcp_goes_on_in_smaller_segments(addresses: tuple[bytes, bytes]) -> None:
    bench = Narrow(addresses)
    near, far, _ = bench.pair()
    data = random.Random(1).randbytes(100_000)
    assert transfer(bench, near, far, data, 60 * SECOND, close=False) == data
    assert near.get_option("mss") == NARROW - (52 if addresses[0] == A else 72)
    assert 0 < bench.told <= 32
    assert transfer(bench, far, near, data, 60 * SECOND) == data


@FAMILIES
def test_a_message_about_another_segment_is_ignored(addresses: tuple[bytes, bytes]) -> None:
    bench = Bench(Link(delay=1000), addresses=addresses)
    sent: list[bytes] = []
    bench.spy = lambda side, packet: sent.append(packet) if side == 0 else None
    near, far, _ = bench.pair()
    before = near.get_option("mss")
    assert transfer(bench, near, far, b"x" * 5000, SECOND, close=False) == b"x" * 5000
    largest = max(sent, key=len)
    bench.a.take(too_big(*addresses, largest, NARROW), bench.now)  # long acknowledged
    assert near.get_option("mss") == before


@FAMILIES
def test_a_connected_socket_is_told_and_the_next_datagram_arrives(addresses: tuple[bytes, bytes]) -> None:
    bench = Narrow(addresses)
    near, far = (side.stack.datagrams.bind(None, 9000, bench.now) for side in bench.sides)
    near.connect((addresses[1], 9000), bench.now)
    near.send(bytes(1310), None, bench.now)
    bench.run(SECOND)
    with pytest.raises(OSError, match="long") as caught:
        near.receive()
    assert caught.value.errno == errno.EMSGSIZE
    near.send(bytes(1311), None, bench.now)
    bench.run(SECOND)
    assert far.receive() == (bytes(1311), (addresses[0], 9000))
    assert bench.told == 1
    bench.run(2 * LIFETIME)
    near.send(bytes(1310), None, bench.now)
    bench.run(SECOND)
    assert bench.told == 2


@FAMILIES
def test_a_socket_that_is_not_connected_and_ping_learn_it_too(addresses: tuple[bytes, bytes]) -> None:
    for connected in (False, True):
        bench = Narrow(addresses)
        near, far = (side.stack.datagrams.bind(None, 9000, bench.now) for side in bench.sides)
        if connected:
            pinger = bench.a.stack.datagrams.pinger(addresses[1])
            pinger.send(1310, bench.now)
            bench.run(SECOND)
            assert pinger.take().error == errno.EMSGSIZE
        else:
            near.send(bytes(1310), (addresses[1], 9000), bench.now)
            bench.run(SECOND)
            assert near.receive() is None
        near.send(bytes(1310), (addresses[1], 9000), bench.now)
        bench.run(SECOND)
        assert far.receive() == (bytes(1310), (addresses[0], 9000))
        assert bench.told == 1


@pytest.mark.parametrize(("family", "least"), [(socket.AF_INET, 552), (socket.AF_INET6, 1280)])
def test_nobody_makes_packets_tiny(family: int, least: int) -> None:
    addresses = (A, B) if family == socket.AF_INET else V6
    bench = Narrow(addresses, mtu=100)
    near = bench.a.stack.datagrams.bind(None, 9000, bench.now)
    near.send(bytes(1310), (addresses[1], 9000), bench.now)
    bench.run(SECOND)
    assert bench.a.stack.datagrams.path_mtus.of(addresses[1], bench.now) == least


def test_the_table_is_capped_and_never_widens() -> None:
    known = PathMtus()
    for number in range(MAX_DESTINATIONS + 5):
        known.narrow(number.to_bytes(16, "big"), 1300, 0)
    assert len(known) == MAX_DESTINATIONS
    last = (MAX_DESTINATIONS + 4).to_bytes(16, "big")
    known.narrow(last, 1400, 1)
    assert known.of(last, 2) == 1300
    assert known.of(last, LIFETIME + 1) == UNKNOWN
    assert known.of(bytes(16), 0) == UNKNOWN
