"""Core: one node, joined from its layers.

Datagrams, time and the user's actions come in; datagrams and events go out. It owns no socket, clock,
thread, file or random source: drivers and the simulation bring those.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._core.datagram_batch import DatagramBatch, TransmitBatch
from .._core.endpoint import V4_PREFIX, Endpoint, LocalSocket
from .._core.slab import Slab
from .._core.stats import Stats
from .._core.timer_wheel import TimerWheel
from ..errors import NoRouteError
from ..identity.identity import Identity
from ..netstack.config import StackConfig
from ..netstack.socket_table import SocketTable
from ..netstack.stack import Stack
from ..netstack.window_budget import WindowBudget
from ..vl1.config import SwitchConfig
from ..vl1.events import Online, PathChanged
from ..vl1.jobs import Job as IdentityJob
from ..vl1.path_policy import Prefix
from ..vl1.switch import Switch
from ..vl2.network import Network
from ..vl2.networks import Networks
from ..vl2.status import Status
from ..wire.world import World
from .adapter import Inlet, Lane, Loopback, Outlet, configure
from .config import NodeConfig
from .peer_record import PeerRecord
from .verbs import Verbs

if TYPE_CHECKING:
    import cython

    from ..netstack.echo import Pinger
    from ..netstack.tcp.connection import Connection
    from ..netstack.tcp.listener import TcpListener
    from ..netstack.udp import UdpEndpoint
    from .roles.controller import Controller
    from .roles.controller_store import ControllerStore
else:
    from .. import _cython as cython

Entropy = Callable[[int], bytes]


class Core(Verbs):
    """The verbs of a node. Times are microseconds, network ids ints, IPs 16 bytes.

    `windows`: what the TCP receive windows of all connections may add up to; None: anything.
    """

    if not cython.compiled:
        __slots__ = (
            "_by_id",
            "_lanes",
            "_nothing",
            "_overlays",
            "address",
            "controller",
            "entropy",
            "identity",
            "networks",
            "sockets",
            "stack_config",
            "switch",
            "wheel",
            "windows",
        )

    def __init__(
        self,
        identity: Identity,
        planet: World,
        entropy: Entropy,
        wall_offset_ms: int,
        config: NodeConfig = NodeConfig(),  # noqa: B008 - immutable
        records: ControllerStore | None = None,
        windows: WindowBudget | None = None,
    ) -> None:
        self.identity = identity
        self.address = identity.address
        self.entropy = entropy
        self.stack_config = StackConfig(congestion=config.congestion)
        switch_config = SwitchConfig(root=config.root, protocol=config.protocol)
        self.switch = Switch(identity, planet, entropy, wall_offset_ms, switch_config)
        self.networks = Networks(self.switch, entropy, wall_offset_ms)
        self.switch.bind(self.networks)
        self.windows = windows or WindowBudget()
        self.wheel = TimerWheel(0)
        self.sockets = SocketTable()
        self._by_id: dict[int, Lane] = {}
        self._lanes: list[Lane] = []
        self._overlays: list[Prefix] = []
        self._nothing = TransmitBatch(Slab(0))
        self.controller = self._control(records, wall_offset_ms) if config.controller else None

    def _control(self, records: ControllerStore | None, wall_offset_ms: int) -> Controller:
        """The controller role, keeping its records in a store, or in memory."""
        from .roles.controller import Controller
        from .roles.controller_store import ControllerStore

        store = records if records is not None else ControllerStore(None)
        controller = Controller(self.identity, store, self.entropy, wall_offset_ms)
        self.networks.authority = controller
        controller.bind(self.switch, self.networks.own_config)
        return controller

    # Datagrams and time

    def receive(self, batch: DatagramBatch, now: int) -> None:
        """Process what arrived; never raises for what a remote sent."""
        if batch.count > 0:
            self.windows.arrived(batch.count, batch.length[0])
        self.switch.receive(batch, now)
        if self.switch.happened:
            self._tell_paths(now)
        for lane in self._lanes:
            lane.stack.after_batch(now)

    def _tell_paths(self, now: int) -> None:
        """Let flows hear of new ways to their peers; to hear of one twice does no harm."""
        for event in self.switch.happened:
            if isinstance(event, PathChanged):
                peer = self.switch.peer(event.address)
                if peer is None:
                    continue
            elif isinstance(event, Online):
                peer = None
            else:
                continue
            for lane in self._lanes:
                lane.stack.path_changed(peer, now)

    def transmit(self, out: TransmitBatch, now: int) -> bool:
        """Fill `out` with what is to be sent; True when more remains."""
        more = self.switch.transmit(out, now)
        for lane in self._lanes:
            lane.outlet.fill(out)
            more = lane.transmit(now) or more
            lane.outlet.fill(self._nothing)
        self.switch.complete()
        return more

    def deadline(self) -> int:
        """When `tick` is wanted next, in microseconds; 2**62: never."""
        found = self.switch.deadline()
        other = self.networks.deadline()
        if other < found:
            found = other
        other = self.wheel.minimum()
        if other < found:
            found = other
        if self.controller is not None:
            found = min(found, self.controller.deadline())
        for lane in self._lanes:
            if lane.outlet.own.used:  # more than one transmit takes
                return 0
        return found

    def tick(self, now: int) -> None:
        """Let the timers fire that are due."""
        if self.switch.deadline() <= now:
            self.switch.tick(now)
            if self.switch.happened:
                self._tell_paths(now)
        if self.networks.deadline() <= now:
            self.networks.tick(now)
        if self.controller is not None:
            self.controller.tick(now)
        if self.wheel.expire(now):
            timer = self.wheel.pop()
            while timer >= 0:
                owner: Any = self.wheel.owner(timer)
                owner.expired(now)
                timer = self.wheel.pop()
        for lane in self._lanes:
            lane.stack.after_batch(now)

    def jobs(self) -> list[Any]:
        """Long computations to be run outside (`job.run()`), then handed to `finish`."""
        found: list[Any] = self.switch.jobs()
        return found if self.controller is None else found + self.controller.jobs()

    def finish(self, job: Any, now: int) -> None:
        """Take back a job that has run."""
        if isinstance(job, IdentityJob):
            self.switch.finish(job, now)
        elif self.controller is not None:
            self.controller.finish(job, now)

    def refuse(self, job: Any, now: int) -> None:
        """A job that nobody will run: it counts as failed."""
        self.finish(job, now)

    def has_news(self) -> bool:
        """Whether `ready`, `events` or `jobs` may have something to tell."""
        if self.sockets.has_news() or self.switch.has_news() or self.networks.has_news():
            return True
        return self.controller is not None

    def ready(self) -> list[tuple[int, int]]:
        """(id, bits) of the sockets that changed since the last call."""
        return self.sockets.ready()

    def events(self) -> list[Any]:
        """What happened to the node, its peers and its networks since the last call."""
        of_networks = self.networks.events()
        if of_networks:
            self._refuse()
        return self.switch.events() + of_networks

    def sockets_changed(self, local: list[LocalSocket], now: int = 0) -> None:
        """The driver's UDP sockets, and a tunnel if there is one."""
        self.switch.sockets_changed(local, now)

    def surroundings_changed(self, reachable: list[Endpoint], overlays: list[Prefix], now: int) -> None:
        """Where other hosts may reach the sockets, and the prefixes of other overlays on this host."""
        self._overlays = overlays
        self._refuse()
        self.switch.advertise(reachable, now)

    def _refuse(self) -> None:
        """No path may lead into a network of ours or another overlay (PROTOCOL-VL1 7.2)."""
        own = [
            (ip, bits + 96 if ip.startswith(V4_PREFIX) else bits)
            for lane in self._lanes
            for ip, bits in lane.network.addresses
        ]
        self.switch.refuse(own + self._overlays)

    def path_too_big(self, socket: int, endpoint: Endpoint, size: int, now: int) -> None:
        """A datagram of `size` bytes does not fit the route to `endpoint`."""
        self.switch.path_too_big(socket, endpoint, size, now)

    def conclude(self, now: int) -> None:
        """Nobody drives the core any more; an observed one tells what it has not told yet."""

    # Networks

    def join(self, nwid: int, now: int, saved: bytes | None = None, token: str | None = None) -> Network:
        """Join a network, or do nothing when that was done; `saved`: its configuration as last known."""
        known = self._by_id.get(nwid)
        if known is not None:
            return known.network
        network = self.networks.join(nwid, now, saved, token)
        outlet = Outlet(network, self._nothing, Loopback(self.address))
        stack = Stack(
            outlet, self.wheel, self.entropy, self.stack_config, self.sockets, self.stats, self.windows
        )
        network.bind(Inlet(network, stack))
        configure(stack, network, now)
        lane = Lane(network, outlet, stack)
        self._by_id[nwid] = lane
        self._lanes.append(lane)
        return network

    def leave(self, nwid: int, now: int) -> None:
        """Leave a network; its sockets fail."""
        lane = self._by_id.pop(nwid, None)
        if lane is not None:
            self._lanes.remove(lane)
            self.networks.leave(nwid, now)
            lane.stack.close(now)
            self._refuse()

    def network_ids(self) -> list[int]:
        """The networks joined."""
        return list(self._by_id)

    def has_network(self, nwid: int) -> bool:
        """Whether a network was joined."""
        return nwid in self._by_id

    def network(self, nwid: int) -> Network:
        """A joined network; NoRouteError for any other."""
        return self._lane(nwid).network

    def is_usable(self, nwid: int) -> bool:
        """Whether the network's configuration is in use."""
        network = self.network(nwid)
        return network.status == Status.OK and network.config is not None

    def _lane(self, nwid: int) -> Lane:
        lane = self._by_id.get(nwid)
        if lane is None:
            raise NoRouteError(f"network {nwid:016x} is not joined")
        return lane

    def routes(self, nwid: int, ip16: bytes) -> bool:
        """Whether the network has a route to an address."""
        return self._lane(nwid).stack.routes.way(ip16)[0] is not None

    def networks_with(self, ip16: bytes) -> list[int]:
        """The joined networks that have a route to an address, and none of them a closer one than another."""
        found = {nwid: lane.stack.routes.prefix_for(ip16) for nwid, lane in self._by_id.items()}
        closest = max(found.values(), default=-1)
        return [nwid for nwid, prefix in found.items() if prefix == closest >= 0]

    def owner(self, nwid: int, ip16: bytes, now: int) -> int | None:
        """The node that has an address on a network; None while resolution runs."""
        network = self.network(nwid)
        if any(ip16 == own for own, _ in network.addresses):
            return self.address
        peer = network.resolve(ip16, now)
        return None if peer is None else int(peer.address)

    # Sockets

    def connect(self, nwid: int, ip16: bytes, port: int, now: int, local_port: int = 0) -> Connection:
        """Begin a TCP connection, from a port of the caller's choice if need be."""
        return self._lane(nwid).stack.connect(ip16, port, now, local_port=local_port)

    def unconnected(self, nwid: int) -> Connection:
        """A connection that never was: each use of it raises OSError (ENOTCONN)."""
        return self._lane(nwid).stack.unconnected()

    def listen(self, nwid: int, ip16: bytes | None, port: int, backlog: int, now: int) -> TcpListener:
        """Listen on a port (0: any free one); OSError (EADDRINUSE) when it is taken."""
        return self._lane(nwid).stack.listen(ip16, port, backlog, now)

    def udp(self, nwid: int, ip16: bytes | None, port: int, now: int) -> UdpEndpoint:
        """A UDP socket on a port (0: any free one); OSError (EADDRINUSE) when it is taken."""
        return self._lane(nwid).stack.datagrams.bind(ip16, port, now)

    def pinger(self, nwid: int, ip16: bytes) -> Pinger:
        """An ICMP echo client."""
        return self._lane(nwid).stack.datagrams.pinger(ip16)

    def close_sockets(self, now: int) -> None:
        """Reset the connections that the user has not closed, close the listeners."""
        for lane in self._lanes:
            lane.stack.end(now)

    def is_quiet(self) -> bool:
        """Whether nothing that was written is still on its way."""
        return all(lane.stack.is_quiet() for lane in self._lanes)

    # Peers

    @property
    def online(self) -> bool:
        """Whether a root answers (a root itself is always online)."""
        return self.switch.online

    @property
    def stats(self) -> Stats:
        """Counters of what was dropped, by reason."""
        return self.switch.stats

    def remember(self, record: PeerRecord, now: int) -> None:
        """Take a peer of an earlier run: its identity counts as validated, its endpoints get a HELLO."""
        self.switch.remember(record.identity, record.protocol, record.version, record.endpoints, now)

    def record_of(self, address: int) -> PeerRecord | None:
        """What is worth keeping of a peer; None without a direct path."""
        peer = self.switch.peer(address)
        if peer is None or not peer.paths:
            return None
        endpoints = tuple(path.endpoint for path in peer.paths)
        return PeerRecord(peer.identity, peer.protocol, peer.version, endpoints)
