"""Moons: made from their owner's JSON; world.json."""

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
