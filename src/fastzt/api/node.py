"""Node: a ZeroTier node in this process, driven by threads."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Any

from ..io.clock import monotonic_us
from ..io.threaded import EVERY, NODE, ThreadedDriver
from ..io.waiter import TimedOut
from ..node.config import NodeConfig
from ..node.own_identity import IdentitySource
from ..node.planets import PlanetSource
from . import addresses, joining, moons, names, report
from .base import LINGER, BaseNode
from .closing import Closing
from .happy_eyeballs import order
from .network import Network, open_first
from .parts import DEFAULT_CONFIG, StateSource, open_parts
from .socket import Socket


class Node(BaseNode[ThreadedDriver, Network], Closing):
    """A node with its state in a directory (`state`), or in memory only.

    `planet`: a file or bytes, default the stored or public one. `port`: UDP port, 0 for the one used last or
    any. `identity`: text with the secret, a file of it, or a callable giving it; default the stored one, else
    a new one. `peers`: identity@ip/port of each, in place of a planet (node/overlay.py). Raises InputError,
    IdentityError, StateError.

    `agent`: the node of an agent, by its socket or state directory; True: of `state` (default: the user's),
    where one is started if need be. It is used, too, when nothing but a `state` is given that an agent holds.
    """

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        """An AgentNode where an agent is meant."""
        from .agent_node import agent_of

        found = agent_of(arguments, named)
        return super().__new__(cls) if found is None else found

    def __init__(
        self,
        state: StateSource = None,
        planet: PlanetSource = None,
        port: int = 0,
        identity: IdentitySource = None,
        *,
        config: NodeConfig = DEFAULT_CONFIG,
        peers: Sequence[str] | None = None,
        agent: bool | str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__()
        parts = open_parts(state, planet, port, identity, config, peers)
        self._begin(parts, ThreadedDriver(parts.core, parts.sockets, monotonic_us, self._heard))
        self._driver.start()

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
        begun = joining.Joining(self._driver, nwid, self.id, lambda: self._collided, wait)
        begun.begin(self._parts.store.network(nwid), token)
        joining.join(self._driver, begun, timeout)
        return self._networks.setdefault(nwid, Network(self, self._driver, nwid))

    def leave(self, network: str) -> None:
        """Leave a network and forget its stored configuration; its sockets fail."""
        nwid = addresses.network_id(network)
        self._driver.run(lambda now: self._driver.core.leave(nwid, now))
        self._networks.pop(nwid, None)
        # Behind the tasks that may still be about to store it.
        self._driver.worker.complete(lambda: self._parts.store.forget_network(nwid))

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
            candidates = [(int(named.id, 16), ip) for ip in order(routed)]
        else:
            candidates = self._candidates(host, hosts)
        return open_first(self._driver, candidates, port, timeout)

    # Roots of one's own

    def orbit(self, moon: bytes | str | os.PathLike[str], seed: str | None = None) -> None:
        """Use the roots of a moon too: its bytes or file, or with `seed` (a root of it) its id in hex digits.

        By its id it is asked for until it is found; it is kept in the state. Raises InputError.
        """
        moons.orbit(self._driver, self._parts.store, moon, seed)

    def deorbit(self, moon: str) -> bool:
        """Leave a moon (its id in hex digits); whether it was known."""
        return moons.deorbit(self._driver, self._parts.store, moon)

    # Facts

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

    # The end

    def close(self, linger: float = LINGER) -> None:
        """End the node: closed sockets deliver what was sent within `linger` seconds, others are reset."""
        if self._driver.forked:
            return
        if self._driver.closed:  # before, or because it has broken down
            self._reach.close()
            self._parts.close()
            return
        core = self._driver.core
        try:
            self._driver.run(self._end_sockets)
            self._driver.wait(EVERY, lambda now: True if core.is_quiet() else None, linger)
        except OSError:
            pass  # time is up, or another thread has closed it meanwhile
        finally:
            self._reach.close()
            with contextlib.suppress(OSError):
                for task in self._driver.run(self._parts.keeper.farewell):
                    self._driver.worker.submit(task, must=True)
            self._driver.close()
            self._parts.close()

    def _end_sockets(self, now: int) -> None:
        self._driver.bridges.release(now)
        self._driver.core.close_sockets(now)

    def _abandon(self) -> None:
        """In a forked child."""
        self._driver.abandon()
        self._reach.abandon()
        self._parts.store.close()

    def __repr__(self) -> str:
        return f"<fastzt.Node {self.id}{' closed' if self.closed else ''}>"
