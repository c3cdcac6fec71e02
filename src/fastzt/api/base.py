"""BaseNode: what nodes have in common, whatever drives them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import InputError, NoRouteError
from ..vl1.events import IdentityCollision, Online
from . import addresses, counters, event_log, fork, paths, report
from .happy_eyeballs import Candidate, order
from .reach import Reach

if TYPE_CHECKING:
    from ..io.driver import Driver
    from ..node.core import Core
    from .base_network import BaseNetwork
    from .parts import Parts

T = TypeVar("T")
D = TypeVar("D", bound="Driver")
N = TypeVar("N", bound="BaseNetwork[Any]")
MAX_EVENTS = 1024
LINGER = 5.0  # seconds that `close` waits for what was sent to arrive


class BaseNode(Generic[D, N]):
    """Facts and duties; `_begin` is called once its parts are open and its driver is made."""

    _parts: Parts
    _driver: D
    _reach: Reach

    def __init__(self) -> None:
        self._events: deque[Any] = deque(maxlen=MAX_EVENTS)
        self._queues: list[deque[Any]] = []  # of those who follow the events
        self._networks: dict[int, N] = {}
        self._collided = False

    def _begin(self, parts: Parts, driver: D) -> None:
        self._parts, self._driver = parts, driver
        self._reach = Reach(driver, parts.sockets, parts.relay, parts.upstream, parts.mapping)
        fork.watch(self)

        def begin(now: int) -> None:
            parts.core.sockets_changed(parts.sockets.local())
            parts.keeper.restore(now)

        driver.run(begin)
        self._reach.start()

    def _heard(self, events: list[Any]) -> None:
        """Events of the core, under the lock."""
        self._events.extend(events)
        for queue in list(self._queues):
            queue.extend(events)
        self._reach.heard(events)
        for event in events:
            if isinstance(event, (IdentityCollision, Online)):
                self._collided = isinstance(event, IdentityCollision)
        for task in self._parts.keeper.tasks(events):
            self._driver.worker.submit(task, must=True)
        if logged := event_log.wanted(events):
            self._driver.worker.submit(partial(event_log.tell, self.id, logged))

    def _abandon(self) -> None:
        """In a forked child."""
        raise NotImplementedError

    @property
    def id(self) -> str:
        """The node's ZeroTier address: 10 hex digits."""
        return f"{self._parts.core.address:010x}"

    @property
    def port(self) -> int:
        """The UDP port."""
        return self._parts.sockets.port

    @property
    def closed(self) -> bool:
        """Whether the node can no longer be used."""
        return self._driver.closed or self._driver.forked

    @property
    def networks(self) -> list[N]:
        """The networks that this node has joined."""
        return list(self._networks.values())

    @property
    def known_networks(self) -> list[str]:
        """The ids of the networks of which the state holds a configuration, joined or not."""
        return [f"{nwid:016x}" for nwid in self._parts.store.networks()]

    def _network_of(self, host: str) -> N | None:
        """The network whose DNS servers know a host; raises InputError when several may."""
        if addresses.literal(host) is not None:
            return None
        found = [network for network in self.networks if network.dns.full_name(host) is not None]
        if len(found) > 1:
            ids = " and ".join(network.id for network in found)
            raise InputError(f"networks {ids} may know {host}: say which with network=")
        return found[0] if found else None

    def _candidates(self, host: str, hosts: list[bytes]) -> list[Candidate]:
        """Where to try to reach a host: those of its addresses that a network leads to, in order.

        Raises NoRouteError, and InputError when several networks lead to each.
        """
        core = self._parts.core
        ordered = order(hosts)
        reached = self._driver.ask(lambda: [(ip, core.networks_with(ip)) for ip in ordered])
        candidates = [(found[0], ip) for ip, found in reached if len(found) == 1]
        for ip, found in reached:
            if len(found) > 1 and not candidates:
                ids = " and ".join(f"{nwid:016x}" for nwid in found)
                raise InputError(f"{addresses.host_text(ip)} is on networks {ids}: say which with network=")
        if not candidates:
            raise NoRouteError(f"no joined network has a route to {host}")
        return candidates

    def status(self) -> dict[str, Any]:
        """The node in numbers: id, online, port, networks, peers, relay, how others see it, drops."""
        core, own = self._parts.core, self._own_facts()
        return self._driver.run(
            lambda now: {
                **report.status(core, now),
                **own,
                **counters.report(self._parts, self._driver.worker),
            }
        )

    def _own_facts(self) -> dict[str, Any]:
        found, relay = self._parts.sockets.capabilities, self._parts.relay
        return {
            "port": self.port,
            "buffers": {"receive": found.receive_buffer, "send": found.send_buffer},
            "tcp_relay_at": None if relay is None else str(relay),
            "identity_collision": self._collided,
        }

    def peers(self) -> list[dict[str, Any]]:
        """The peers known: how each is reached (`connection`, `path`, `paths`), and `why_not_direct`."""
        return self._driver.run(lambda now: paths.peers(self._parts.core, now))

    def perform(self, action: Callable[[Core, int], T]) -> T:
        """Call `action(core, now)` under the node's lock: the way to a role's verbs. It must not block."""
        return self._driver.run(lambda now: action(self._parts.core, now))
