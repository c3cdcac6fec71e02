"""Two stacks joined by a link with a virtual clock: seeded loss, delay, reordering, duplication, MTU."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass

from fastzt._core.access import put_bytes
from fastzt._core.slab import Slab
from fastzt._core.timer_wheel import TimerWheel
from fastzt.netstack.config import StackConfig
from fastzt.netstack.egress import Egress
from fastzt.netstack.socket_table import SocketTable
from fastzt.netstack.stack import Stack
from fastzt.netstack.tcp.connection import Connection
from fastzt.netstack.tcp.listener import TcpListener

from .wire import v4

NEVER = 1 << 62
SECOND = 1_000_000
A, B = v4("10.0.0.1"), v4("10.0.0.2")


HEADROOM = 64  # before a packet in the slab


@dataclass
class Link:
    """What one direction does to packets; times in microseconds, probabilities from 0 to 1."""

    delay: int = 0
    loss: float = 0.0
    reorder: float = 0.0
    duplicate: float = 0.0
    mtu: int = 1394
    reorder_delay: int = 8000
    dark: bool = False  # loses everything
    rate: int = 0  # bytes a second; 0: no limit
    queue: int = 1 << 20  # bytes that wait for the rate
    free_at: float = 0.0  # when the rate allows the next packet

    def arrivals(self, now: int, size: int, dice: random.Random) -> list[int]:
        """When copies of a packet of `size` bytes sent now arrive."""
        if self.dark or dice.random() < self.loss:
            return []
        at = now + self.delay
        if self.rate:
            start = max(self.free_at, now)
            if (start - now) * self.rate / SECOND > self.queue:
                return []
            self.free_at = start + size * SECOND / self.rate
            at = int(self.free_at) + self.delay
        if dice.random() < self.reorder:
            at += dice.randrange(1, self.reorder_delay)
        return [at, at] if dice.random() < self.duplicate else [at]


class Wire(Egress):
    """The egress of one side: packets go into the bench's queue."""

    def __init__(self, bench: Bench, side: int, link: Link) -> None:
        super().__init__(Slab(65536))
        self.bench = bench
        self.side = side
        self.link = link
        self.neighbor: object | None = f"neighbor {1 - side}"
        self.budget = 1 << 60  # packets until reserve refuses
        self.verdict = 1
        self.repeats = True  # takes several packets at once
        self.repeated = 0
        self.waiting = self.size = 0  # how many are being written, of how many bytes
        self.resolved: list[bytes] = []
        self.groups: list[bytes] = []
        self.unreached: object = None  # a neighbor without a path

    def resolve(self, ip: bytes, now: int) -> object | None:
        self.resolved.append(ip)
        return self.neighbor

    def room(self, neighbor: object, now: int) -> int:
        return self.link.mtu

    def mtu(self) -> int:
        return self.link.mtu

    def reserve(self, neighbor: object, length: int, now: int) -> int:
        assert length <= self.link.mtu
        self.flush(now)
        return HEADROOM if self.budget > 0 and neighbor is not self.unreached else -1

    def commit(self, neighbor: object, length: int, generation: int, now: int) -> int:
        self.budget -= 1
        self.bench.carry(self, bytes(self.slab.view[HEADROOM : HEADROOM + length]), now)
        return self.verdict

    def multicast(self, ip: bytes, packet: bytes, now: int) -> bool:
        self.bench.carry(self, packet, now)
        return self.verdict > 0

    def join_group(self, ip: bytes, now: int) -> bool:
        self.groups.append(ip)
        return True

    def leave_group(self, ip: bytes, now: int) -> None:
        self.groups.remove(ip)

    def repeat(self, neighbor: object, length: int, same: int, most: int, generation: int, now: int) -> int:
        self.flush(now)
        n = min(most, self.budget, (self.slab.size - HEADROOM) // length - 1) if self.repeats else 0
        self.budget -= n
        self.repeated += n
        self.waiting, self.size = n, length
        self.repeat_at, self.repeat_stride = HEADROOM + length, length
        for i in range(n):
            at = HEADROOM + (i + 1) * length
            self.slab.view[at : at + same] = self.slab.view[HEADROOM : HEADROOM + same]
        return n

    def flush(self, now: int) -> None:
        """Carry what has been written since `repeat`."""
        for i in range(self.waiting):
            at = HEADROOM + (i + 1) * self.size
            self.bench.carry(self, bytes(self.slab.view[at : at + self.size]), now)
        self.waiting = 0


class Side:
    """A stack with its egress."""

    def __init__(self, bench: Bench, number: int, address: bytes, link: Link, config: StackConfig) -> None:
        self.number = number
        self.address = address
        self.sockets = SocketTable()
        self.egress = Wire(bench, number, link)
        dice = random.Random(bench.seed * 2 + number)
        self.stack = Stack(self.egress, bench.wheel, dice.randbytes, config, self.sockets)
        self.stack.add_address(address, 24 if len(address.lstrip(b"\0")) <= 6 else 64)
        self.slab = Slab(65536)

    def transmit(self, now: int) -> bool:
        """Let the stack send what is ready; whether there is more."""
        more = self.stack.transmit(now)
        self.egress.flush(now)
        return more

    def take(self, packet: bytes, now: int, peer: object | None = None, generation: int = 1) -> None:
        """Give the stack a packet, as the network above it does."""
        if peer is None:
            peer = self.egress.neighbor
        put_bytes(self.slab, 32, packet)
        if not self.stack.fast_input(peer, self.slab, 32, len(packet), generation, now):
            self.stack.input(peer, self.slab, 32, len(packet), generation, now)


class Bench:
    """`now` moves only by `step` and `run`; deterministic for a seed."""

    def __init__(
        self,
        link: Link | None = None,
        *,
        seed: int = 1,
        config: StackConfig | None = None,
        configs: tuple[StackConfig, StackConfig] | None = None,
        addresses: tuple[bytes, bytes] = (A, B),
        start: int = 1_000_000_000,
    ) -> None:
        self.now = start
        self.seed = seed
        self.dice = random.Random(seed)
        self.wheel = TimerWheel(start)
        one = config or StackConfig()
        both = configs or (one, one)
        link = link or Link()
        self.a = Side(self, 0, addresses[0], link, both[0])
        self.b = Side(self, 1, addresses[1], Link(**vars(link)), both[1])
        self.sides = (self.a, self.b)
        self.flying: list[tuple[int, int, int, bytes]] = []
        self.count = 0
        self.lost = 0
        self.spy: Callable[[int, bytes], None] | None = None

    def carry(self, wire: Wire, packet: bytes, now: int) -> None:
        """A packet leaves a side."""
        if self.spy is not None:
            self.spy(wire.side, packet)
        arrivals = wire.link.arrivals(now, len(packet), self.dice)
        self.lost += not arrivals
        for at in arrivals:
            self.count += 1
            heapq.heappush(self.flying, (at, self.count, 1 - wire.side, packet))

    def transmit(self) -> None:
        """Let both sides send what is ready."""
        for side in self.sides:
            while side.transmit(self.now):
                pass

    def deliver(self) -> None:
        """Give each side what has arrived, as one batch."""
        while self.flying and self.flying[0][0] <= self.now:
            _, _, to, packet = heapq.heappop(self.flying)
            self.sides[to].take(packet, self.now)
        for side in self.sides:
            side.stack.after_batch(self.now)

    def tick(self) -> None:
        """Fire the timers that are due."""
        self.wheel.expire(self.now)
        while (timer := self.wheel.pop()) >= 0:
            self.wheel.owner(timer).expired(self.now)  # type: ignore[attr-defined]

    def step(self, limit: int) -> bool:
        """Do the next thing that happens before `limit`; False when nothing does."""
        self.transmit()
        at = min(self.flying[0][0] if self.flying else NEVER, self.wheel.minimum())
        if at > limit:
            self.now = limit
            return False
        self.now = max(self.now, at)
        self.deliver()
        self.tick()
        self.transmit()
        return True

    def run(self, duration: int = 10 * SECOND, until: Callable[[], bool] | None = None) -> bool:
        """Let time pass until the predicate holds (True) or the duration is over (False)."""
        limit = self.now + duration
        while until is None or not until():
            if not self.step(limit):
                return until is not None and until()
        return True

    def pair(self, port: int = 80, **options: int | str) -> tuple[Connection, Connection, TcpListener]:
        """An established connection from a to b: (a's end, b's end, b's listener)."""
        listener = self.b.stack.listen(None, port, 16, self.now, options)
        client = self.a.stack.connect(self.b.address, port, self.now, options=options)
        assert self.run(60 * SECOND, lambda: listener.pending > 0 and client.state == 4)
        server = listener.accept()
        assert server is not None
        return client, server, listener


def transfer(
    bench: Bench, source: Connection, sink: Connection, data: bytes, limit: int, close: bool = True
) -> bytes:
    """Send all of `data` one way while time passes, at most `limit` microseconds; what arrived."""
    received = bytearray()
    buffer = bytearray(1 << 18)
    view = memoryview(data)
    sent = 0
    deadline = bench.now + limit
    while bench.now < deadline and not sink.eof and (close or len(received) < len(data)):
        while sent < len(data) and (n := source.write(view[sent : sent + 262144], bench.now)):
            sent += n
        if close and sent == len(data):
            source.shutdown_write(bench.now)
        while n := sink.read_into(buffer, bench.now):
            received += buffer[:n]
        if not bench.step(deadline):
            break
    while n := sink.read_into(buffer, bench.now):
        received += buffer[:n]
    return bytes(received)
