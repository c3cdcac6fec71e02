"""Worlds: the planet and the moons that name a node's roots, and what replaces them (PROTOCOL-VL1 6.2)."""

from __future__ import annotations

from .._core.endpoint import Endpoint
from ..identity.worlds import is_signed_by, replaces
from ..wire.hello import Hello
from ..wire.world import MOON, World

MAX_MOONS = 16


class Worlds:
    """One planet, and moons by id; `wanted` are moons not held yet, with the address to ask for each."""

    def __init__(self, planet: World) -> None:
        self.planet = planet
        self.moons: dict[int, World] = {}
        self.wanted: dict[int, int] = {}

    def roots(self) -> dict[bytes, tuple[Endpoint, ...]]:
        """Every root's identity (71 bytes) with all endpoints that a world lists for it."""
        found: dict[bytes, tuple[Endpoint, ...]] = {}
        for world in (self.planet, *self.moons.values()):
            for root in world.roots:
                found[root.identity] = tuple(dict.fromkeys((*found.get(root.identity, ()), *root.endpoints)))
        return found

    def want(self, moon: int, seed: int) -> bool:
        """Look for a moon at a seed, one of its roots; False when there are too many."""
        if moon not in self.moons and len(self.moons) + len(self.wanted) >= MAX_MOONS:
            return moon in self.wanted
        if moon not in self.moons:
            self.wanted[moon] = seed
        return True

    def hold(self, moon: World) -> bool:
        """Take a moon from the user, unless a newer one is held or there are too many."""
        held = self.moons.get(moon.id)
        if held is None and not self.want(moon.id, 0):
            return False
        if held is None or moon.timestamp > held.timestamp:
            self.moons[moon.id] = moon
        self.wanted.pop(moon.id, None)
        return True

    def forget(self, moon: int) -> bool:
        """Leave a moon; whether it was known."""
        held = self.moons.pop(moon, None) is not None
        return self.wanted.pop(moon, None) is not None or held

    def take(self, candidate: World) -> bool:
        """Take a world from a root or a seed; False unless it is newer, or a moon that is wanted.

        The first version of a moon must have the seed among its roots and be signed by its own key, which the
        reference does not ask.
        """
        if candidate.kind != MOON:
            if not replaces(self.planet, candidate):
                return False
            self.planet = candidate
            return True
        held = self.moons.get(candidate.id)
        if held is not None:
            taken = replaces(held, candidate)
        else:
            seed = self.wanted.get(candidate.id, 0)
            named = any(root.address == seed for root in candidate.roots)
            taken = seed != 0 and named and is_signed_by(candidate, candidate.update_key)
        if taken:
            self.moons[candidate.id] = candidate
            self.wanted.pop(candidate.id, None)
        return taken

    def entries(self) -> tuple[tuple[int, int], ...]:
        """What a HELLO says of moons: id and timestamp, 0 for those that are wanted."""
        held = [(moon.id, moon.timestamp) for moon in self.moons.values()]
        return (*held, *((moon, 0) for moon in self.wanted))

    def newer_than(self, hello: Hello) -> tuple[World, ...]:
        """What the sender of a HELLO holds in an older version, or wants."""
        found = []
        if (
            self.planet.id
            and hello.planet_id == self.planet.id
            and 0 < hello.planet_timestamp < self.planet.timestamp
        ):
            found.append(self.planet)
        for moon, timestamp in hello.moons[:MAX_MOONS]:
            held = self.moons.get(moon)
            if held is not None and timestamp < held.timestamp:
                found.append(held)
        return tuple(found)
