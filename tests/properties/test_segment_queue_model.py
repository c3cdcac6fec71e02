"""SegmentQueue: both builds against marks kept for each byte."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pair import PROPERTY, SEEDS, modules

SACKED, LOST, RETRANSMITTED, EVER = 1, 2, 4, 8
POINT = st.integers(0, 1000)  # thousandths of what is in flight
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.integers(1, 300), st.integers(0, 3)),
        st.tuples(st.just("acknowledge"), POINT),
        st.tuples(st.just("sack"), POINT, POINT),
        st.tuples(st.just("mark_lost"), POINT),
        st.tuples(st.just("by_time"), POINT, st.integers(0, 6)),
        st.tuples(st.just("retransmit"), st.integers(1, 200)),
        st.tuples(st.just("timeout")),
    ),
    max_size=60,
)


class Model:
    """The marks of every byte in flight."""

    def __init__(self, start: int) -> None:
        self.marks: dict[int, int] = {}
        self.una = self.next = start
        self.lost = 0

    def at(self, point: int) -> int:
        return self.una + (self.next - self.una) * point // 1000

    def unsacked(self, start: int, end: int) -> int:
        return sum(1 for p in range(start, end) if p in self.marks and not self.marks[p] & SACKED)

    def lose(self, start: int, end: int) -> None:
        for p in range(start, end):
            if not self.marks[p] & SACKED and self.marks[p] & (LOST | RETRANSMITTED) != LOST:
                self.lost += 1
                self.marks[p] = (self.marks[p] & ~RETRANSMITTED) | LOST

    def sums(self) -> tuple[int, int, int, int]:
        def total(bit: int) -> int:
            return sum(1 for m in self.marks.values() if m & bit)

        pipe = sum((not m & (SACKED | LOST)) + bool(m & RETRANSMITTED) for m in self.marks.values())
        return total(SACKED), total(LOST), total(RETRANSMITTED), pipe


def drain(queue: Any) -> list[tuple[int, int, int, int]]:
    """The records freshly declared lost, in order; each is told once."""
    found = []
    while (i := queue.take_fresh_loss()) >= 0:
        found.append(queue.record(i))
    assert found == sorted(found)
    return found


def records(queue: Any) -> list[tuple[int, int, int, int]]:
    return [queue.record(i) for i in range(queue.count)]


def by_time(rows: list[tuple[int, int, int, int]], sent_at: int, end: int, wait: int, now: int) -> Any:
    """The records that RACK declares lost, and the longest wait among those it does not yet."""
    lost, timeout = [], 0
    for row in rows:
        before = row[2] < sent_at or (row[2] == sent_at and row[1] < end)
        if not before or row[3] & SACKED or row[3] & (LOST | RETRANSMITTED) == LOST:
            continue
        left = row[2] + wait - now
        if left <= 0:
            lost.append(row)
        timeout = max(timeout, left)
    return lost, timeout


def step(model: Model, queues: list[Any], operation: tuple[Any, ...], now: int) -> None:
    rows = records(queues[0])
    match operation:
        case ("push", n, _):
            assert [q.push(model.next, model.next + n, now) for q in queues] == [True, True]
            model.marks.update(dict.fromkeys(range(model.next, model.next + n), 0))
            model.next += n
        case ("acknowledge", point):
            to = model.at(point)
            fresh = model.unsacked(model.una, to)
            assert [q.acknowledge(to, now) for q in queues] == [fresh, fresh]
            for p in range(model.una, to):
                del model.marks[p]
            model.una = to
        case ("sack", a, b):
            start, end = sorted((model.at(a), model.at(b)))
            fresh = model.unsacked(start, end)
            assert [q.sack(start, end, now) for q in queues] == [fresh, fresh]
            for p in range(start, end):
                model.marks[p] = (model.marks[p] & ~(LOST | RETRANSMITTED)) | SACKED
        case ("mark_lost", point) if rows:
            i = min(point * len(rows) // 1000, len(rows) - 1)
            flags = rows[i][3]
            new = not flags & SACKED and flags & (LOST | RETRANSMITTED) != LOST
            assert [q.mark_lost(i) for q in queues] == [new, new]
            model.lose(*rows[i][:2])
        case ("by_time", point, wait) if rows:
            row = rows[min(point * len(rows) // 1000, len(rows) - 1)]
            lost, timeout = by_time(rows, row[2], row[1], wait, now)
            for q in queues:
                assert q.mark_lost_by_time(row[2], row[1], wait, now) == timeout
            for start, end, *_ in lost:
                model.lose(start, end)
        case ("retransmit", n):
            retransmit(model, queues, n, now)
        case ("timeout",):
            for q in queues:
                q.clear_sacks()
                q.mark_all_lost()
            model.marks = {p: m & ~SACKED for p, m in model.marks.items()}
            model.lose(model.una, model.next)


def retransmit(model: Model, queues: list[Any], n: int, now: int) -> None:
    """The first lost bytes that were not sent again are, up to the end of their record."""
    missing = [p for p, m in model.marks.items() if m & (LOST | RETRANSMITTED) == LOST]
    found = [q.next_lost() for q in queues]
    if not missing:
        assert found == [-1, -1]
        return
    start, end, *_ = queues[0].record(found[0])
    assert start == min(missing)
    sent = min(n, end - start)
    assert [q.retransmit(i, n, now) for q, i in zip(queues, found, strict=True)] == [sent, sent]
    for p in range(start, start + sent):
        model.marks[p] |= RETRANSMITTED | EVER


@PROPERTY
@given(st.integers(0, 2**40), OPERATIONS)
def test_queue_against_model(start: int, operations: list[tuple[Any, ...]]) -> None:
    check(start, operations)


@SEEDS
@pytest.mark.parametrize("acks", [1, 4])
def test_long_run(seed: int, acks: int) -> None:
    """A connection with much loss: the ring of records turns, grows and splits many times."""
    random = Random(seed)

    def point() -> int:
        return random.randint(0, 1000)

    operations: list[tuple[Any, ...]] = []
    for _ in range(300):
        name = random.choices(
            ["push", "acknowledge", "sack", "mark_lost", "by_time", "retransmit", "timeout"],
            [30, acks, 10, 5, 5, 12, 0.5],
        )[0]
        operations.append(
            {
                "push": (name, random.randint(1, 60), random.randint(0, 3)),
                "acknowledge": (name, point() // 4),
                "sack": (name, low := point(), min(low + point() // 8, 1000)),
                "mark_lost": (name, point()),
                "by_time": (name, point(), random.randint(0, 20)),
                "retransmit": (name, random.randint(1, 40)),
                "timeout": (name,),
            }[name]
        )
    check(2**33 * seed, operations)


def check(start: int, operations: list[tuple[Any, ...]]) -> None:
    """Both builds and the model agree after each operation."""
    model = Model(start)
    queues = [m.SegmentQueue() for m in modules("segment_queue")]
    now = 0
    for operation in operations:
        now += operation[2] if operation[0] == "push" else 1
        for q in queues:
            q.begin_ack()
        lost_before = model.lost
        step(model, queues, operation, now)
        drained = [drain(q) for q in queues]
        assert drained[0] == drained[1]
        assert sum(end - start for start, end, *_ in drained[0]) == model.lost - lost_before
        rows = records(queues[0])
        assert records(queues[1]) == rows
        assert [p for row in rows for p in range(row[0], row[1])] == list(range(model.una, model.next))
        for row in rows:
            assert {model.marks[p] for p in range(row[0], row[1])} == {row[3]}
        for q in queues:
            assert q.lost == model.lost
            assert (q.sacked_bytes, q.lost_bytes, q.retransmitted_bytes, q.pipe()) == model.sums()
        state = [
            (q.delivered, q.newest_sent_at, q.newest_end, q.newest_flags, q.rtt_sent_at, q.prior_delivered)
            for q in queues
        ]
        assert state[0] == state[1]


@PROPERTY
@given(st.lists(st.tuples(st.sampled_from(["push", "sack"]), POINT, POINT), max_size=60))
def test_a_full_queue_stays_within_its_bounds(operations: list[tuple[str, int, int]]) -> None:
    """At 4 records: pushes join the last record or are refused, splits stop at 8; sums stay right."""
    queues = [m.SegmentQueue(4) for m in modules("segment_queue")]
    end = 0
    for now, (name, a, b) in enumerate(operations):
        if name == "push":
            taken = {q.push(end, end + a + 1, now) for q in queues}
            assert len(taken) == 1
            end += a + 1 if taken.pop() else 0
        else:
            low, high = sorted((end * a // 1000, end * b // 1000))
            assert len({q.sack(low, high, now) for q in queues}) == 1
            inside = [r for r in records(queues[0]) if low <= r[0] and r[1] <= high]
            assert all(r[3] & SACKED for r in inside)
        rows = records(queues[0])
        assert rows == records(queues[1])
        assert len(rows) <= 8
        assert [r[0] for r in rows[1:]] == [r[1] for r in rows[:-1]]
        assert (rows[0][0], rows[-1][1]) == (0, end) if rows else end == 0
        assert queues[0].sacked_bytes == sum(r[1] - r[0] for r in rows if r[3] & SACKED)
