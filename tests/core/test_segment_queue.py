"""SegmentQueue: round trips by Karn, delivery rate state, loss by SACK and by time, splitting."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from support.pair import pair

SACKED, LOST, RETRANSMITTED, EVER, APP_LIMITED = 1, 2, 4, 8, 16


def queue_of(m: ModuleType, n: int, size: int = 100, gap: int = 1000) -> Any:
    """`n` records of `size` bytes, sent `gap` microseconds apart from 0 on."""
    q = m.SegmentQueue()
    for i in range(n):
        assert q.push(i * size, (i + 1) * size, i * gap)
    return q


def marks(q: Any) -> list[int]:
    return [q.record(i)[3] for i in range(q.count)]


@pair("segment_queue")
def test_one_batch_is_one_record(m: ModuleType, make: Any) -> None:
    q = m.SegmentQueue()
    for i in range(60):
        assert q.push(i * 1354, (i + 1) * 1354, 5)
    assert [q.record(i)[:2] for i in range(q.count)] == [(0, 48 * 1354), (48 * 1354, 60 * 1354)]
    assert q.push(60 * 1354, 61 * 1354, 6)
    assert q.count == 3
    assert (q.start(), q.end(), q.pipe()) == (0, 61 * 1354, 61 * 1354)
    assert not q.push(61 * 1354 + 1, 62 * 1354, 7)
    assert not q.push(61 * 1354, 61 * 1354, 7)
    with pytest.raises(IndexError):
        q.record(3)


@pair("segment_queue")
def test_round_trip_skips_what_was_sent_twice(m: ModuleType, make: Any) -> None:
    q = queue_of(m, 3)
    assert q.mark_lost(1)
    assert q.retransmit(q.next_lost(), 1000, 5000) == 100
    q.begin_ack()
    assert q.acknowledge(100, 6000) == 100
    assert (q.rtt_sent_at, q.newest_sent_at, q.newest_end) == (0, 0, 100)
    q.begin_ack()
    assert (q.rtt_sent_at, q.newest_sent_at) == (-1, -1)
    assert q.acknowledge(200, 7000) == 100
    assert (q.rtt_sent_at, q.newest_sent_at, q.newest_flags & EVER) == (-1, 5000, EVER)
    q.begin_ack()
    assert q.acknowledge(300, 7500) == 100
    assert q.rtt_sent_at == 2000
    assert (q.count, q.pipe(), q.delivered, q.delivered_at) == (0, 0, 300, 7500)


@pair("segment_queue")
def test_a_record_knows_the_delivery_when_it_was_sent(m: ModuleType, make: Any) -> None:
    q = m.SegmentQueue()
    q.push(0, 1000, 100)
    q.push(1000, 2000, 200)
    q.begin_ack()
    q.acknowledge(1000, 1100)
    assert (q.prior_delivered, q.prior_delivered_at, q.prior_first_sent_at) == (0, 100, 100)
    q.app_limited = True
    q.push(2000, 3000, 1200)
    q.begin_ack()
    q.acknowledge(3000, 2200)
    assert (q.delivered, q.prior_delivered, q.prior_delivered_at) == (3000, 1000, 1100)
    assert (q.prior_first_sent_at, q.newest_sent_at) == (100, 1200)
    assert q.newest_flags & APP_LIMITED
    q.push(3000, 4000, 9000)  # after idleness the interval begins anew
    q.begin_ack()
    q.acknowledge(4000, 9500)
    assert (q.prior_delivered, q.prior_delivered_at, q.prior_first_sent_at) == (3000, 9000, 9000)


@pair("segment_queue")
def test_sack_splits_at_its_edges_and_ack_trims(m: ModuleType, make: Any) -> None:
    q = m.SegmentQueue()
    q.push(0, 1000, 0)
    assert q.sack(300, 500, 10) == 200
    assert q.sack(300, 500, 11) == 0
    assert q.sack(250, 550, 12) == 100
    assert q.sack(2000, 3000, 13) == 0
    assert [q.record(i)[:2] for i in range(q.count)] == [
        (0, 250),
        (250, 300),
        (300, 500),
        (500, 550),
        (550, 1000),
    ]
    assert (q.sacked_bytes, q.pipe()) == (300, 700)
    assert q.acknowledge(400, 20) == 250
    assert (q.start(), q.sacked_bytes, q.pipe()) == (400, 150, 450)
    assert q.acknowledge(400, 21) == 0
    assert q.delivered == 550


@pair("segment_queue")
@pytest.mark.parametrize("count", [3, 15, 16, 17, 40])
def test_records_split_anywhere_in_a_ring_that_has_turned(m: ModuleType, make: Any, count: int) -> None:
    for victim in range(count):
        q = queue_of(m, count)
        q.acknowledge(100, 1)
        q.push(count * 100, count * 100 + 100, 10**6)
        before = [q.record(i) for i in range(q.count)]
        start = before[victim][0]
        assert q.sack(start + 40, start + 60, 10**6) == 20
        row = before[victim]
        cut = [
            (start, start + 40, row[2], 0),
            (start + 40, start + 60, row[2], SACKED),
            (start + 60, start + 100, row[2], 0),
        ]
        assert [q.record(i) for i in range(q.count)] == before[:victim] + cut + before[victim + 1 :]


@pair("segment_queue")
def test_loss_by_time(m: ModuleType, make: Any) -> None:
    """Sent at 0, 1000, 2000, ...; the one of 5000 is delivered; lost is what is 10,500 old."""
    q = queue_of(m, 8)
    q.sack(500, 600, 15_000)
    latest = 4000 + 10_500 - 11_600
    assert q.mark_lost_by_time(5000, 600, 10_500, 11_600) == latest
    assert marks(q) == [LOST, LOST, 0, 0, 0, SACKED, 0, 0]
    assert q.mark_lost_by_time(5000, 600, 10_500, 20_000) == 0
    assert marks(q) == [LOST] * 5 + [SACKED, 0, 0]
    assert q.retransmit(0, 100, 21_000) == 100
    assert q.retransmit(1, 100, 21_001) == 100
    q.acknowledge(100, 31_000)
    q.sack(700, 800, 31_000)
    assert q.mark_lost_by_time(21_000, 100, 10_500, 60_000) == 0
    assert marks(q)[0] == LOST | RETRANSMITTED | EVER  # sent after what was delivered
    assert q.mark_lost_by_time(21_002, 800, 10_500, 60_000) == 0
    assert marks(q)[0] == LOST | EVER
    assert q.next_lost() == 0


@pair("segment_queue")
def test_same_instant_is_ordered_by_position(m: ModuleType, make: Any) -> None:
    q = m.SegmentQueue()
    q.push(0, 3000, 0)
    q.sack(1000, 2000, 10)
    assert q.mark_lost_by_time(0, 2000, 5, 10) == 0
    assert marks(q) == [LOST, SACKED, 0]


@pair("segment_queue")
def test_a_timeout_forgets_sacks_and_loses_all(m: ModuleType, make: Any) -> None:
    q = queue_of(m, 4)
    q.sack(100, 200, 9000)
    q.mark_lost(0)
    q.retransmit(0, 100, 9001)
    assert not q.mark_lost(1)
    q.clear_sacks()
    q.mark_all_lost()
    assert [f & ~EVER for f in marks(q)] == [LOST] * 4
    assert (q.pipe(), q.sacked_bytes, q.lost_bytes, q.retransmitted_bytes) == (0, 0, 400, 0)
    assert not q.mark_lost(0)
    assert q.next_lost() == 0


@pair("segment_queue")
def test_a_probe_of_what_is_not_lost_counts_twice(m: ModuleType, make: Any) -> None:
    q = queue_of(m, 2)
    assert q.retransmit(1, 40, 5000) == 40
    assert q.retransmit(1, 0, 5000) == 0
    assert (q.count, q.pipe()) == (3, 240)
    assert q.acknowledge(200, 6000) == 200
    assert (q.pipe(), q.retransmitted_bytes) == (0, 0)


@pair("segment_queue")
def test_a_full_queue_joins_new_data_and_takes_no_round_trip_from_it(m: ModuleType, make: Any) -> None:
    q = m.SegmentQueue(2)
    assert q.push(0, 10, 1)
    assert q.push(10, 20, 2)
    assert q.push(20, 30, 300)
    assert q.push(30, 40, 400)
    assert [q.record(i)[:3] for i in range(2)] == [(0, 10, 1), (10, 40, 400)]
    q.begin_ack()
    assert q.acknowledge(20, 401) == 20
    assert (q.newest_sent_at, q.rtt_sent_at) == (400, 1)
    q = m.SegmentQueue(2)
    assert q.push(0, 10, 1)
    assert q.push(10, 20, 2)
    assert q.mark_lost(1)
    assert not q.push(20, 30, 3)  # it would take the mark on
