"""Parts: what a node is made of before anything drives it: its state, its sockets, its core."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from .._core.endpoint import Endpoint
from ..errors import InputError
from ..io import upnp
from ..io.clock import monotonic_us
from ..io.endpoints import UdpSockets
from ..io.port_mapping import NAT_PMP, UPNP
from ..io.upstream import UpstreamProxy
from ..netstack.window_budget import budget_of
from ..node import overlay
from ..node.config import NodeConfig
from ..node.core import Core
from ..node.keeper import Keeper
from ..node.own_identity import IdentitySource, own_identity, parse_given
from ..node.planets import PlanetSource, given_planet, own_planet
from ..node.store import MemoryStore, Store
from . import addresses, observing
from .reach import relay_of, upstream_of

DEFAULT_CONFIG = NodeConfig()
StateSource = str | os.PathLike[str] | None


@dataclass(frozen=True)
class Parts:
    """`relay`: the TCP relay, `upstream`: the proxy that leads to it; `mapping`: how routers are asked."""

    store: MemoryStore
    sockets: UdpSockets
    core: Core
    keeper: Keeper
    relay: Endpoint | None
    upstream: UpstreamProxy | None
    mapping: tuple[str, ...]

    def close(self) -> None:
        """Give up what was opened; nothing drives the core any more. Harmless when repeated."""
        self.core.conclude(monotonic_us())
        self.sockets.close()
        self.store.close()


def open_parts(
    state: StateSource,
    planet: PlanetSource,
    port: int,
    identity: IdentitySource,
    config: NodeConfig,
    peers: Sequence[str] | None,
) -> Parts:
    """Open a node's state and sockets; takes long when an identity has to be made.

    Raises InputError, IdentityError, StateError, OSError.
    """
    if peers is not None and planet is not None:
        raise InputError("a node has a planet, or peers that it is given, not both")
    world = given_planet(planet) if peers is None else overlay.planet(peers, os.urandom)
    known = parse_given(identity)
    addresses.check_port(port, 0)
    store = MemoryStore() if state is None else Store(state)
    with ExitStack() as undo:
        undo.callback(store.close)
        world = world or own_planet(store)  # first: a bad one must not leave a new identity behind
        relay = relay_of(config.tcp_relay, world)
        upstream = upstream_of(config.upstream_proxy, relay)
        if config.upnp:
            upnp.library()  # before anything is opened
        capture = observing.open_capture(config)
        if capture is not None:
            undo.callback(capture.close)
        own = own_identity(store, known, os.urandom)
        sockets = open_sockets(store, port, config)
        undo.pop_all()
    windows = budget_of(sockets.capabilities.receive_buffer)
    core = observing.new_core(own, world, config, records(store, config), windows, capture)
    return Parts(store, sockets, core, Keeper(store, core), relay, upstream, mapping_ways(config))


def mapping_ways(config: NodeConfig) -> tuple[str, ...]:
    """How a router is to be asked, in order."""
    return tuple(way for way, wanted in ((UPNP, config.upnp), (NAT_PMP, config.nat_pmp)) if wanted)


def open_sockets(store: MemoryStore, port: int, config: NodeConfig) -> UdpSockets:
    """The UDP sockets, on the given port, the one used last, or any, which is kept."""
    sockets = UdpSockets.open(
        port or store.port(),
        config.bind,
        fixed=port != 0,
        receive_buffer=config.receive_buffer,
        secondary=config.secondary_port,
    )
    store.save_port(sockets.port)
    return sockets


def records(store: MemoryStore, config: NodeConfig) -> Any:
    """Where a controller keeps its networks and members; None: in memory."""
    if not config.controller or store.path is None:
        return None
    from ..node.roles.controller_store import ControllerStore

    return ControllerStore(store.path / "controller.d")
