"""Moons: made from their owner's JSON, and which of them a node may take; world.json."""

from __future__ import annotations

from typing import Any

import pytest
from support.vectors import committed, parametrize

from fastzt.errors import InputError
from fastzt.identity import moons
from fastzt.identity.identity import Identity
from fastzt.identity.worlds import is_signed_by
from fastzt.wire.world import World


@parametrize("world", "moon_tool")
def test_moon_tool(case: dict[str, Any]) -> None:
    body = case["initmoon_json"]
    public, secret = bytes.fromhex(body["signingKey"]), bytes.fromhex(body["signingKey_SECRET"])
    root = Identity.parse(body["roots"][0]["identity"])
    assert moons.template(root, public, secret) == body
    made = moons.from_json(case["genmoon_json"], World.parse(bytes.fromhex(case["moon_file"])).timestamp)
    assert made.to_bytes().hex() == case["moon_file"]
    assert is_signed_by(made, public)


@parametrize("world", "new_moon")
def test_new_moon(case: dict[str, Any]) -> None:
    moon = World.parse(bytes.fromhex(case["moon"]))
    orbits = {int(case["orbit_moon_id"], 16): int(case["orbit_seed"], 16)} if case["orbit_moon_id"] else {}
    wanted = moons.is_wanted(moon, orbits)
    if case["locally_configured"]:
        assert case["accepted"]  # a file of the user's: nobody asks what it is
        assert not wanted
    elif case.get("quirk"):
        # The first copy goes unverified in the reference; here its own key must have signed it.
        assert case["accepted"]
        assert not wanted
    else:
        assert wanted == case["accepted"]


def test_without_a_seed_the_id_is_enough() -> None:
    good = next(case for case in committed("world", "new_moon") if case["accepted"] and not case.get("quirk"))
    moon = World.parse(bytes.fromhex(good["moon"]))
    assert moons.is_wanted(moon, {moon.id: None})


@pytest.mark.parametrize(
    "change",
    [
        {"worldType": "planet"},
        {"id": "xyz"},
        {"id": "0"},
        {"roots": []},
        {"roots": [{"identity": "nonsense", "stableEndpoints": []}]},
        {"updatesMustBeSignedBy": "00"},
        {"signingKey_SECRET": "zz"},
    ],
)
def test_json_that_is_no_moon_is_refused(change: dict[str, Any]) -> None:
    body = committed("world", "moon_tool")[0]["genmoon_json"]
    with pytest.raises(InputError):
        moons.from_json({**body, **change}, 1)


@pytest.mark.parametrize("text", ["10.0.0.1", "10.0.0.1/0x", "nowhere/1"])
def test_an_endpoint_that_is_none_is_refused(text: str) -> None:
    body = committed("world", "moon_tool")[0]["genmoon_json"]
    roots = [{**body["roots"][0], "stableEndpoints": [text]}]
    with pytest.raises(InputError):
        moons.from_json({**body, "roots": roots}, 1)
