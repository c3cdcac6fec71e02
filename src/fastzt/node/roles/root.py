"""The root role: a node whose identity is in its own planet. Here: making that planet.

What a root does beside other nodes (relaying, introductions, ungated WHOIS) is the switch's, what it answers
to GATHER and LIKE that of the networks' directory; both follow from `SwitchConfig.root`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

from ..._core.endpoint import Endpoint
from ...errors import InputError
from ...identity.identity import Identity
from ...wire.world import MAX_ENDPOINTS, MAX_ROOTS, MOON, PLANET, Root, World


def is_root(identity: Identity, planet: World) -> bool:
    """Whether this very identity, not only its address, is a root of the planet."""
    return any(root.identity == identity.to_bytes() for root in planet.roots)


def planet_id(update_key: bytes) -> int:
    """A world id that follows from the key that signs updates (64 bytes): remaking a planet updates it."""
    return int.from_bytes(hashlib.sha256(b"planet" + update_key).digest()[:8], "big")


def make_planet(
    roots: Iterable[tuple[Identity, Iterable[Endpoint]]],
    signer: Identity,
    timestamp_ms: int,
    world_id: int | None = None,
) -> World:
    """A planet signed by `signer`, whose key also signs its updates; raises InputError."""
    listed = []
    for identity, endpoints in roots:
        reachable = list(dict.fromkeys(endpoints))
        if not 0 < len(reachable) <= MAX_ENDPOINTS:
            raise InputError(f"root {identity.address:010x} needs 1 to {MAX_ENDPOINTS} endpoints")
        listed.append(Root.of(identity.to_bytes(), reachable))
    if not 0 < len(listed) <= MAX_ROOTS:
        raise InputError(f"a planet takes 1 to {MAX_ROOTS} roots, not {len(listed)}")
    number = planet_id(signer.public) if world_id is None else world_id
    return signed(World(PLANET, number, timestamp_ms, signer.public, tuple(listed)), signer)


def make_moon(
    roots: Iterable[tuple[Identity, Iterable[Endpoint]]], signer: Identity, timestamp_ms: int
) -> World:
    """A moon, whose id is by convention the address of its first root; raises InputError."""
    planet = make_planet(roots, signer, timestamp_ms)
    return signed(replace(planet, kind=MOON, id=planet.roots[0].address), signer)


def signed(world: World, signer: Identity) -> World:
    """The world with the signer's signature."""
    return world.with_signature(signer.sign(world.signed_bytes))
