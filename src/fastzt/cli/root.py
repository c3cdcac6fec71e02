"""`fastzt root`: a root of one's own, with a controller in the same process if wanted."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .._core.endpoint import Endpoint
from ..errors import InputError
from ..identity.identity import Identity
from ..node import files
from ..node.own_identity import own_identity
from ..node.roles.root import is_root, make_planet
from ..node.store import Store
from ..wire.planet import DEFAULT_PLANET
from ..wire.world import World
from . import options
from .output import say, show

if TYPE_CHECKING:
    from ..api.node import Node


def prepare(state: str, planet: str | None, endpoints: tuple[Endpoint, ...]) -> tuple[Identity, World]:
    """The root's identity and planet, made and stored on first use; raises InputError, StateError."""
    store = Store(state)
    try:
        identity = own_identity(store, None, os.urandom)
        if planet is not None:
            world = options.read_planet(planet)
        elif endpoints:
            world = make_planet([(identity, endpoints)], identity, time.time_ns() // 1_000_000)
            files.write(store.path / "planet", world.to_bytes(), 0o644)
        else:
            data, name = store.planet() or (DEFAULT_PLANET, "the built-in planet")
            world = options.parse_planet(data, name)
    finally:
        store.close()
    if not is_root(identity, world):
        raise InputError(
            f"{identity.address:010x} is not a root of its planet: make one by --endpoint ip/port"
        )
    return identity, world


def own_port(identity: Identity, world: World) -> int:
    """The port that the planet promises for this root; raises InputError when it names several."""
    listed = next(root for root in world.roots if root.address == identity.address)
    ports = {endpoint.port for endpoint in listed.endpoints}
    if len(ports) != 1:
        raise InputError(f"the planet names {len(ports)} ports for this root: say which with --udp-port")
    return ports.pop()


def serve_until_stopped() -> None:
    """Wait for SIGINT or SIGTERM."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    while not stopped.wait(3600):
        pass


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
    identity, world = prepare(state, planet, endpoints)
    port = udp_port or own_port(identity, world)
    from ..api.node import Node
    from ..node.config import NodeConfig

    config = NodeConfig(root=True, controller=controller)
    with Node(state=directory, planet=world.to_bytes(), port=port, config=config) as node:
        announce(node, as_json, planet=planet or str(directory / "planet"))
        serve_until_stopped()
