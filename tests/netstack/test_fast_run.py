"""Segments handed over in a row are taken exactly as if they had come one by one."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from fastzt._core.slab import Slab
from fastzt.netstack.tcp.connection import Connection

from .bench import Bench
from .wire import internet_sum, v4

Packets = list[bytes]
STRIDE = 1400
A6, B6 = bytes.fromhex("fd" + "00" * 14 + "01"), bytes.fromhex("fd" + "00" * 14 + "02")
A4, B4 = v4("10.0.0.1"), v4("10.0.0.2")


def patched(packet: bytes, at: int, value: bytes, fix: bool = True) -> bytes:
    """An IPv4 packet with other bytes in its TCP header or payload, and a right checksum again."""
    data = bytearray(packet)
    data[20 + at : 20 + at + len(value)] = value
    if fix:
        data[36:38] = bytes(2)
        pseudo = bytes(data[12:20]) + bytes([0, 6]) + (len(data) - 20).to_bytes(2, "big")
        data[36:38] = internet_sum(pseudo + bytes(data[20:])).to_bytes(2, "big")
    return bytes(data)


def swapped(packets: Packets, i: int, j: int) -> Packets:
    changed = list(packets)
    changed[i], changed[j] = changed[j], changed[i]
    return changed


def at(i: int, change: Callable[[bytes], bytes]) -> Callable[[Packets], Packets]:
    return lambda packets: [change(p) if k == i else p for k, p in enumerate(packets)]


CHANGES: dict[str, Callable[[Packets], Packets]] = {
    "nothing": lambda packets: packets,
    "a bad checksum": at(3, lambda p: patched(p, 40, b"x", fix=False)),
    "a bad IP checksum": at(3, lambda p: p[:10] + bytes([p[10] ^ 1]) + p[11:]),
    "another window": at(4, lambda p: patched(p, 14, b"\x01\x00")),
    "another timestamp": at(4, lambda p: patched(p, 24, bytes([p[44] ^ 0, p[45], p[46], p[47] ^ 1]))),
    "an old timestamp": at(4, lambda p: patched(p, 24, bytes(4))),
    "a FIN at the end": at(9, lambda p: patched(p, 13, b"\x11")),
    "a FIN too early": at(5, lambda p: patched(p, 13, b"\x11")),
    "a RST": at(5, lambda p: patched(p, 13, b"\x14")),
    "a SYN": at(5, lambda p: patched(p, 13, b"\x12")),
    "no ACK flag": at(5, lambda p: patched(p, 13, b"\x08")),
    "PSH": at(5, lambda p: patched(p, 13, b"\x18")),
    "an acknowledgment of nothing sent": at(5, lambda p: patched(p, 8, b"\xff\xff\xff\xff")),
    "other ports": at(5, lambda p: patched(p, 0, b"\x00\x01")),
    "a gap": lambda packets: packets[:4] + packets[5:],
    "a gap that is filled": lambda packets: packets[:4] + packets[5:] + packets[4:5],
    "a duplicate": lambda packets: packets[:5] + packets[4:],
    "two the other way round": lambda packets: swapped(packets, 4, 5),
    "no text": at(4, lambda p: p[:2] + (52).to_bytes(2, "big") + p[4:52]),
    "another type of service": at(4, lambda p: p[:1] + b"\x10" + p[2:]),
}


def emitted(bench: Bench, client: Connection, size: int, most: int) -> Packets:
    """What a's stack sends for `size` bytes, and keeps: nothing is delivered."""
    packets: Packets = []
    bench.spy = lambda side, packet: packets.append(packet)
    client.write(random.Random(5).randbytes(size), bench.now)
    bench.a.transmit(bench.now)
    bench.spy = None
    bench.flying.clear()
    return packets[:most]


