"""The hot structures and header codecs, through their Python faces; each benchmark checks its result."""

from __future__ import annotations

from typing import Any

from fastzt._core import ipv4, packet, tcp_header
from fastzt._core.assembler import Assembler
from fastzt._core.ring_buffer import RingBuffer
from fastzt._core.segment_queue import SegmentQueue
from fastzt._core.slab import Slab
from fastzt._core.stats import Stats, register
from fastzt._core.timer_wheel import TimerWheel

SEGMENT = 1354


def test_ring_in_and_out(benchmark: Any) -> None:
    """64 KiB appended segment by segment, read by one call."""
    ring, slab, target = RingBuffer(1 << 20), Slab(SEGMENT), bytearray(1 << 16)
    slab.view[:] = bytes(i & 0xFF for i in range(SEGMENT))

    def run() -> int:
        for _ in range(48):
            ring.append(slab, 0, SEGMENT)
        return ring.read_into(target)

    assert benchmark(run) == 48 * SEGMENT
    assert target[: 48 * SEGMENT] == bytes(slab.view) * 48


def test_ring_peek(benchmark: Any) -> None:
    """48 segments copied from the send ring."""
    ring, slab = RingBuffer(1 << 20), Slab(SEGMENT)
    data = bytes(i * 7 & 0xFF for i in range(48 * SEGMENT))
    ring.write(data)

    def run() -> bool:
        return all(ring.peek(i * SEGMENT, slab, 0, SEGMENT) for i in range(48))

    assert benchmark(run)
    assert bytes(slab.view) == data[47 * SEGMENT :]


def test_assembler_with_holes(benchmark: Any) -> None:
    """Every other segment of 60, SACK blocks chosen for each, then the holes."""

    def run() -> int:
        a = Assembler()
        for i in range(1, 60, 2):
            a.add(i * SEGMENT, (i + 1) * SEGMENT)
            a.select(3)
        for i in range(0, 60, 2):
            a.add(i * SEGMENT, (i + 1) * SEGMENT)
        return a.contiguous()

    assert benchmark(run) == 60 * SEGMENT


def test_segment_queue_in_order(benchmark: Any) -> None:
    """100 runs of 45 segments pushed, each acknowledged by one ACK."""
    run_bytes = 45 * SEGMENT

    def run() -> int:
        q = SegmentQueue()
        for i in range(100):
            q.push(i * run_bytes, (i + 1) * run_bytes, i)
        total = 0
        for i in range(100):
            q.begin_ack()
            total += q.acknowledge((i + 1) * run_bytes, 1000 + i)
        return total

    assert benchmark(run) == 4500 * SEGMENT


def test_segment_queue_recovery(benchmark: Any) -> None:
    """One segment of every 10 lost in 1,000: SACK, loss detection, retransmission, acknowledgment."""

    def run() -> tuple[int, int]:
        q = SegmentQueue()
        for i in range(1000):
            q.push(i * SEGMENT, (i + 1) * SEGMENT, i)
        sent = 0
        for i in range(0, 1000, 10):
            q.begin_ack()
            q.sack((i + 1) * SEGMENT, (i + 10) * SEGMENT, 5000 + i)
            q.mark_lost_by_time(i + 9, (i + 10) * SEGMENT, 4000, 5000 + i)
            while (record := q.next_lost()) >= 0:
                sent += q.retransmit(record, SEGMENT, 5000 + i)
        return sent // SEGMENT, q.acknowledge(1000 * SEGMENT, 9000) // SEGMENT

    assert benchmark(run) == (100, 100)


def test_timer_wheel_rearmed(benchmark: Any) -> None:
    """1,000 timers of 200 ms moved on, as retransmission timers are, and the minimum asked each time."""
    wheel = TimerWheel(0)
    timers = [wheel.allocate(None) for _ in range(1000)]

    def run() -> int:
        for i, timer in enumerate(timers):
            wheel.arm(timer, 200_000 + i)
            wheel.minimum()
        return wheel.minimum()

    # The start of the bucket that they share, or the first of them.
    assert 196_608 <= benchmark(run) <= 200_000
    assert wheel.armed == 1000


def test_timer_wheel_expiring(benchmark: Any) -> None:
    """1,000 timers over 10 s armed and fired."""

    def run() -> int:
        wheel = TimerWheel(0)
        for i in range(1000):
            wheel.arm(wheel.allocate(None), i * 10_000)
        fired = 0
        for now in range(0, 10_000_000, 100_000):
            wheel.expire(now)
            while wheel.pop() >= 0:
                fired += 1
        return fired

    assert benchmark(run) == 991


def test_headers_read(benchmark: Any) -> None:
    """VL1, IPv4 and TCP headers of one segment, checked and read."""
    s, options = Slab(100), tcp_header.TcpOptions()
    packet.write_header(s, 0, 1, 2, 3, 0x18, packet.FRAME)
    ipv4.write(s, 28, 52, 1, ipv4.PROTOCOL_TCP, 0x0A000001, 0x0A000002)
    tcp_header.write(s, 48, 1000, 2000, 5, 6, 32, tcp_header.ACK, 7)
    options.has_timestamps, options.ts_value = True, 77
    options.write(s, 68)

    def run() -> tuple[int, ...]:
        packet.classify(s, 0, 80)
        ip = ipv4.check(s, 28, 52)
        tcp = tcp_header.check(s, 28 + ip, 52 - ip)
        options.parse(s, 48, tcp)
        return packet.source(s, 0), ip, tcp, tcp_header.sequence(s, 48), options.ts_value

    assert benchmark(run) == (3, 20, 32, 5, 77)


def test_stats(benchmark: Any) -> None:
    """1,000 drops counted."""
    stats, reason = Stats(), register("bench.reason")

    def run() -> int:
        before = stats.value(reason)
        for _ in range(1000):
            stats.drop(reason)
        return stats.value(reason) - before

    assert benchmark(run) == 1000
