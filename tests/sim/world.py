"""A deterministic network of whole nodes: virtual time in microseconds, seeded links, jobs run inline.

Hosts have one UDP socket each on a flat address plan; what they send crosses a link with loss, delay,
reordering, duplication and a size limit. The same seed gives the same run, to the microsecond.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from support.vectors import committed

from fastzt._core.datagram_batch import DatagramBatch, TransmitBatch
from fastzt._core.endpoint import Endpoint, LocalSocket
from fastzt._core.slab import Slab
from fastzt.identity.identity import Identity
from fastzt.identity.worlds import sign_world
from fastzt.node.config import NodeConfig
from fastzt.node.core import Core
from fastzt.node.peer_record import PeerRecord
from fastzt.vl1.jobs import Job as IdentityJob
from fastzt.wire.world import PLANET, Root, World

SECOND = 1_000_000
MS = 1000
WALL_OFFSET_MS = 1_700_000_000_000
PORT = 9993
SLAB = 16 * 65536


def identities() -> list[Identity]:
    """Committed throw-away identities with their secrets, from the vectors."""
    return [Identity.parse(case["secret_string"]) for case in committed("identity", "identity")]


_judged: dict[bytes, bool] = {}


def run(job: Any) -> None:
    """Run a job; the proof of work of the same identity only once per process."""
    if not isinstance(job, IdentityJob):
        job.run()
        return
    public = job.identity.to_bytes()
    if public not in _judged:
        job.run()
        _judged[public] = bool(job.valid)
    job.valid = _judged[public]


@dataclass
class Link:
    """What happens to a datagram between two hosts; probabilities 0 to 1, times in microseconds."""

    loss: float = 0.0
    delay: int = 1 * MS
    jitter: int = 0
    reorder: float = 0.0  # held back by `held` more
    held: int = 5 * MS
    duplicate: float = 0.0
    mtu: int = 1500  # of the IP packet
    rate: int = 0  # bits of IP packets a second, each way; 0: no limit
    queue: int = 1000  # full packets that wait for the rate, the one being sent included

    def departure(self, free_at: float, size: int, now: int) -> float:
        """When a packet of `size` bytes has passed the rate limit, free from `free_at` on; -1: no room."""
        if self.rate == 0:
            return now
        octet = 8 * SECOND / self.rate
        start = max(free_at, now)
        return -1 if start - now > self.queue * self.mtu * octet else start + size * octet


LOSSLESS = Link()


@dataclass(frozen=True)
class Clock:
    """A host's clock beside the world's: `ahead` so many microseconds, and running fast by `ppm`."""

    ahead: int = 0
    ppm: int = 0

    def read(self, world: int) -> int:
        """What it shows at a time of the world."""
        return world + self.ahead + world * self.ppm // 1_000_000

    def when(self, shown: int) -> int:
        """The first time of the world at which it shows as much, or up to a microsecond later."""
        return (
            (shown - self.ahead) * 1_000_000 // (1_000_000 + self.ppm) + 1 if self.ppm else shown - self.ahead
        )


EXACT = Clock()


class Host:
    """One node and its socket."""

    def __init__(self, world: Net, name: str, ip: str, core: Core, clock: Clock = EXACT) -> None:
        self.world = world
        self.name = name
        self.core = core
        self.clock = clock
        self.endpoint = Endpoint.parse(ip, PORT)
        self.arrived: list[tuple[Endpoint, bytes]] = []
        self.batch = DatagramBatch(Slab(SLAB))
        self.out = TransmitBatch(Slab(SLAB))
        self.events: list[Any] = []
        self.bits: dict[int, int] = {}
        # Does what a program would, each turn; False: nothing.
        self.application: Callable[[int], object] = lambda now: False
        self.down = False
        self.appointed = 0
        core.sockets_changed(self.sockets())

    def sockets(self) -> list[LocalSocket]:
        """What its driver says of its one socket."""
        return [LocalSocket(0, self.endpoint)]

    def act(self, action: Callable[[int], Any]) -> Any:
        """A user's action now, and what the node sends because of it."""
        result = action(self.now)
        self.pump()
        return result

    @property
    def now(self) -> int:
        """The time by this host's clock."""
        return self.clock.read(self.world.now)

    def pump(self) -> None:
        """Take in what has arrived and the time, run jobs, send, and make the next appointment."""
        now = self.now
        settled = False
        while self.arrived:
            self.take(self.arrived[:64])
            del self.arrived[:64]
            self.core.receive(self.batch, now)
            self.batch.clear()
            self.settle(now)
            settled = True
        if self.core.deadline() <= now:
            self.core.tick(now)
            settled = False
        if self.application(now) is not False or not settled:
            self.settle(now)
        self.world.appoint(self)

    def take(self, datagrams: list[tuple[Endpoint, bytes]]) -> None:
        offset = 0
        for source, data in datagrams:
            self.batch.slab.view[offset : offset + len(data)] = data
            assert self.batch.add(offset, len(data), 0, 0, source)
            offset += len(data)

    def settle(self, now: int) -> None:
        """Everything that a driver does after a turn."""
        core, out = self.core, self.out
        for _ in range(64):
            if core.has_news():
                for job in core.jobs():
                    run(job)
                    core.finish(job, now)
            more = core.transmit(out, now)
            sent = out.count
            for i in range(sent):
                self.send_run(i)
            out.clear()
            if not more or not sent:
                break
        if core.has_news():
            for number, bits in core.ready():
                self.bits[number] = self.bits.get(number, 0) | bits
            self.events.extend(core.events())

    def send_run(self, i: int) -> None:
        offset, length, segment, _, to = self.out.run(i)
        data = bytes(self.out.slab.view[offset : offset + length])
        for start in range(0, length, segment):
            self.world.carry(self, to, data[start : start + segment])

    def seen(self, kind: type) -> list[Any]:
        """The events of one kind so far."""
        return [event for event in self.events if isinstance(event, kind)]