def take_run(bench: Bench, packets: Packets) -> int:
    """Give b the packets as one run; those that it leaves go one by one. How many the run took."""
    slab, offset = Slab(STRIDE * len(packets) + 64), 8
    for i, packet in enumerate(packets):
        slab.view[offset + i * STRIDE : offset + i * STRIDE + len(packet)] = packet
    sizes = {len(packet) for packet in packets[:-1]}
    if len(sizes) > 1:
        return take_pieces(bench, packets)
    size, last = (sizes or {len(packets[-1])}).pop(), len(packets[-1])
    peer = bench.b.egress.neighbor
    taken = bench.b.stack.fast_run(peer, slab, offset, STRIDE, len(packets), size, last, 1, bench.now)
    for packet in packets[taken : taken + 1]:
        bench.b.take(packet, bench.now)
    rest = packets[taken + 1 :]
    return taken + (take_run(bench, rest) if rest else 0)


def take_pieces(bench: Bench, packets: Packets) -> int:
    """As take_run where sizes differ: runs end at a packet of another size, as VL1's do."""
    i = 1
    while i < len(packets) and len(packets[i]) == len(packets[0]):
        i += 1
    i += i < len(packets) and len(packets[i]) < len(packets[0])
    return take_run(bench, packets[:i]) + (take_run(bench, packets[i:]) if packets[i:] else 0)


def outcome(bench: Bench, server: Connection) -> list[object]:
    """Everything that the other end and the user can see."""
    answers: Packets = []
    bench.spy = lambda side, packet: answers.append(packet)
    bench.b.stack.after_batch(bench.now)
    while bench.b.transmit(bench.now):
        pass
    bench.spy = None
    buffer = bytearray(1 << 16)
    n = 0
    if server.readable:
        n = server.read_into(buffer, bench.now)
    return [answers, bytes(buffer[:n]), server.state, server.error, server.eof, bench.b.stack.stats.as_dict()]


def play(change: Callable[[Packets], Packets], in_run: bool, v6: bool = False) -> tuple[list[object], int]:
    bench = Bench(addresses=(A6, B6) if v6 else (A4, B4))
    client, server, _ = bench.pair()
    bench.run(1_000_000)
    packets = change(emitted(bench, client, 12_000, 10))
    taken = 0
    if in_run:
        taken = take_run(bench, packets)
    else:
        for packet in packets:
            bench.b.take(packet, bench.now)
    return outcome(bench, server), taken


@pytest.mark.parametrize("name", CHANGES)
def test_a_run_is_taken_as_its_packets_are(name: str) -> None:
    one_by_one, _ = play(CHANGES[name], in_run=False)
    together, _ = play(CHANGES[name], in_run=True)
    assert together == one_by_one


def test_a_run_of_ipv6_is_taken_as_its_packets_are() -> None:
    one_by_one, _ = play(CHANGES["nothing"], in_run=False, v6=True)
    together, taken = play(CHANGES["nothing"], in_run=True, v6=True)
    assert together == one_by_one
    assert taken > 5


def test_the_run_takes_all_that_continues_a_stream() -> None:
    (_, text, *_), taken = play(CHANGES["nothing"], in_run=True)
    assert taken == len(emitted_count())
    assert len(bytes(text)) > 10_000  # type: ignore[call-overload]


def emitted_count() -> Packets:
    bench = Bench(addresses=(A4, B4))
    client, _, _ = bench.pair()
    bench.run(1_000_000)
    return emitted(bench, client, 12_000, 10)


def test_another_peer_takes_no_part_in_a_run() -> None:
    bench = Bench(addresses=(A4, B4))
    client, server, _ = bench.pair()
    bench.run(1_000_000)
    packets = emitted(bench, client, 5_000, 10)
    slab = Slab(STRIDE * len(packets))
    for i, packet in enumerate(packets):
        slab.view[i * STRIDE : i * STRIDE + len(packet)] = packet
    size, last = len(packets[0]), len(packets[-1])
    assert bench.b.stack.fast_run(object(), slab, 0, STRIDE, len(packets), size, last, 1, bench.now) == 0
    peer = bench.b.egress.neighbor
    assert bench.b.stack.fast_run(peer, slab, 0, STRIDE, len(packets), size, last, 2, bench.now) == 0
    assert server.readable == 0
