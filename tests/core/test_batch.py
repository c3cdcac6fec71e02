"""TransmitBatch groups equal datagrams into runs; DatagramBatch keeps what came in."""

from __future__ import annotations

from fastzt._core.datagram_batch import DatagramBatch, TransmitBatch
from fastzt._core.endpoint import Endpoint
from fastzt._core.slab import Slab

A = Endpoint.parse("10.0.0.1", 9993)
B = Endpoint.parse("fd00::1", 9993)


def test_runs_break_at_shorter_and_longer_and_other_endpoint() -> None:
    out = TransmitBatch(Slab(100_000))
    for size, to in ((100, A), (100, A), (60, A), (60, A), (80, A), (80, B)):
        assert out.reserve(size) == out.used
        out.commit(size, 0, to)
    assert [out.run(i)[1:3] for i in range(out.count)] == [(260, 100), (60, 60), (80, 80), (80, 80)]
    assert out.run(0)[4] == A
    assert out.run(3)[4] == B


def test_run_ends_at_the_payload_limit_and_the_batch_when_full() -> None:
    out = TransmitBatch(Slab(200_000))
    while out.reserve(1432) >= 0:
        out.commit(1432, 0, A)
    assert out.run(0)[1] == 45 * 1432
    assert sum(out.run(i)[1] for i in range(out.count)) == out.used
    out.clear()
    assert (out.count, out.used) == (0, 0)


def test_a_run_repeats_as_far_as_it_reaches() -> None:
    for slab, fits in ((200_000, 44), (10_000, 5)):
        out = TransmitBatch(Slab(slab))
        assert out.repeat(1432, 3) == 0
        out.commit(1432, 0, A)
        assert out.repeat(1432, 2) == 2
        assert out.repeat(1431, 2) == out.repeat(1433, 2) == out.repeat(1432, 0) == 0
        assert out.repeat(1432, 100) == fits - 2
        assert out.repeat(1432, 100) == 0
        assert out.run(0)[:3] == (0, out.used, 1432)
        assert out.used == (fits + 1) * 1432
    out.clear()
    out.commit(100, 0, A)
    out.commit(60, 0, A)
    assert out.repeat(60, 2) == out.repeat(100, 2) == 0  # nothing follows a short one
    out = TransmitBatch(Slab(200_000))
    out.commit(100, 0, A)
    assert out.repeat(100, 100) == 63
    out.commit(100, 0, A)
    assert out.count == 2


def test_received_messages() -> None:
    batch = DatagramBatch(Slab(65536))
    assert batch.add(0, 3000, 1432, 1, A)
    assert batch.add(3000, 20, 0, 0, B)
    assert not batch.add(0, 0, 0, 0, B)
    assert batch.message(0) == (0, 3000, 1432, 1, A)
    assert batch.message(1) == (3000, 20, 20, 0, B)


def test_endpoint_text_and_equality() -> None:
    assert str(A) == "10.0.0.1/9993"
    assert str(B) == "fd00::1/9993"
    assert Endpoint(bytes([10, 0, 0, 1]), 9993) == A != B
    assert len({A, Endpoint.parse("10.0.0.1", 9993), B}) == 2
    assert A.packed == bytes([10, 0, 0, 1])
