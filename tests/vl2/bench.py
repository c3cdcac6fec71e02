"""A bench for VL2: real Switches and Networks, a root that is also the controller, two members."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vl1.sim import A_AT, B_AT, ROOT_AT, WALL_OFFSET_MS, Bench, Link, Node, identities, planet

from fastzt._core.datagram_batch import TransmitBatch
from fastzt._core.endpoint import V4_PREFIX
from fastzt._core.slab import Slab
from fastzt.node.roles.controller import Controller
from fastzt.node.roles.controller_store import ControllerStore
from fastzt.vl1.config import SwitchConfig
from fastzt.vl1.packet import Packet
from fastzt.vl1.peer import Peer
from fastzt.vl2.bridging import Station
from fastzt.vl2.network import Network
from fastzt.vl2.networks import Networks
from fastzt.vl2.sink import IpSink
from fastzt.wire.verbs import Verb

OFFICE: dict[str, Any] = {
    "name": "office",
    "routes": [{"target": "10.121.15.0/24", "via": None}],
    "ipAssignmentPools": [{"ipRangeStart": "10.121.15.1", "ipRangeEnd": "10.121.15.254"}],
    "v4AssignMode": {"zt": True},
}


class Stack(IpSink):
    """Keeps what the network hands up. `flows`: (peer address, generation) that fast_input takes."""

    def __init__(self) -> None:
        self.inputs: list[tuple[int, bytes, int]] = []
        self.fast: list[tuple[int, bytes, int]] = []
        self.flows: set[tuple[int, int]] = set()
        self.found: list[tuple[bytes, int]] = []
        self.lost: list[bytes] = []
        self.refusals: list[int] = []
        self.changes = 0

    def fast_input(
        self, peer: object, slab: Slab, offset: int, length: int, generation: int, now: int
    ) -> bool:
        assert isinstance(peer, Peer)
        if (peer.address, generation) not in self.flows:
            return False
        self.fast.append((peer.address, bytes(slab.view[offset : offset + length]), generation))
        return True

    def input(self, peer: object, slab: Slab, offset: int, length: int, generation: int, now: int) -> None:
        assert isinstance(peer, Peer | Station)
        self.inputs.append((peer.address, bytes(slab.view[offset : offset + length]), generation))

    def resolved(self, ip16: bytes, peer: object, now: int) -> None:
        assert isinstance(peer, Peer | Station)
        self.found.append((ip16, peer.address))

    def unreachable(self, ip16: bytes, now: int) -> None:
        self.lost.append(ip16)

    def refused(self, peer: object, now: int) -> None:
        assert isinstance(peer, Peer)
        self.refusals.append(peer.address)

    def addresses_changed(self, now: int) -> None:
        self.changes += 1


class Watched(Networks):
    """Networks that notes what VL1 hands up: (verb, sender, now, verdict)."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.seen: list[tuple[int, int, int, int]] = []

    def frame(self, peer: Peer, slab: Slab, offset: int, length: int, hops: int, now: int) -> int:
        verdict = super().frame(peer, slab, offset, length, hops, now)
        self.seen.append((Verb.FRAME, peer.address, now, verdict))
        return verdict

    def message(self, packet: Packet, now: int) -> int:
        verdict = super().message(packet, now)
        self.seen.append((packet.verb, packet.peer.address, now, verdict))
        return verdict


@dataclass(eq=False)
class Host:
    """A node with VL2 on top."""

    node: Node
    networks: Watched
    events: list[Any] = field(default_factory=list)
    stack: Stack = field(default_factory=Stack)
    world: dict[int, Host] = field(default_factory=dict)

    @property
    def address(self) -> int:
        return self.node.address

    def times(self, verb: int, sender: Host | None = None) -> list[int]:
        """When packets with a verb came (microseconds), from one sender or all."""
        found = self.networks.seen
        return [at for v, address, at, _ in found if v == verb and sender in (None, self.world.get(address))]

    def total(self, name: str) -> int:
        return int(self.node.switch.stats.as_dict().get(f"vl2.{name}", 0))


