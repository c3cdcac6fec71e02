"""One TCP flow between two whole nodes in one thread, from core to core: no socket, no kernel, no clock.

Run as a program (`python benchmarks/memory_path.py MEBIBYTES`) it prints the processor time of a transfer as
JSON; PYTHONPATH must name `tests`, FASTZT_PURE=1 takes the interpreted build.
"""

from __future__ import annotations

import json
import random
import sys
import time
from typing import Any

from sim.lab import Lab
from sim.world import Host

import fastzt
from fastzt._core.datagram_batch import DatagramBatch, TransmitBatch
from fastzt._core.slab import Slab

CHUNK = 1 << 16
STEP = 20  # microseconds between two turns
WARM_UP = 1 << 20


class Flow:
    """A connection from `a` to `b`; `transfer` moves bytes over it."""

    def __init__(self) -> None:
        lab = Lab(seed=1)
        self.a, self.b = lab.members
        lab.join(self.a, self.b)
        self.near, self.far = lab.connect(self.a, self.b)
        lab.run_for(5)  # until packets go directly, with their cipher suite agreed
        self.now = lab.now
        self.out, self.batch = TransmitBatch(Slab(4 * CHUNK)), DatagramBatch(Slab(16 * CHUNK))
        self.block = random.Random(1).randbytes(CHUNK)
        self.packets = 0

    def carry(self, source: Host, target: Host) -> None:
        """Everything that a node has to send goes into the other one, a message as a system call moves it."""
        more = True
        while more:
            more = source.core.transmit(self.out, self.now)
            offset = 0
            for i in range(self.out.count):
                start, length, segment, _, to = self.out.run(i)
                if to == target.endpoint:
                    self.batch.slab.view[offset : offset + length] = self.out.slab.view[
                        start : start + length
                    ]
                    assert self.batch.add(offset, length, segment, 0, source.endpoint)
                    self.packets += -(-length // segment)
                    offset += length
            more = more and self.out.count > 0
            self.out.clear()
            if self.batch.count:
                target.core.receive(self.batch, self.now)
                self.batch.clear()

    def transfer(self, size: int) -> int:
        """Move `size` bytes, each checked; how many packets it took."""
        assert size % CHUNK == 0
        buffer, packets = bytearray(CHUNK), self.packets
        view, block = memoryview(buffer), memoryview(self.block)
        sent = received = 0
        while received < size:
            if sent < size:
                sent += self.near.write(block[sent % CHUNK :], self.now)
            self.carry(self.a, self.b)
            while n := self.far.read_into(view[received % CHUNK :], self.now):
                received += n
                if received % CHUNK == 0:
                    assert buffer == self.block
            self.carry(self.b, self.a)
            for host in (self.a, self.b):
                if host.core.deadline() <= self.now:
                    host.core.tick(self.now)
            self.now += STEP
        return self.packets - packets


def measured(size: int) -> dict[str, Any]:
    """Processor seconds of a transfer after one that warms up."""
    flow = Flow()
    flow.transfer(WARM_UP)
    begin = time.process_time()
    packets = flow.transfer(size)
    seconds = time.process_time() - begin
    return {"compiled": fastzt.is_compiled(), "bytes": size, "packets": packets, "seconds": seconds}


if __name__ == "__main__":
    print(json.dumps(measured(int(sys.argv[1]) << 20)))
