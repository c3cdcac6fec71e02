"""Moons of a node: worlds of further roots, orbited by file or found by id at a seed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..io.driver import Driver
from ..node.planets import given_moon
from ..node.store import MemoryStore
from ..wire.address import parse_address

if TYPE_CHECKING:
    from ..node.core import Core
    from ..wire.world import World

HEX = frozenset("0123456789abcdef")


def moon_id(text: str) -> int:
    """A moon's id from up to 16 hex digits; raises InputError."""
    if not 0 < len(text) <= 16 or not set(text.lower()) <= HEX or int(text, 16) == 0:
        raise InputError(f"{text!r} is not the id of a moon: up to 16 hex digits expected")
    return int(text, 16)


def orbit(driver: Driver, store: MemoryStore, moon: bytes | str | os.PathLike[str], seed: str | None) -> None:
    """Add a moon to the node and its store; raises InputError."""
    found: int | World
    address = 0
    if seed is None:
        found = given_moon(moon)
    elif isinstance(moon, str):
        found, address = moon_id(moon), parse_address(seed)
    else:
        raise InputError("a seed is for a moon that is given by its id")
    if not driver.run(lambda now: driver.core.switch.orbit(found, address, now)):
        raise InputError("too many moons")
    if not isinstance(found, int):
        world = found
        driver.worker.complete(lambda: store.save_moon(world.id, world.to_bytes()))
    elif found in driver.run(lambda now: driver.core.switch.moons())[1]:
        number = found
        driver.worker.complete(lambda: store.save_seed(number, address))


def deorbit(driver: Driver, store: MemoryStore, moon: str) -> bool:
    """Take a moon out of the node and its store; raises InputError."""
    number = moon_id(moon)
    known = driver.run(lambda now: driver.core.switch.deorbit(number, now))
    driver.worker.complete(lambda: store.forget_moon(number))
    return known


def report(core: Core) -> list[dict[str, Any]]:
    """The moons as plain dictionaries."""
    held, wanted = core.switch.moons()
    found: list[dict[str, Any]] = [
        {
            "id": f"{moon.id:016x}",
            "timestamp": moon.timestamp,
            "roots": [f"{root.address:010x}" for root in moon.roots],
        }
        for moon in held.values()
    ]
    return found + [{"id": f"{moon:016x}", "seed": f"{seed:010x}"} for moon, seed in wanted.items()]
