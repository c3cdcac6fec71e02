"""`fastzt moon`, `orbit`, `deorbit`: further roots beside those of the planet."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .._core.endpoint import Endpoint
from ..errors import FastztError, InputError
from ..identity import moons
from ..identity.identity import Identity
from ..node.planets import given_moon
from ..node.roles.root import make_moon
from ..wire.world import World
from . import options
from .membership import running
from .output import progress, say, show
from .planet import ROOT, facts, signing_key, write_world

if TYPE_CHECKING:
    from ..api.node import Node


@click.group()
def moon() -> None:
    """Make and show moons: signed lists of roots that a node uses beside its planet's."""


@moon.command()
@click.argument("root", metavar="IDENTITY")
@click.option(
    "--key", metavar="FILE", required=True, show_envvar=True, help="Identity that will sign the moon."
)
def init(root: str, key: str) -> None:
    """Print the JSON of a new moon with one root, as zerotier-idtool's initmoon does.

    Fill in roots and stableEndpoints, then `moon make --from` it. It holds the signing key: keep it.
    """
    signer = signing_key(key, [])
    keys = bytes.fromhex(signer.to_text(secret=True).rsplit(":", 1)[1])
    show(moons.template(options.read_identity(root), signer.public, keys))


def from_file(name: str) -> World:
    """The moon that the JSON in a file describes, signed now."""
    try:
        body = json.loads(Path(name).expanduser().read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: {error}") from None
    if not isinstance(body, dict):
        raise InputError(f"{name} is not the JSON of a moon")
    return moons.from_json(body, time.time_ns() // 1_000_000)


@moon.command()
@click.option(
    "--from", "source", metavar="FILE", show_envvar=True, help="JSON of the moon, instead of --root."
)
@click.option(
    "--root",
    "roots",
    type=ROOT,
    multiple=True,
    show_envvar=True,
    help="A root: its identity file and where it listens, as in identity.public@192.0.2.1/9993. Repeatable.",
)
@click.option(
    "--key",
    metavar="FILE",
    show_envvar=True,
    help="Identity that signs the moon and its updates. Default: the first root with a secret.",
)
@click.option("--output", "-o", metavar="FILE", show_default="ID.moon", show_envvar=True)
@options.json_option
def make(
    source: str | None,
    roots: tuple[tuple[Identity, list[Endpoint]], ...],
    key: str | None,
    output: str | None,
    as_json: bool,
) -> None:
    """Make a moon of up to four roots, sign it, write it to a file. Its id is the first root's address."""
    if (source is None) == (not roots):
        raise click.UsageError("name the moon's roots by --root, or its JSON by --from")
    if source is not None:
        world = from_file(source)
    else:
        world = make_moon(roots, signing_key(key, list(roots)), time.time_ns() // 1_000_000)
    write_world("moon", world, output or f"{world.id:016x}.moon", as_json)


@moon.command(name="show")
@click.argument("file")
@options.json_option
def show_moon(file: str, as_json: bool) -> None:
    """Print what the moon in FILE says."""
    told = facts(given_moon(file))
    if as_json:
        show(told)
        return
    signed = "signed by its own update key" if told["self_signed"] else "NOT signed by its own update key"
    say(f"moon {told['id']}, timestamp {told['timestamp']}, {signed}")
    for root in told["roots"]:
        say(f"{root['address']}  {' '.join(root['endpoints'])}")


def wait_for(node: Node, moon_id: str, timeout: float) -> dict[str, Any] | None:
    """What the node says of a moon once it has it; None: not in time."""
    end = time.monotonic() + timeout
    with progress(f"looking for moon {moon_id}"):
        while True:
            for known in node.status()["moons"]:
                if int(known["id"], 16) == int(moon_id, 16) and "roots" in known:
                    return dict(known)
            left = end - time.monotonic()
            if left <= 0:
                return None
            node.events(timeout=min(left, 0.5))


@click.command()
@click.argument("moon", metavar="MOON")
@click.argument("seed", required=False)
@options.timeout_option(30.0)
@options.state_option
@options.planet_option
@options.reach_options
@options.json_option
def orbit(
    moon: str,
    seed: str | None,
    timeout: float,
    state: str,
    planet: str | None,
    udp_port: int,
    as_json: bool,
) -> None:
    """Use the roots of a moon too, and keep it in the state: a file, or an id and SEED, one of its roots.

    Found later than the timeout it still counts: each run of the node asks for it.
    """
    world = given_moon(moon) if seed is None else None
    with running(state, planet, udp_port) as node:
        node.orbit(world.to_bytes() if world is not None else moon, seed)
        found = wait_for(node, f"{world.id:016x}" if world is not None else moon, timeout)
    if found is None:
        raise FastztError(f"{seed} has not sent moon {moon} within {timeout:g} s; the node goes on asking")
    if as_json:
        show(found)
    else:
        say(f"moon {found['id']} roots {' '.join(found['roots'])}")


@click.command()
@click.argument("moon", metavar="ID")
@options.state_option
@options.planet_option
@options.reach_options
def deorbit(moon: str, state: str, planet: str | None, udp_port: int) -> None:
    """Use the roots of a moon no longer; status 1 when it was not known."""
    with running(state, planet, udp_port) as node:
        known = node.deorbit(moon)
    if not known:
        raise FastztError(f"moon {moon} was not orbited")
