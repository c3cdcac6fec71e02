"""`fastzt planet`: make and show planets, the signed lists of roots."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from .._core.endpoint import Endpoint
from ..errors import InputError
from ..identity.identity import Identity
from ..identity.worlds import is_signed_by
from ..node import files
from ..node.roles.root import make_planet
from ..wire.planet import default_planet
from ..wire.world import World
from . import options
from .output import say, show

RootGiven = tuple[Identity, list[Endpoint]]


@click.group()
def planet() -> None:
    """Make and show planets: the signed lists of roots that a node starts from."""


def parse_root(text: str) -> RootGiven:
    """`FILE@ip/port[,ip/port...]`; raises InputError naming the part that is wrong."""
    name, at, listed = text.rpartition("@")
    if not at or not name:
        raise InputError(f"{text!r} is not a root: identity-file@ip/port[,ip/port...] expected")
    endpoints = [options.parse_endpoint(part) for part in listed.split(",")]
    identity = options.read_identity(name)
    if not identity.validate():
        raise InputError(f"identity {name} is invalid: its address does not follow from its key")
    return identity, endpoints


ROOT = options.Checked("file@ip/port,...", parse_root)


def signing_key(name: str | None, roots: list[RootGiven]) -> Identity:
    """The identity that signs: the named one, else the first root whose file holds its secret."""
    if name is not None:
        signer = options.read_identity(name)
        if not signer.has_secret:
            raise InputError(f"identity {name} has no secret part, so it cannot sign")
        return signer
    for identity, _ in roots:
        if identity.has_secret:
            return identity
    raise InputError("no root's identity file holds a secret: name one to sign with by --key")


def write_world(kind: str, world: World, output: str, as_json: bool) -> None:
    """Write a signed world to a file and say what is in it; raises InputError."""
    target = Path(output).expanduser()
    if not target.parent.is_dir():
        raise InputError(f"{target.parent} is not a directory")
    files.write(target, world.to_bytes(), 0o644)
    if as_json:
        show({"file": str(target), **facts(world)})
    else:
        say(f"{target}: {kind} {world.id:016x} with {len(world.roots)} roots")


@planet.command()
@click.option(
    "--root",
    "roots",
    type=ROOT,
    multiple=True,
    required=True,
    show_envvar=True,
    help="A root: its identity file and where it listens, as in identity.public@192.0.2.1/9993. Repeatable.",
)
@click.option(
    "--key",
    metavar="FILE",
    show_envvar=True,
    help="Identity that signs the planet and its updates. Default: the first root with a secret.",
)
@click.option("--output", "-o", metavar="FILE", default="planet", show_default=True, show_envvar=True)
@options.json_option
def make(
    roots: tuple[tuple[Identity, list[Endpoint]], ...], key: str | None, output: str, as_json: bool
) -> None:
    """Make a planet of up to four roots, sign it, write it to a file."""
    world = make_planet(roots, signing_key(key, list(roots)), time.time_ns() // 1_000_000)
    write_world("planet", world, output, as_json)


@planet.command(name="show")
@click.argument("file", required=False)
@options.json_option
def show_planet(file: str | None, as_json: bool) -> None:
    """Print what the planet in FILE says; without FILE the built-in one."""
    world = default_planet() if file is None else options.read_planet(file)
    told = facts(world)
    if as_json:
        show(told)
        return
    signed = "signed by its own update key" if told["self_signed"] else "NOT signed by its own update key"
    say(f"planet {told['id']}, timestamp {world.timestamp}, {signed}")
    for root in told["roots"]:
        say(f"{root['address']}  {' '.join(root['endpoints'])}")


def facts(world: World) -> dict[str, Any]:
    """What there is to say of a world, for JSON."""
    return {
        "id": f"{world.id:016x}",
        "timestamp": world.timestamp,
        "update_key": world.update_key.hex(),
        "self_signed": is_signed_by(world, world.update_key),
        "roots": [
            {"address": f"{root.address:010x}", "endpoints": [str(endpoint) for endpoint in root.endpoints]}
            for root in world.roots
        ],
    }
