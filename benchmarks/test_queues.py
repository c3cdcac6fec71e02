"""What stands between core and sockets: batches of datagrams, the queue of control packets."""

from __future__ import annotations

from typing import Any

from fastzt._core.datagram_batch import DatagramBatch, TransmitBatch
from fastzt._core.endpoint import Endpoint
from fastzt._core.slab import Slab
from fastzt.vl1.outbox import Outbox

SIZE, COUNT = 1432, 45
TO = Endpoint.parse("192.0.2.1", 9993)


def test_transmit_batch(benchmark: Any) -> None:
    """180 equal datagrams for one endpoint become four runs."""
    out = TransmitBatch(Slab(4 * COUNT * SIZE))

    def fill() -> int:
        out.clear()
        while out.reserve(SIZE) >= 0:
            out.commit(SIZE, 0, TO)
        return out.count

    assert benchmark(fill) == 4
    assert [out.run(i)[1:3] for i in range(4)] == [(COUNT * SIZE, SIZE)] * 4


def test_datagram_batch(benchmark: Any) -> None:
    """A full batch of messages noted and forgotten."""
    batch = DatagramBatch(Slab(64))

    def fill() -> int:
        batch.clear()
        while batch.add(0, 64, 0, 0, TO):
            pass
        return batch.count

    assert benchmark(fill) == 64
    assert batch.message(63) == (0, 64, 64, 0, TO)


def test_outbox(benchmark: Any) -> None:
    """60 control packets queued and moved into a batch."""
    outbox, out, data = Outbox(1024), TransmitBatch(Slab(1 << 16)), bytes(range(100))

    def turn() -> int:
        out.clear()
        for _ in range(60):
            outbox.put(data, 0, TO)
        assert not outbox.transmit(out)
        return out.used

    assert benchmark(turn) == 6000
    assert bytes(out.slab.view[:100]) == data
