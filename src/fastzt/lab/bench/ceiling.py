"""What UDP itself carries through the node's own socket code, without anything that ZeroTier or TCP adds."""

from __future__ import annotations

import select
import time
from typing import Any

from ..._core.datagram_batch import DatagramBatch, TransmitBatch
from ..._core.endpoint import Endpoint
from ..._core.slab import Slab
from ...errors import FastztError
from ...io.endpoints import UdpSockets
from ...io.pump import RECEIVE_SLAB

SIZE = 1432  # bytes a datagram: VL1's default path MTU
RUN = 45  # datagrams that one system call can carry: 45 x 1432 fit into 65507 bytes
RUNS = 4
DRAIN = 16  # messages a drain, as the node takes them
FIRST_WAIT = 10_000  # ms


def flood(sockets: UdpSockets, to: Endpoint, seconds: float) -> dict[str, Any]:
    """Send full runs to an endpoint for so long, whether or not they arrive."""
    out = TransmitBatch(Slab(RUNS * RUN * SIZE))
    for i in range(RUNS * RUN):
        at = out.reserve(SIZE)
        out.slab.view[at : at + SIZE] = bytes((i + j) & 0xFF for j in range(SIZE))
        out.commit(SIZE, 0, to)
    poller = select.poll()
    poller.register(sockets.filenos()[0], select.POLLOUT)
    sent = 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        first = 0
        while first < out.count:
            first = sockets.send(out, first)
            if first < out.count:
                poller.poll(100)
        sent += out.used
    return {"bytes": sent, "dropped": sockets.stats.as_dict()}


def absorb(sockets: UdpSockets, seconds: float) -> dict[str, Any]:
    """Count what arrives within so long after the first datagram."""
    batch = DatagramBatch(Slab(RECEIVE_SLAB))
    poller = select.poll()
    for descriptor in sockets.filenos():
        poller.register(descriptor, select.POLLIN)
    if not poller.poll(FIRST_WAIT):
        raise FastztError("no datagram came")
    start = now = time.perf_counter()
    end, received = start + seconds, 0
    while now < end:
        if sockets.drain(batch, DRAIN):
            received += total(batch)
            batch.clear()
        else:
            poller.poll(10)
        now = time.perf_counter()
    return {"bytes": received, "start": start, "end": now}


def total(batch: DatagramBatch) -> int:
    """Bytes in a batch; FastztError when they are not the datagrams that `flood` sends."""
    found = 0
    for i in range(batch.count):
        offset, length, stride, _, _ = batch.message(i)
        if (
            length % SIZE
            or stride != SIZE
            or batch.slab.view[offset + 1] != batch.slab.view[offset] + 1 & 0xFF
        ):
            raise FastztError(f"a message of {length} bytes, {stride} each: not what was sent")
        found += length
    return found
