"""Runs of packets: armored together on the way out, verified together on the way in."""

from __future__ import annotations

import pytest

from fastzt._core.datagram_batch import TransmitBatch
from fastzt._core.packet import PAYLOAD
from fastzt._core.slab import Slab
from fastzt.wire.verbs import Verb

from .sim import A_AT, B_AT, Triangle
from .test_switch import checked, met


def write(t: Triangle, payloads: list[bytes], verb: int = Verb.FRAME) -> TransmitBatch:
    """Packets from a to b in one batch."""
    out = TransmitBatch(Slab(1 << 18))
    peer = t.a.peer(t.b)
    assert peer is not None
    for payload in payloads:
        offset = t.a.switch.reserve(peer, out, len(payload), t.bench.now)
        assert offset >= 0
        out.slab.view[offset : offset + len(payload)] = payload
        t.a.switch.seal(peer, out, len(payload), verb, t.bench.now)
    t.a.switch.complete()
    return out


def give(t: Triangle, messages: list[tuple[bytes, int]]) -> None:
    """Hand b messages (bytes, stride) that came from a, in one batch."""
    batch = t.bench.inward
    batch.clear()
    at = 0
    for data, stride in messages:
        batch.slab.view[at : at + len(data)] = data
        assert batch.add(at, len(data), stride, 0, A_AT)
        at += len(data)
    t.b.switch.receive(batch, t.bench.now)
    t.bench.pump(t.b)


def runs(out: TransmitBatch) -> list[tuple[bytes, int]]:
    """The runs of a batch as bytes and segment size."""
    found = []
    for i in range(out.count):
        offset, length, segment, _, endpoint = out.run(i)
        assert endpoint == B_AT
        found.append((bytes(out.slab.view[offset : offset + length]), segment))
    return found


def payloads_of(sizes: list[int]) -> list[bytes]:
    return [bytes([i % 251]) * size for i, size in enumerate(sizes)]


@pytest.mark.parametrize("protocol", [12, 11], ids=["suite 3", "suite 1"])
@pytest.mark.parametrize(
    "sizes",
    [[1300], [1300] * 30, [1300] * 7 + [40], [40] * 3, [40, 1300, 1300, 1300, 20, 20], [500] * 70],
    ids=["one", "equal", "short end", "short", "mixed", "more than a run"],
)
def test_what_is_sealed_together_opens_together(sizes: list[int], protocol: int) -> None:
    t = met()
    peer = t.a.peer(t.b)
    assert peer is not None
    peer.speaks(protocol, (1, 14, 1))
    payloads = payloads_of(sizes)
    give(t, runs(write(t, payloads)))
    assert [frame[1] for frame in t.b.sink.taken] == payloads
    assert {(frame[0], frame[2]) for frame in t.b.sink.taken} == {(t.a.address, 0)}
    checked(t)


@pytest.mark.parametrize("protocol", [12, 11], ids=["suite 3", "suite 1"])
@pytest.mark.parametrize("forged", [0, 3, 9])
def test_a_forged_packet_takes_none_beside_it_along(forged: int, protocol: int) -> None:
    t = met()
    peer = t.a.peer(t.b)
    assert peer is not None
    peer.speaks(protocol, (1, 14, 1))
    payloads = payloads_of([200] * 9 + [60])
    ((data, stride),) = runs(write(t, payloads))
    damaged = bytearray(data)
    damaged[forged * stride + 40] ^= 1
    before = t.b.total("forged")
    give(t, [(bytes(damaged), stride)])
    assert [frame[1] for frame in t.b.sink.taken] == payloads[:forged] + payloads[forged + 1 :]
    assert t.b.total("forged") == before + 1
    checked(t)


def test_a_message_of_many_senders_is_taken_packet_by_packet() -> None:
    t = met()
    ((from_a, stride),) = runs(write(t, payloads_of([100] * 4)))
    root = t.root.peer(t.b)
    assert root is not None
    out = TransmitBatch(Slab(1 << 16))
    offset = t.root.switch.reserve(root, out, 100, t.bench.now)
    out.slab.view[offset : offset + 100] = bytes(100)
    t.root.switch.seal(root, out, 100, Verb.FRAME, t.bench.now)
    t.root.switch.complete()
    from_root = bytes(out.slab.view[:stride])
    message = from_a[: 2 * stride] + from_root + bytes(stride) + from_a[2 * stride :]
    give(t, [(message, stride)])
    assert [frame[0] for frame in t.b.sink.taken] == [t.a.address] * 2 + [t.root.address] + [t.a.address] * 2
    checked(t)


