"""A bench for VL1: Switches joined by seeded links under a virtual clock, without a network."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from support.vectors import committed

from fastzt._core.datagram_batch import DatagramBatch, TransmitBatch
from fastzt._core.endpoint import Endpoint, LocalSocket
from fastzt._core.slab import Slab
from fastzt.identity.identity import Identity
from fastzt.identity.worlds import sign_world
from fastzt.vl1.config import SwitchConfig
from fastzt.vl1.events import Event
from fastzt.vl1.packet import Packet
from fastzt.vl1.peer import Peer
from fastzt.vl1.sink import VirtualSink
from fastzt.vl1.switch import Switch
from fastzt.vl1.timing import SECOND
from fastzt.wire.world import PLANET, Root, World

from .nat import Nat

UPDATE_SECRET = bytes(range(64))
START = 1_000 * SECOND
WALL_OFFSET_MS = 1_700_000_000_000
VALID: dict[bytes, bool] = {}  # proofs of work done once for all benches


def identities() -> list[Identity]:
    """The identities with secrets that the vectors give."""
    return [Identity.parse(case["secret_string"]) for case in committed("identity", "identity")]


def update_key() -> bytes:
    """The public key that planets of the bench are signed with."""
    from nacl.bindings import crypto_sign_seed_keypair

    return bytes(32) + crypto_sign_seed_keypair(UPDATE_SECRET[32:])[0]


def planet(roots: list[tuple[Identity, list[Endpoint]]], timestamp: int = 1) -> World:
    """A signed planet."""
    listed = tuple(Root.of(identity.to_bytes(), endpoints) for identity, endpoints in roots)
    return sign_world(World(PLANET, 77, timestamp, update_key(), listed), UPDATE_SECRET[32:])


class Recorder(VirtualSink):
    """A sink that keeps what it gets and answers with `verdict`."""

    def __init__(self, verdict: int = 2) -> None:
        self.verdict = verdict
        self.taken: list[tuple[int, bytes, int]] = []
        self.messages: list[Packet] = []
        self.flushes = 0

    def frame(self, peer: Peer, slab: Slab, offset: int, length: int, hops: int, now: int) -> int:
        self.taken.append((peer.address, bytes(slab.view[offset : offset + length]), hops))
        return self.verdict

    def message(self, packet: Packet, now: int) -> int:
        self.messages.append(packet)
        return self.verdict

    def flush(self, now: int) -> None:
        self.flushes += 1


@dataclass
class Node:
    """One Switch with its sockets."""

    bench: Bench
    switch: Switch
    sink: Recorder
    endpoints: list[Endpoint]
    events: list[Event] = field(default_factory=list)

    @property
    def address(self) -> int:
        return int(self.switch.address)

    def peer(self, other: Node) -> Peer | None:
        return self.switch.peer(other.address)

    def path_to(self, other: Node) -> Endpoint | None:
        """The endpoint of the best direct path."""
        peer = self.peer(other)
        best = peer.best_path(self.bench.now) if peer is not None else None
        return best.endpoint if best is not None else None

    def total(self, name: str) -> int:
        return int(self.switch.stats.as_dict().get(f"vl1.{name}", 0))


@dataclass
class Link:
    """How datagrams travel: `delay` in us, `loss` as a share, `drop` a rule of its own.

    `slow` adds to the delay between two IPs, whichever way.
    """

    delay: int = 5_000
    jitter: int = 0
    loss: float = 0.0
    drop: Callable[[Endpoint, Endpoint, bytes], bool] = lambda source, target, data: False
    slow: dict[frozenset[bytes], int] = field(default_factory=dict)


class Bench:
    """The virtual clock, the nodes and the datagrams in flight; jobs run inline."""

    def __init__(self, seed: int = 1, link: Link | None = None) -> None:
        self.random = random.Random(seed)
        self.link = link or Link()
        self.now = START
        self.nodes: list[Node] = []
        self.flight: list[tuple[int, int, Endpoint, Endpoint, bytes]] = []
        self.count = 0
        self.sent: list[tuple[int, Endpoint, Endpoint, bytes]] = []
        self.out = TransmitBatch(Slab(65536))
        self.inward = DatagramBatch(Slab(65536))
        self.valid = VALID
        self.nats: list[Nat] = []

    def node(
        self, identity: Identity, world: World, endpoints: list[Endpoint], config: SwitchConfig | None = None
    ) -> Node:
        """A running node with one socket for each endpoint."""
        seeded = random.Random(self.random.getrandbits(64))
        switch = Switch(identity, world, seeded.randbytes, WALL_OFFSET_MS, config or SwitchConfig())
        node = Node(self, switch, Recorder(), endpoints)
        switch.bind(node.sink)
        self.nodes.append(node)
        switch.sockets_changed([LocalSocket(i, endpoint) for i, endpoint in enumerate(endpoints)], self.now)
        return node

    def pump(self, node: Node) -> None:
        """Run the node's jobs and put what it sends in flight."""
        for job in node.switch.jobs():
            data = job.identity.to_bytes()
            if data not in self.valid:
                job.run()
                self.valid[data] = bool(job.valid)
            job.valid = self.valid[data]
            node.switch.finish(job, self.now)
        more = True
        while more:
            self.out.clear()
            more = node.switch.transmit(self.out, self.now)
            self.send(node)
        node.events += node.switch.events()

    def send(self, node: Node) -> None:
        """Put the runs of the transmit batch in flight."""
        for i in range(self.out.count):
            offset, length, segment, socket, endpoint = self.out.run(i)
            for start in range(offset, offset + length, segment):
                data = bytes(self.out.slab.view[start : min(start + segment, offset + length)])
                self.launch(node.endpoints[socket], endpoint, data)

    def launch(self, source: Endpoint, target: Endpoint, data: bytes) -> None:
        """One datagram leaves."""
        if source.is_v4 != target.is_v4:
            return  # no socket can
        self.sent.append((self.now, source, target, data))
        link = self.link
        if self.random.random() < link.loss or link.drop(source, target, data):
            return
        nat = next((nat for nat in self.nats if source.ip in nat.inside), None)
        if nat is not None and target.ip not in nat.inside:
            source = nat.outward(source, target, self.now)
        delay = link.delay + (self.random.randrange(link.jitter) if link.jitter else 0)
        delay += link.slow.get(frozenset((source.ip, target.ip)), 0)
        self.count += 1
        heapq.heappush(self.flight, (self.now + delay, self.count, source, target, data))

    def deliver(self, source: Endpoint, target: Endpoint, data: bytes) -> None:
        """One datagram arrives, through the target's NAT."""
        for nat in self.nats:
            if target.ip == nat.public:
                inner = nat.inward(source, target, self.now)
                if inner is None:
                    return
                target = inner
            elif target.ip in nat.inside and source.ip not in nat.inside:
                return
        for node in self.nodes:
            if target in node.endpoints:
                self.hand(node, node.endpoints.index(target), source, data)

    def hand(self, node: Node, socket: int, source: Endpoint, data: bytes) -> None:
        """Give a datagram to a node's socket."""
        self.inward.clear()
        self.inward.slab.view[: len(data)] = data
        self.inward.add(0, len(data), 0, socket, source)
        node.switch.receive(self.inward, self.now)
        self.pump(node)

    def step(self, until: int) -> bool:
        """Go to the next thing that happens, at most to `until`; False when that is reached."""
        for node in self.nodes:
            if len(node.switch.context.outbox):
                self.pump(node)
        deadlines = [node.switch.deadline() for node in self.nodes]
        following = min([*deadlines, self.flight[0][0] if self.flight else until, until])
        self.now = max(self.now, following)
        if self.now >= until:
            return False
        if self.flight and self.flight[0][0] <= self.now:
            _, _, source, target, data = heapq.heappop(self.flight)
            self.deliver(source, target, data)
        for node, deadline in zip(self.nodes, deadlines, strict=True):
            if deadline <= self.now:
                node.switch.tick(self.now)
                self.pump(node)
        return True

    def run(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + int(seconds * SECOND)
        while self.step(until):
            pass

    def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> float:
        """Run until the condition holds, and return after how long; fails after `seconds`."""
        start = self.now
        until = start + int(seconds * SECOND)
        while not condition():
            assert self.step(until), f"did not happen within {seconds} s"
        return (self.now - start) / SECOND

    def errors(self) -> list[BaseException]:
        """Bugs that a Switch survived."""
        return [node.switch.bugs.last for node in self.nodes if node.switch.bugs.last is not None]


def at(host: str, port: int = 9993) -> Endpoint:
    """An endpoint from text."""
    return Endpoint.parse(host, port)


ROOT_AT = at("10.0.0.1")
A_AT = at("10.0.1.2")
B_AT = at("10.0.2.3")


@dataclass
class Triangle:
    """A root and two nodes."""

    bench: Bench
    world: World
    root: Node
    a: Node
    b: Node


def triangle(seed: int = 1, link: Link | None = None, extra: list[Endpoint] | None = None) -> Triangle:
    """A bench with a root (also listed at `extra` endpoints, where nobody is) and two nodes."""
    bench = Bench(seed, link)
    one, two, three = identities()[:3]
    world = planet([(one, [ROOT_AT, *(extra or [])])])
    root = bench.node(one, world, [ROOT_AT], SwitchConfig(root=True))
    a, b = bench.node(two, world, [A_AT]), bench.node(three, world, [B_AT])
    return Triangle(bench, world, root, a, b)
