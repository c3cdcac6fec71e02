"""Mutated datagrams, echoes, errors and fragments: nothing raises, nothing grows past its cap."""

from __future__ import annotations

import random

import pytest

import fastzt
from fastzt.netstack import icmp, ip_packet, reassembly
from fastzt.netstack.udp import datagram

from .bench import A, B, Bench
from .wire import v4

V6 = (bytes([0xFD, *range(15)]), bytes([0xFD, *range(14), 99]))
PACKETS = 40_000 if fastzt.is_compiled() else 4_000
PEERS = [object() for _ in range(5)]


def seeds(ours: bytes, theirs: bytes) -> list[bytes]:
    """Packets of every kind that a stack takes besides TCP, right in every field."""
    data = bytes(range(256)) * 12
    sent = datagram((ours, 5000), (theirs, 9), b"question")
    unreachable = icmp.port_unreachable(theirs, ours, sent)
    long = datagram((theirs, 9), (ours, 5000), data)
    group = v4("239.1.2.3") if ours == A else bytes([0xFF, 2, *bytes(14)])
    whole = [
        datagram((theirs, 9), (ours, 5000), b"answer"),
        datagram((theirs, 9), (ours, 1), b"nobody"),
        datagram((theirs, 9), (group, 5000), b"group"),
        icmp.echo(theirs, ours, 1, 2, data[:100]),
        unreachable,
    ]
    pieces = [piece for mtu in (576, 1280) for piece in ip_packet.cut(long, mtu, mtu)]
    return whole + pieces


def mutated(packet: bytes, dice: random.Random) -> bytes:
    """The packet with a few bytes changed, cut or lengthened; IPv4's header checksum is right again."""
    changed = bytearray(packet)
    for _ in range(dice.choice((0, 1, 1, 2, 5))):
        at = dice.randrange(min(len(changed), 64))
        changed[at] = dice.choice((0, 1, 0x7F, 0xFF, changed[at] ^ 1 << dice.randrange(8)))
    if dice.random() < 0.2:
        del changed[dice.randrange(1, len(changed)) :]
    elif dice.random() < 0.1:
        changed += dice.randbytes(dice.randrange(1, 40))
    size = (changed[0] & 15) * 4
    if changed[0] >> 4 == 4 and 20 <= size <= len(changed):
        changed[10:12] = b"\0\0"
        changed[10:12] = ip_packet.checksum(bytes(changed[:size])).to_bytes(2, "big")
    return bytes(changed)


@pytest.mark.parametrize("ends", [(A, B), V6], ids=["IPv4", "IPv6"])
def test_noise(ends: tuple[bytes, bytes]) -> None:
    bench = Bench(addresses=ends)
    dice = random.Random(11)
    stack = bench.a.stack
    near = stack.datagrams.bind(None, 5000, bench.now)
    near.connect((ends[1], 9), bench.now)
    near.join(v4("239.1.2.3") if ends[0] == A else bytes([0xFF, 2, *bytes(14)]), bench.now)
    pinger = stack.datagrams.pinger(ends[1])
    pinger.send(56, bench.now)
    good = seeds(*ends)
    right = bench.a.egress.neighbor
    received = 0
    for number in range(PACKETS):
        peer = right if dice.random() < 0.5 else dice.choice(PEERS)
        bench.a.take(mutated(dice.choice(good), dice), bench.now, peer=peer, generation=0)
        if number % 100 == 0:
            bench.transmit()
            bench.now += 50_000
            bench.tick()
            received += len(near.incoming)
            near.incoming.clear()
            near.held = 0
            near.take_error()
            held = stack.datagrams.reassembly
            assert len(held) <= reassembly.MAX_DATAGRAMS
            assert held.held <= reassembly.MAX_BYTES
            assert len(stack.replies) <= stack.config.max_replies
    assert received > PACKETS // 100
    assert {"netstack.malformed_udp", "netstack.icmp_ignored", "netstack.wrong_peer"} <= set(
        stack.stats.as_dict()
    )
    bench.run(60_000_000)
    assert len(stack.datagrams.reassembly) == 0
    assert stack.datagrams.reassembly.held == 0
