"""Flows by (local address, remote address, ports): a chained hash table whose keys are C integers.

A flow remembers the peer that opened it; packets from any other peer are not its own. It also caches the
verdict of the network's rules for either direction, as the generation that the verdict was given under.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .tcp.segment import Segment

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .._core.checksum import pseudo_header
    from .._core.kernels.words import word

    INITIAL_BITS = 6
    KEY_WORDS = 5
    TCP = 6  # IP protocol number

V4_MAPPED = bytes(10) + b"\xff\xff"
MASK64 = (1 << 64) - 1
SEED_SIZE = 40  # bytes: one odd multiplier for each word of the key


class Flow:
    """Base of a connection, a half-open one and a TIME-WAIT record; addresses are 16 bytes."""

    if not cython.compiled:
        __slots__ = (
            "bucket",
            "chained",
            "is_v4",
            "local",
            "local_hi",
            "local_lo",
            "local_port",
            "peer",
            "pseudo",
            "queued",
            "remote",
            "remote_hi",
            "remote_lo",
            "remote_port",
            "touched",
            "verdict_in",
            "verdict_out",
        )

    def __init__(self, local: bytes, local_port: int, remote: bytes, remote_port: int, peer: object) -> None:
        if len(local) != 16 or len(remote) != 16:
            raise ValueError("an address of a flow has 16 bytes")
        self.local = local
        self.remote = remote
        self.local_port = local_port
        self.remote_port = remote_port
        self.local_hi, self.local_lo = word(local, 0), word(local, 8)
        self.remote_hi, self.remote_lo = word(remote, 0), word(remote, 8)
        self.peer = peer
        self.is_v4 = remote.startswith(V4_MAPPED)
        self.pseudo = pseudo_header(local, remote, TCP, 0)
        self.queued = False  # waits for output
        self.touched = False  # the batch brought segments
        self.verdict_in = 0
        self.verdict_out = 0
        self.bucket = -1
        self.chained: Flow | None = None

    def arrives(self, segment: Segment, now: int) -> None:
        """Take a segment of this flow, from the flow's peer."""
        raise NotImplementedError

    def follows(self, segment: Segment, now: int) -> bool:
        """Take a segment that continues the one that just arrived; False when it needs `arrives`."""
        return False

    def settle(self, now: int) -> None:
        """The batch is over: decide what to acknowledge."""

    def output(self, now: int) -> bool:
        """Send what is ready; True when the egress had no room for all of it."""
        raise NotImplementedError

    def path_changed(self, now: int) -> None:
        """Another way leads to the peer than before."""

    def fail(self, error: int, now: int) -> None:
        """End at once with an errno (a RST, an ICMP error, a refusal by the network)."""
        raise NotImplementedError


class FlowTable:
    """Hash by multilinear hashing with secret multipliers, so that a remote cannot aim at one bucket."""

    if not cython.compiled:
        __slots__ = ("bits", "buckets", "count", "last", "multiplier")

    def __init__(self, seed: bytes) -> None:
        """`seed`: 40 random bytes."""
        self.bits = INITIAL_BITS
        self.buckets: list[Flow | None] = [None] * (1 << INITIAL_BITS)
        self.count = 0
        self.last: Flow | None = None
        if not cython.compiled:
            self.multiplier = [0] * KEY_WORDS
        for i in range(KEY_WORDS):
            self.multiplier[i] = int.from_bytes(seed[8 * i : 8 * i + 8], "big") | 1

    def __len__(self) -> int:
        return self.count

    def bucket_of(self, local_hi: int, local_lo: int, remote_hi: int, remote_lo: int, ports: int) -> int:
        """The bucket of a key; `ports` is local << 16 | remote."""
        h = local_hi * self.multiplier[0] + local_lo * self.multiplier[1]
        h += remote_hi * self.multiplier[2] + remote_lo * self.multiplier[3] + ports * self.multiplier[4]
        if not cython.compiled:
            h &= MASK64
        return h >> (64 - self.bits)

    def find(self, segment: Segment) -> Flow | None:
        """The flow that an arriving segment belongs to (its destination is the flow's local end)."""
        flow = self.last
        if flow is not None and self.matches(flow, segment):
            return flow
        ports = (segment.destination_port << 16) | segment.source_port
        bucket = self.bucket_of(
            segment.destination_hi, segment.destination_lo, segment.source_hi, segment.source_lo, ports
        )
        flow = self.buckets[bucket]
        while flow is not None:
            if self.matches(flow, segment):
                self.last = flow
                return flow
            flow = flow.chained
        return None

    def matches(self, flow: Flow, segment: Segment) -> bool:
        """Whether a segment has the flow's addresses and ports."""
        return (
            flow.remote_lo == segment.source_lo
            and flow.remote_port == segment.source_port
            and flow.local_port == segment.destination_port
            and flow.local_lo == segment.destination_lo
            and flow.remote_hi == segment.source_hi
            and flow.local_hi == segment.destination_hi
        )

    def get(self, local: bytes, local_port: int, remote: bytes, remote_port: int) -> Flow | None:
        """The flow with this key; addresses have 16 bytes."""
        if len(local) != 16 or len(remote) != 16:
            return None
        ports = (local_port << 16) | remote_port
        bucket = self.bucket_of(word(local, 0), word(local, 8), word(remote, 0), word(remote, 8), ports)
        flow = self.buckets[bucket]
        while flow is not None:
            if (
                flow.local == local
                and flow.remote == remote
                and flow.local_port == local_port
                and flow.remote_port == remote_port
            ):
                return flow
            flow = flow.chained
        return None

    def bucket_of_flow(self, flow: Flow) -> int:
        """The bucket that a flow belongs into."""
        ports = (flow.local_port << 16) | flow.remote_port
        return self.bucket_of(flow.local_hi, flow.local_lo, flow.remote_hi, flow.remote_lo, ports)

    def add(self, flow: Flow) -> None:
        """Insert a flow whose key is not there."""
        if self.count >= len(self.buckets):
            self.grow()
        self.insert(flow)
        self.count += 1

    def insert(self, flow: Flow) -> None:
        """Put a flow at the head of its chain."""
        bucket = self.bucket_of_flow(flow)
        flow.bucket = bucket
        flow.chained = self.buckets[bucket]
        self.buckets[bucket] = flow

    def grow(self) -> None:
        """Double the buckets."""
        flows = self.flows()
        self.bits += 1
        self.buckets = [None] * (1 << self.bits)
        for flow in flows:
            self.insert(flow)

    def remove(self, flow: Flow) -> bool:
        """Take a flow out; False when it was not in."""
        if flow.bucket < 0:
            return False
        if self.last is flow:
            self.last = None
        other = self.buckets[flow.bucket]
        if other is flow:
            self.buckets[flow.bucket] = flow.chained
        else:
            while other is not None and other.chained is not flow:
                other = other.chained
            if other is None:
                return False
            other.chained = flow.chained
        flow.bucket = -1
        flow.chained = None
        self.count -= 1
        return True

    def flows(self) -> list[Flow]:
        """Every flow, in the order of buckets."""
        found = []
        for i in range(len(self.buckets)):
            flow = self.buckets[i]
            while flow is not None:
                found.append(flow)
                flow = flow.chained
        return found
