from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from support.vectors import committed, parametrize

from fastzt._core.endpoint import Endpoint
from fastzt.identity.identity import Identity
from fastzt.identity.worlds import is_signed_by, replaces, sign_world
from fastzt.wire.planet import DEFAULT_PLANET, default_planet
from fastzt.wire.reader import Malformed, Reader
from fastzt.wire.world import MAX_SIZE, MOON, PLANET, Root, World

SIGNER = bytes(range(32))


@parametrize("world", "world")
def test_world(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["bytes"])
    reader = Reader(data)
    world = World.read(reader)
    assert reader.offset == case["consumed"] == len(data)
    assert (world.kind, f"{world.id:016x}", world.timestamp) == (case["type"], case["id"], case["timestamp"])
    assert world.update_key.hex() == case["updates_must_be_signed_by"]
    assert world.signature.hex() == case["signature"]
    assert world.signed_bytes.hex() == case["signed_bytes"]
    assert is_signed_by(world, world.update_key) == case["self_signature_valid"]
    assert (world.to_bytes() == data) == case["reserialized"]
    identities = [Identity.from_bytes(root.identity) for root in world.roots]
    assert [identity.to_text() for identity in identities] == [root["identity"] for root in case["roots"]]
    assert [identity.validate() for identity in identities] == [
        root["locally_valid"] for root in case["roots"]
    ]
    endpoints = [[str(endpoint) for endpoint in root.endpoints] for root in world.roots]
    assert endpoints == [root["endpoints"] for root in case["roots"]]
    assert [root.address for root in world.roots] == [identity.address for identity in identities]


# What follows a world is not part of it, so an update with more behind it is read and judged as usual.
@parametrize("world", "world_update")
def test_update(case: dict[str, Any]) -> None:
    current = World.read(Reader(bytes.fromhex(case["current"])))
    candidate = Reader(bytes.fromhex(case["candidate"]))
    if "error" in case:
        with pytest.raises(Malformed):
            World.read(candidate)
    else:
        assert replaces(current, World.read(candidate)) == case["replaces"]


def test_default_planet() -> None:
    assert len(DEFAULT_PLANET) == 570
    digest = hashlib.sha256(DEFAULT_PLANET).hexdigest()
    assert digest == "d85620dee418cd7efc5558b6a50b2a8ac34792764d074fa55d752952e48da470"
    planet = default_planet()
    assert (planet.kind, planet.id, planet.timestamp) == (PLANET, 149604618, 1644592324813)
    assert is_signed_by(planet, planet.update_key)
    assert planet.to_bytes() == DEFAULT_PLANET
    addresses = [f"{root.address:010x}" for root in planet.roots]
    assert addresses == ["cafe9efeb9", "778cde7190", "62f865ae71", "cafe04eba9"]
    assert str(planet.roots[0].endpoints[0]) == "104.194.8.134/9993"


def signed(kind: int, timestamp: int, count: int = 1) -> World:
    identities = [Identity.parse(case["public_string"]) for case in committed("identity", "identity")]
    key = Identity.parse(committed("identity", "identity")[0]["secret_string"])
    roots = tuple(
        Root.of(identity.to_bytes(), [Endpoint.parse("192.0.2.7", 9993), Endpoint.parse("2001:db8::7", 9993)])
        for identity in identities[:count]
    )
    return sign_world(World(kind, 42, timestamp, key.public, roots), key.to_secret_bytes()[103:])


@pytest.mark.parametrize("kind", [PLANET, MOON])
def test_made_world_is_accepted(kind: int) -> None:
    held, newer = signed(kind, 1), signed(kind, 2, 4)
    assert World.parse(newer.to_bytes()) == newer
    assert replaces(held, newer)
    assert not replaces(newer, held)
    assert not replaces(held, replace(newer, roots=held.roots))


def test_truncations_are_malformed() -> None:
    data = signed(MOON, 9, 2).to_bytes()
    for length in range(len(data)):
        with pytest.raises(Malformed):
            World.parse(data[:length])
    with pytest.raises(Malformed, match="too many"):
        World.parse(data + b"x")
    with pytest.raises(Malformed, match="8481"):
        World.parse(bytes(MAX_SIZE + 1))


def test_limits_hold_when_writing() -> None:
    world = signed(PLANET, 1)
    with pytest.raises(ValueError, match="at most 4 roots"):
        replace(world, roots=world.roots * 5).to_bytes()
    crowded = Root(world.roots[0].identity, world.roots[0].addresses * 17)
    with pytest.raises(ValueError, match="at most 32 endpoints"):
        replace(world, roots=(crowded,)).to_bytes()