def test_hops_do_not_end_a_run() -> None:
    t = met()
    ((data, stride),) = runs(write(t, payloads_of([100] * 3)))
    relayed = bytearray(data)
    relayed[stride + 18] |= 2
    give(t, [(bytes(relayed), stride)])
    assert [frame[2] for frame in t.b.sink.taken] == [0, 2, 0]
    checked(t)


def test_other_verbs_in_a_run_go_the_cold_way() -> None:
    t = met()
    echoes = write(t, payloads_of([30] * 4), Verb.MULTICAST_LIKE)
    give(t, runs(echoes))
    assert [packet.verb for packet in t.b.sink.messages][-4:] == [Verb.MULTICAST_LIKE] * 4
    checked(t)


def test_a_truncated_end_is_dropped() -> None:
    t = met()
    for cut in (1, 10, 20, 99):
        ((data, stride),) = runs(write(t, payloads_of([100] * 3)))
        t.b.sink.taken.clear()
        give(t, [(data[: 2 * stride + cut], stride)])
        assert len(t.b.sink.taken) == 2
    checked(t)


def repeated(t: Triangle, sizes: list[int], most: int) -> tuple[TransmitBatch, list[int]]:
    """Packets from a to b: of each size one that is sealed, then up to `most` repeated."""
    out = TransmitBatch(Slab(1 << 18))
    peer = t.a.peer(t.b)
    assert peer is not None
    taken = []
    for number, size in enumerate(sizes):
        offset = t.a.switch.reserve(peer, out, size, t.bench.now)
        out.slab.view[offset : offset + size] = bytes([number]) * size
        t.a.switch.seal(peer, out, size, Verb.FRAME, t.bench.now)
        n = t.a.switch.repeat(peer, out, size, 20, most, t.bench.now)
        for i in range(n):
            end = out.used - i * (size + PAYLOAD)
            out.slab.view[end - size + 20 : end] = bytes([number]) * (size - 20)
        taken.append(n)
    t.a.switch.complete()
    return out, taken


@pytest.mark.parametrize("protocol", [12, 11], ids=["suite 3", "suite 1"])
def test_repeated_packets_are_those_sealed_one_by_one(protocol: int) -> None:
    batches = []
    for again in (True, False):
        t = met()
        peer = t.a.peer(t.b)
        assert peer is not None
        peer.speaks(protocol, (1, 14, 1))
        if again:
            out, taken = repeated(t, [1300, 1300, 700, 700], 10)
            assert taken == [10, 10, 0, 10]  # not behind a short one
        else:
            sizes = [1300] * 22 + [700] * 12
            numbers = [0] * 11 + [1] * 11 + [2] + [3] * 11
            out = write(t, [bytes([n]) * size for n, size in zip(numbers, sizes, strict=True)])
        batches.append(runs(out))
        give(t, batches[-1])
        assert len(t.b.sink.taken) == 22 + 12
        checked(t)
    assert batches[0] == batches[1]


def test_only_what_follows_at_once_is_repeated() -> None:
    t = met()
    out = TransmitBatch(Slab(1 << 18))
    peer, other = t.a.peer(t.b), t.a.peer(t.root)
    assert peer is not None
    assert other is not None
    assert t.a.switch.repeat(peer, out, 500, 20, 5, t.bench.now) == 0
    offset = t.a.switch.reserve(peer, out, 500, t.bench.now)
    assert offset >= 0
    t.a.switch.seal(peer, out, 500, Verb.FRAME, t.bench.now)
    assert t.a.switch.repeat(other, out, 500, 20, 5, t.bench.now) == 0
    assert t.a.switch.repeat(peer, out, 499, 20, 5, t.bench.now) == 0
    assert t.a.switch.repeat(peer, TransmitBatch(Slab(1 << 18)), 500, 20, 5, t.bench.now) == 0
    assert t.a.switch.repeat(peer, out, 500, 20, 5, t.bench.now) == 5
    t.a.switch.complete()
    assert t.a.switch.repeat(peer, out, 500, 20, 5, t.bench.now) == 0
