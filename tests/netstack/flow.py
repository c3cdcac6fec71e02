"""A flow that never ends over the bench's link, and what its congestion controller does meanwhile."""

from __future__ import annotations

import random
from typing import Any

from fastzt.netstack.config import StackConfig

from .bench import SECOND, Bench, Link

BLOCK = random.Random(5).randbytes(1 << 16)


class Flow:
    """From a to b, as much as it takes, or `source` bytes a second; `modes`: BBR's states and their times."""

    def __init__(self, link: Link, congestion: str = "bbr", seed: int = 1, **settings: Any) -> None:
        self.bench = Bench(link, seed=seed, config=StackConfig(congestion=congestion, **settings))
        self.client, self.server, _ = self.bench.pair()
        self.source = 0
        self.written = 0
        self.received = 0
        self.begun = self.bench.now
        self.modes: list[tuple[float, int]] = []
        self.buffer = bytearray(1 << 18)

    @property
    def link(self) -> Link:
        """The data's direction."""
        return self.bench.a.egress.link

    @property
    def bbr(self) -> Any:
        return self.client.tx.controller

    @property
    def time(self) -> float:
        """Seconds since the connection was made."""
        return (self.bench.now - self.begun) / SECOND

    def write(self) -> None:
        while True:
            n = len(BLOCK)
            if self.source:
                n = min(n, int(self.time * self.source) - self.written)
            taken = self.client.write(BLOCK[: max(n, 0)], self.bench.now)
            self.written += taken
            if taken == 0:
                return

    def run(self, seconds: float) -> float:
        """Let time pass; Mbit/s that arrived in it."""
        bench, end, before = self.bench, self.bench.now + int(seconds * SECOND), self.received
        while bench.now < end:
            self.write()
            while n := self.server.read_into(self.buffer, bench.now):
                self.received += n
            mode = getattr(self.bbr, "mode", -1)
            if not self.modes or self.modes[-1][1] != mode:
                self.modes.append((self.time, mode))
            bench.step(min(end, bench.now + 10_000) if self.source else end)
        return (self.received - before) * 8 / seconds / 1e6

    def spans(self, mode: int) -> list[tuple[float, float]]:
        """When a state began and ended, those that are over."""
        following = zip(self.modes, self.modes[1:], strict=False)
        return [(begin, end) for (begin, m), (end, _) in following if m == mode]