class World(Bench):
    """A root with the controller role and hosts; jobs run inline, the controller's files are in memory."""

    def __init__(self, seed: int = 1, link: Link | None = None) -> None:
        super().__init__(seed, link)
        one, two, three, four = identities()[:4]
        # Their proof of work is what tests/identity checks.
        self.valid.update({identity.to_bytes(): True for identity in (one, two, three, four)})
        self.world = planet([(one, [ROOT_AT])])
        self.hosts: list[Host] = []
        self.by_address: dict[int, Host] = {}
        self.root = self.host(one, ROOT_AT, SwitchConfig(root=True))
        self.controller = Controller(one, ControllerStore(None), self.random.randbytes, WALL_OFFSET_MS)
        self.controller.bind(self.root.node.switch, self.root.networks.own_config)
        self.root.networks.authority = self.controller
        self.a = self.host(two, A_AT)
        self.b = self.host(three, B_AT)
        self.spare = four
        self.batch = TransmitBatch(Slab(65536))

    def host(self, identity: Any, endpoint: Any, config: SwitchConfig | None = None) -> Host:
        """Another running node."""
        node = self.node(identity, self.world, [endpoint], config)
        networks = Watched(node.switch, self.random.randbytes, WALL_OFFSET_MS)
        found = Host(node, networks, world=self.by_address)
        self.hosts.append(found)
        self.by_address[found.address] = found
        return found

    def step(self, until: int) -> bool:
        """As Bench.step, with the timers of VL2 and of the controller."""
        parts: list[Any] = [*(host.networks for host in self.hosts), self.controller]
        due = min(part.deadline() for part in parts)
        if due <= self.now:
            for part in parts:
                part.tick(self.now)
            self.flush()
        moved = super().step(min(until, max(due, self.now)) if due > self.now else until)
        self.flush()
        return moved or self.now < until

    def flush(self) -> None:
        """Put what VL2 queued in flight, and run the controller's jobs."""
        for job in self.controller.jobs():
            job.run()
            self.controller.finish(job, self.now)
        for host in self.hosts:
            self.pump(host.node)
            host.events += host.networks.events()

    def network(self, fields: dict[str, Any] | None = None) -> int:
        """A new network of the controller."""
        record = self.controller.create_network({**OFFICE, **(fields or {})}, self.now)
        return int(record["id"], 16)

    def join(self, nwid: int, *hosts: Host, authorize: bool = True) -> list[Network]:
        """Hosts join a network, authorized beforehand, and get their configs."""
        joined = []
        for host in hosts or (self.a, self.b):
            if authorize:
                self.controller.authorize(nwid, host.address, self.now)
            network = host.networks.join(nwid, self.now)
            network.bind(host.stack)
            joined.append(network)
        self.flush()
        if authorize:
            self.until(lambda: all(network.config is not None for network in joined), 10)
        return joined

    def send_ip(self, network: Network, peer: Peer, packet: bytes, generation: int = 0) -> int:
        """One IP packet by the hot way; the generation to cache, 0 or -1."""
        self.batch.clear()
        offset = network.reserve(peer, self.batch, len(packet), self.now)
        assert offset >= 0
        self.batch.slab.view[offset : offset + len(packet)] = packet
        verdict = network.commit(peer, self.batch, len(packet), generation, self.now)
        network.switch.complete()
        host = next(h for h in self.hosts if h.networks.get(network.nwid) is network)
        self.out, kept = self.batch, self.out
        self.send(host.node)
        self.out = kept
        return verdict

    def meet(self, network: Network, ip: bytes) -> Peer:
        """The peer that owns an IP, resolved over the wire."""
        found = network.resolve(ip, self.now)
        self.flush()
        if found is None:
            self.until(lambda: network.resolve(ip, self.now) is not None, 10)
            found = network.resolve(ip, self.now)
        assert found is not None
        return found


def ip_of(network: Network) -> bytes:
    """The network's own IPv4 address, in 16 bytes."""
    return next(ip for ip, _ in network.addresses if ip.startswith(V4_PREFIX))


def ipv4(source: bytes, target: bytes, payload: bytes = b"", protocol: int = 17) -> bytes:
    """An IPv4 packet; the checksum is not looked at on the way."""
    length = 20 + len(payload)
    head = bytes([0x45, 0]) + length.to_bytes(2, "big") + bytes(4) + bytes([64, protocol]) + bytes(2)
    return head + source[12:] + target[12:] + payload
