"""Where a node's planet comes from: given, stored, an embedded libzt's roots, else the public one."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import InputError
from ..wire.planet import default_planet
from ..wire.reader import Malformed
from ..wire.world import MAX_SIZE, MOON, PLANET, World
from .store import MemoryStore

PlanetSource = bytes | str | os.PathLike[str] | World | None


def parse(data: bytes, where: str) -> World:
    """A planet from its bytes; raises InputError that names `where`."""
    try:
        world = World.parse(data)
    except Malformed as error:
        raise InputError(f"{where} is malformed: {error}") from None
    if world.kind != PLANET:
        raise InputError(f"{where} is a moon, not a planet")
    if not any(root.endpoints for root in world.roots):
        raise InputError(f"{where} names no root that can be reached")
    return world


def parse_moon(data: bytes) -> World | None:
    """A moon from its bytes; None for anything else."""
    try:
        world = World.parse(data)
    except Malformed:
        return None
    return world if world.kind == MOON else None


def given_moon(source: bytes | str | os.PathLike[str]) -> World:
    """A moon as bytes or a file; raises InputError."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        data, where = bytes(source), "the moon given"
    else:
        where = f"moon file {Path(source)}"
        try:
            with Path(source).expanduser().open("rb") as file:
                data = file.read(MAX_SIZE + 1)
        except OSError as error:
            raise InputError(f"cannot read {where}: {error.strerror}") from None
    world = parse_moon(data)
    if world is None:
        raise InputError(f"{where} is not a moon")
    return world


def given_planet(source: PlanetSource) -> World | None:
    """The planet that the caller gives, as bytes or a file; raises InputError. None when none is given."""
    if source is None or isinstance(source, World):
        return source
    if isinstance(source, (bytes, bytearray, memoryview)):
        return parse(bytes(source), "the planet given")
    path = Path(source)
    try:
        with path.open("rb") as file:
            return parse(file.read(MAX_SIZE + 1), f"planet file {path}")
    except OSError as error:
        raise InputError(f"cannot read planet file {path}: {error.strerror}") from None


def own_planet(store: MemoryStore) -> World:
    """The stored planet, else the public one; raises InputError when the stored one is malformed."""
    stored = store.planet()
    if stored is None:
        return default_planet()
    data, where = stored
    return parse(data, where)
