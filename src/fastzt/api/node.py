"""Node: a ZeroTier node in this process, driven by threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..errors import InputError, NoRouteError
from ..io import port_mapping
from ..io.clock import monotonic_us, wall_offset_ms
from ..io.endpoints import UdpSockets
from ..io.threaded import EVERY, NODE, ThreadedDriver
from ..io.waiter import TimedOut
from ..node import overlay
from ..node.config import NodeConfig
from ..node.core import Core
from ..node.keeper import Keeper
from ..node.own_identity import IdentitySource, own_identity, parse_given
from ..node.planets import PlanetSource, given_planet, own_planet
from ..node.store import MemoryStore, Store
from ..vl1.events import IdentityCollision, Online
from . import addresses, fork, joining, moons, names, paths, report
from .closing import Closing
from .network import Network, open_connection
from .reach import Reach, relay_of
from .socket import Socket

T = TypeVar("T")
MAX_EVENTS = 1024
LINGER = 5.0  # seconds that `close` waits for what was sent to arrive
DEFAULT_CONFIG = NodeConfig()


class Node(Closing):
    """A node with its state in a directory (`state`), or in memory only.

    `planet`: a file or bytes, default the stored or public one. `port`: UDP port, 0 for the one used last or
    any. `identity`: text with the secret, a file of it, or a callable giving it; default the stored one, else
    a new one. `peers`: identity@ip/port of each, in place of a planet (node/overlay.py). Raises InputError,
    IdentityError, StateError.
    """

    def __init__(
        self,
        state: str | os.PathLike[str] | None = None,
        planet: PlanetSource = None,
        port: int = 0,
        identity: IdentitySource = None,
        *,
        config: NodeConfig = DEFAULT_CONFIG,
        peers: Sequence[str] | None = None,
    ) -> None:
        if peers is not None and planet is not None:
            raise InputError("a node has a planet, or peers that it is given, not both")
        world = given_planet(planet) if peers is None else overlay.planet(peers, os.urandom)
        known = parse_given(identity)
        addresses.check_port(port, 0)
        self._events: deque[Any] = deque(maxlen=MAX_EVENTS)
        self._networks: dict[int, Network] = {}
        self._collided = False
        self._store = MemoryStore() if state is None else Store(state)
        try:
            world = world or own_planet(self._store)  # first: a bad one must not leave a new identity behind
            relay = relay_of(config.tcp_relay, world)
            if config.upnp:
                port_mapping.library()  # before anything is opened
            own = own_identity(self._store, known, os.urandom)
            self._sockets = UdpSockets.open(
                port or self._store.port(),
                config.bind,
                fixed=port != 0,
                receive_buffer=config.receive_buffer,
                secondary=config.secondary_port,
            )
        except BaseException:
            self._store.close()
            raise
        self._store.save_port(self._sockets.port)
        windows = self._sockets.capabilities.receive_buffer // 2
        core = Core(own, world, os.urandom, wall_offset_ms(), config, self._records(config), windows)
        self._keeper = Keeper(self._store, core)
        self._driver = ThreadedDriver(core, self._sockets, monotonic_us, self._heard)
        self._reach = Reach(self._driver, self._sockets, relay, config.upnp)
        self._start()

    def _records(self, config: NodeConfig) -> Any:
        """Where a controller keeps its networks and members; None: in memory."""
        if not config.controller or self._store.path is None:
            return None
        from ..node.roles.controller_store import ControllerStore

        return ControllerStore(self._store.path / "controller.d")

    def _start(self) -> None:
        core, sockets = self._driver.core, self._sockets
        fork.watch(self)

        def begin(now: int) -> None:
            core.sockets_changed(sockets.local())
            self._keeper.restore(now)

        self._driver.run(begin)
        self._reach.start()
        self._driver.start()

    def _heard(self, events: list[Any]) -> None:
        """Events of the core, under the lock."""
        self._events.extend(events)
        self._reach.heard(events)
        for event in events:
            if isinstance(event, (IdentityCollision, Online)):
                self._collided = isinstance(event, IdentityCollision)
        for task in self._keeper.tasks(events):
            self._driver.worker.submit(task, must=True)

    # Networks

    def join(
        self,
        network: str,
        timeout: float | None = joining.DEFAULT_TIMEOUT,
        wait: bool = False,
        token: str | None = None,
    ) -> Network:
        """Join a network (16 hex digits) and wait for its configuration; known configuration is used at once.

        Raises NotAuthorizedError, AuthenticationRequiredError, NetworkNotFoundError, IdentityError (another
        node owns this one's address), and after `timeout` seconds ControllerUnreachableError. `wait`: keep
        polling while not authorized, without limit unless `timeout` is given. `token` is handed to the
        controller for pre-authorization. An ad-hoc network (ff...) has no controller: its id is its
        configuration.
        """
        nwid = addresses.network_id(network)
        saved = self._store.network(nwid)
        joining.join(self._driver, nwid, self.id, saved, timeout, wait, token, lambda: self._collided)
        return self._networks.setdefault(nwid, Network(self, self._driver, nwid))

    def leave(self, network: str) -> None:
        """Leave a network and forget its stored configuration; its sockets fail."""
        nwid = addresses.network_id(network)
        self._driver.run(lambda now: self._driver.core.leave(nwid, now))
        self._networks.pop(nwid, None)
        # Behind the tasks that may still be about to store it.
        self._driver.worker.complete(lambda: self._store.forget_network(nwid))

    @property
    def networks(self) -> list[Network]:
        """The networks that this node has joined."""
        return list(self._networks.values())

    def connect(
        self, address: tuple[Any, ...], timeout: float | None = 10, network: str | None = None
    ) -> Socket:
        """A TCP connection through the network that has a route to the address.

        Raises NoRouteError when none has, InputError when several have and `network` does not say which.
        """
        if network is not None:
            return self.join(network, timeout).connect(address, timeout)
        host, port = addresses.pair(address)
        named = self._network_of(host)
        hosts = names.system(host) if named is None else named.hosts(host, timeout)
        if named is not None and (routed := named.routed(hosts)):
            return open_connection(self._driver, int(named.id, 16), routed[0], port, timeout)
        core = self._driver.core
        for ip, found in self._driver.run(lambda now: [(h, core.networks_with(h)) for h in hosts]):
            if len(found) > 1:
                ids = " and ".join(f"{nwid:016x}" for nwid in found)
                raise InputError(f"{addresses.host_text(ip)} is on networks {ids}: say which with network=")
            if found:
                return open_connection(self._driver, found[0], ip, port, timeout)
        raise NoRouteError(f"no joined network has a route to {address[0]}")

    def _network_of(self, host: str) -> Network | None:
        """The network whose DNS servers know a host; raises InputError when several may."""
        if addresses.literal(host) is not None:
            return None
        found = [network for network in self.networks if network.dns.full_name(host) is not None]
        if len(found) > 1:
            ids = " and ".join(network.id for network in found)
            raise InputError(f"networks {ids} may know {host}: say which with network=")
        return found[0] if found else None

    # Roots of one's own

    def orbit(self, moon: bytes | str | os.PathLike[str], seed: str | None = None) -> None:
        """Use the roots of a moon too: its bytes or file, or with `seed` (a root of it) its id in hex digits.

        By its id it is asked for until it is found; it is kept in the state. Raises InputError.
        """
        moons.orbit(self._driver, self._store, moon, seed)

    def deorbit(self, moon: str) -> bool:
        """Leave a moon (its id in hex digits); whether it was known."""
        return moons.deorbit(self._driver, self._store, moon)

    # Facts

    @property
    def id(self) -> str:
        """The node's ZeroTier address: 10 hex digits."""
        return f"{self._driver.core.address:010x}"

    @property
    def port(self) -> int:
        """The UDP port."""
        return self._sockets.port

    @property
    def closed(self) -> bool:
        """Whether the node can no longer be used."""
        return self._driver.closed or self._driver.forked

    def status(self) -> dict[str, Any]:
        """The node in numbers: id, online, port, networks, peers, relay, how others see it, drops."""
        return self._driver.run(lambda now: {**report.status(self._driver.core, now), "port": self.port})

    def peers(self) -> list[dict[str, Any]]:
        """The peers known: how each is reached (`connection`, `path`, `paths`), and `why_not_direct`."""
        return self._driver.run(lambda now: paths.peers(self._driver.core, now))

    def whois(self, address: str | tuple[Any, ...], timeout: float = 5) -> str:
        """The id of the authenticated node that has this IP on a joined network.

        Raises NoRouteError, HostUnreachableError.
        """
        ip = addresses.ip16(address if isinstance(address, str) else address[0])
        return report.whois(self._driver, ip, timeout)

    def events(self, timeout: float = 0) -> list[Any]:
        """The events since the last call; waits up to `timeout` seconds for the first one."""

        def attempt(now: int) -> list[Any] | None:
            found = list(self._events)
            self._events.clear()
            return found or None

        try:
            return self._driver.wait(NODE, attempt, timeout)
        except TimedOut:
            return []

    def perform(self, action: Callable[[Core, int], T]) -> T:
        """Call `action(core, now)` under the node's lock: the way to a role's verbs. It must not block."""
        return self._driver.run(lambda now: action(self._driver.core, now))

    # The end

    def close(self, linger: float = LINGER) -> None:
        """End the node: closed sockets deliver what was sent within `linger` seconds, others are reset."""
        if self.closed:
            return
        core = self._driver.core
        try:
            self._driver.run(core.close_sockets)
            self._driver.wait(EVERY, lambda now: True if core.is_quiet() else None, linger)
        except TimedOut:
            pass
        finally:
            self._reach.close()
            for task in self._driver.run(self._keeper.farewell):
                self._driver.worker.submit(task, must=True)
            self._driver.close()
            self._store.close()

    def _abandon(self) -> None:
        """In a forked child."""
        self._driver.abandon()
        self._reach.abandon()
        self._store.close()

    def __repr__(self) -> str:
        return f"<fastzt.Node {self.id}{' closed' if self.closed else ''}>"
