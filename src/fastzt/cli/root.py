"""`fastzt root`: a root of one's own, with a controller in the same process if wanted."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .._core.endpoint import Endpoint
from ..errors import InputError
from ..identity.identity import Identity
from ..node import files
from ..node.own_identity import own_identity
from ..node.planets import own_planet, parse_moon
from ..node.roles.root import is_root, make_planet
from ..node.store import Store
from ..wire.world import World
from . import options, seeing
from .output import say, show
from .stopping import stop_signals

if TYPE_CHECKING:
    from ..api.node import Node


def prepare(state: str, planet: str | None, endpoints: tuple[Endpoint, ...]) -> tuple[Identity, World, World]:
    """Identity and planet, made on first use, and the world that lists the root; InputError, StateError."""
    none_yet = InputError(f"{state} holds no identity of a root: make root and planet by --endpoint ip/port")
    if not endpoints and not Path(state).expanduser().is_dir():
        raise none_yet
    store = Store(state)
    try:
        if endpoints:
            identity = own_identity(store, None, os.urandom)
            world = make_planet([(identity, endpoints)], identity, time.time_ns() // 1_000_000)
            files.write(store.path / "planet", world.to_bytes(), 0o644)
        else:
            world = options.read_planet(planet) if planet is not None else own_planet(store)
            if store.secret() is None:
                raise none_yet
            identity = own_identity(store, None, os.urandom)
        worlds = [world, *filter(None, map(parse_moon, store.moons()))]
    finally:
        store.close()
    own = next((listed for listed in worlds if is_root(identity, listed)), None)
    if own is None:
        raise InputError(
            f"{identity.address:010x} is no root of its planet or a moon: make one by --endpoint ip/port"
        )
    return identity, world, own


def own_port(identity: Identity, world: World) -> int:
    """The port that the planet promises for this root; raises InputError when it names several."""
    listed = next(root for root in world.roots if root.address == identity.address)
    ports = {endpoint.port for endpoint in listed.endpoints}
    if len(ports) != 1:
        raise InputError(f"the planet names {len(ports)} ports for this root: say which with --udp-port")
    return ports.pop()


def announce(node: Node, as_json: bool, **more: str) -> None:
    """Tell that the node runs: whoever started it waits for this line."""
    if as_json:
        show({"node": node.id, "port": node.port, **more})
    else:
        say(
            " ".join([f"node {node.id} port {node.port}", *(f"{name} {text}" for name, text in more.items())])
        )


@click.command()
@click.option(
    "--endpoint",
    "endpoints",
    type=options.ENDPOINT,
    multiple=True,
    show_envvar=True,
    help="Where this root is reached (ip/port): makes a planet of this one root. Repeatable.",
)
@click.option("--controller", is_flag=True, show_envvar=True, help="Also run the controller of this state.")
@options.state_option
@options.planet_option
@options.port_option
@options.json_option
def root(
    endpoints: tuple[Endpoint, ...],
    controller: bool,
    state: str,
    planet: str | None,
    udp_port: int,
    as_json: bool,
) -> None:
    """Run a root until stopped: it answers HELLO and WHOIS, relays, introduces.

    With --endpoint the first start makes identity and planet; give DIR/planet to the members.
    """
    if planet is not None and endpoints:
        raise InputError("--planet and --endpoint exclude each other: the planet names the endpoints")
    directory = Path(state).expanduser()
    identity, world, own = prepare(state, planet, endpoints)
    port = udp_port or own_port(identity, own)
    from ..api.node import Node

    config = options.node_config(root=True, controller=controller)
    with (
        stop_signals() as stop,
        Node(directory, world.to_bytes(), port, config=config) as node,
        seeing.serving(node),
    ):
        stop.expect()
        announce(node, as_json, planet=planet or str(directory / "planet"))
        stop.wait()