class Net:
    """The hosts, the links and the clock."""

    def __init__(self, seed: int = 1, link: Link = LOSSLESS) -> None:
        self.random = random.Random(seed)
        self.now = 1_000 * SECOND
        self.link = link
        self.links: dict[tuple[str, str], Link] = {}
        self.free_at: dict[tuple[str, str], float] = {}  # when a direction's rate allows the next packet
        self.hosts: dict[str, Host] = {}
        self.by_endpoint: dict[Endpoint, Host] = {}
        # When, in which order, what with which arguments.
        self.queue: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self.order = 0
        self.carried = 0
        self.lost = 0
        self.too_big = 0
        self.overflowed = 0  # found the queue of a rate limit full
        self.spy: Callable[[Host, Endpoint, bytes], bytes | None] = lambda host, to, data: data
        self.identities = self.make_identities()
        self.planet = self.make_planet()

    def make_identities(self) -> list[Identity]:
        """Of the hosts in the order of their coming."""
        return identities()

    def make_planet(self) -> World:
        """A planet whose one root is the first identity at 198.51.100.1."""
        root = self.identities[0]
        seed = self.random.randbytes(32)
        endpoint = Endpoint.parse("198.51.100.1", PORT)
        world = World(PLANET, 1, 1, bytes(64), (Root.of(root.to_bytes(), [endpoint]),))
        return sign_world(world, seed)

    def make_clock(self) -> Clock:
        """A new host's clock: right, unless a subclass has others."""
        return EXACT

    def entropy(self) -> Callable[[int], bytes]:
        """A source of random bytes for one host, from the seed."""
        return random.Random(self.random.randbytes(16)).randbytes

    def add(self, name: str, **config: Any) -> Host:
        """A host with the next identity and fields of NodeConfig; the first one is the planet's root."""
        number = len(self.hosts)
        identity, entropy = self.identities[number], self.entropy()
        clock = self.make_clock()
        core = Core(identity, self.planet, entropy, WALL_OFFSET_MS, NodeConfig(**config))
        host = Host(self, name, f"198.51.100.{number + 1}", core, clock)
        self.hosts[name] = host
        self.by_endpoint[host.endpoint] = host
        host.pump()
        return host

    def restart(self, host: Host, networks: list[int]) -> None:
        """End a host's node without a word; start it anew with what its store keeps: peers and configs."""
        old = host.core
        records = [record for peer in old.switch.peers() if (record := old.record_of(peer.address))]
        configs = {nwid: old.network(nwid).config_bytes for nwid in networks}
        host.core = Core(
            old.switch.context.identity, self.planet, self.entropy(), WALL_OFFSET_MS, NodeConfig()
        )
        host.arrived.clear()
        host.batch.clear()
        host.core.sockets_changed(host.sockets())
        for record in records:
            host.core.remember(PeerRecord.parse(record.to_bytes()), self.now)
        for nwid, config in configs.items():
            host.core.join(nwid, self.now, config)
        host.pump()

    def set_link(self, a: str, b: str, link: Link) -> None:
        """The link between two hosts, both ways."""
        self.links[a, b] = self.links[b, a] = link

    def carry(self, source: Host, to: Endpoint, data: bytes) -> None:
        """Take a datagram from a host."""
        target = self.by_endpoint.get(to)
        seen = self.spy(source, to, data)
        if target is None or seen is None or target.down or source.down:
            self.lost += 1
            return
        link = self.links.get((source.name, target.name), self.link)
        if len(seen) + 28 > link.mtu:
            self.too_big += 1
            source.core.path_too_big(0, to, len(seen), source.now)
            return
        self.carried += 1
        draw = self.random.random
        if draw() < link.loss:
            self.lost += 1
            return
        direction = (source.name, target.name)
        departure = link.departure(self.free_at.get(direction, 0.0), len(seen) + 28, self.now)
        if departure < 0:
            self.overflowed += 1
            return
        self.free_at[direction] = departure
        for _ in range(1 + (draw() < link.duplicate)):
            delay = link.delay + int(link.jitter * draw()) + (link.held if draw() < link.reorder else 0)
            self.at(int(departure) + delay, self.arrive, target, source.endpoint, seen)

    def arrive(self, target: Host, source: Endpoint, data: bytes) -> None:
        """A datagram reaches its host, which looks at it after all that arrive at the same time."""
        if not target.arrived:
            self.at(self.now, target.pump)
        target.arrived.append((source, data))

    def at(self, when: int, run: Callable[..., None], *arguments: Any) -> None:
        """Do something at a time."""
        self.order += 1
        if when < self.now:
            when = self.now
        heapq.heappush(self.queue, (when, self.order, run, arguments))

    def appoint(self, host: Host) -> None:
        """Wake a host at its deadline."""
        when = max(host.clock.when(host.core.deadline()), self.now + MS)
        if when < self.now + 3600 * SECOND and host.appointed != when:
            host.appointed = when
            self.at(when, self.keep, host, when)

    def keep(self, host: Host, when: int) -> None:
        """A host's appointment, unless it has made another since."""
        if host.appointed == when:
            host.appointed = 0
            host.pump()

    def run_until(self, predicate: Callable[[], Any], limit: float = 30.0) -> Any:
        """Let time pass until `predicate` holds; fails after `limit` virtual seconds."""
        end = self.now + int(limit * SECOND)
        while True:
            result = predicate()
            if result:
                return result
            assert self.queue, "nothing more happens"
            at, _, event, arguments = heapq.heappop(self.queue)
            assert at <= end, f"not within {limit} s of virtual time"
            self.now = at
            event(*arguments)

    def run_for(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + int(seconds * SECOND)
        while self.queue and self.queue[0][0] <= end:
            self.now, _, event, arguments = heapq.heappop(self.queue)
            event(*arguments)
        self.now = end
