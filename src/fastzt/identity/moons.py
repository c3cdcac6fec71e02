"""Moons: the JSON in which their owners keep them, key and all (PROTOCOL-VL1 6.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core.endpoint import Endpoint
from ..errors import InputError
from ..wire.inetaddress import InetAddress
from ..wire.world import MAX_ENDPOINTS, MAX_ROOTS, MOON, Root, World
from .identity import Identity
from .worlds import sign_world

KEY_SIZE = 64  # of a key pair's public and of its secret half; the second 32 bytes of each are Ed25519's
Json = Mapping[str, Any]


def template(root: Identity, public: bytes, secret: bytes) -> dict[str, Any]:
    """The JSON of a new moon with one root; the key pair (64 bytes each) signs this moon and its updates."""
    return {
        "id": f"{root.address:010x}",
        "objtype": "world",
        "roots": [{"identity": root.to_text(), "stableEndpoints": []}],
        "signingKey": public.hex(),
        "signingKey_SECRET": secret.hex(),
        "updatesMustBeSignedBy": public.hex(),
        "worldType": "moon",
    }


def from_json(body: Json, timestamp_ms: int) -> World:
    """The moon that the JSON describes, signed; raises InputError."""
    if body.get("objtype") != "world" or body.get("worldType") != "moon":
        raise InputError("not the JSON of a moon: objtype world and worldType moon expected")
    try:
        moon_id = int(body["id"], 16)
        roots = sorted((_root(entry) for entry in body["roots"]), key=lambda root: root.address)
        update_key, secret = (
            bytes.fromhex(body["updatesMustBeSignedBy"]),
            bytes.fromhex(body["signingKey_SECRET"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"JSON of a moon: {error!r}") from None
    if not 0 < moon_id < 1 << 64 or not 0 < len(roots) <= MAX_ROOTS:
        raise InputError(f"a moon has an id and 1 to {MAX_ROOTS} roots")
    if len(update_key) != KEY_SIZE or len(secret) != KEY_SIZE:
        raise InputError(f"the keys of a moon have {KEY_SIZE} bytes")
    return sign_world(World(MOON, moon_id, timestamp_ms, update_key, tuple(roots)), secret[32:])


def _root(entry: Json) -> Root:
    endpoints = [_endpoint(text) for text in entry["stableEndpoints"]]
    if len(endpoints) > MAX_ENDPOINTS:
        raise InputError(f"a root has at most {MAX_ENDPOINTS} endpoints")
    found = Root.of(Identity.parse(entry["identity"]).to_bytes(), endpoints)
    return Root(found.identity, tuple(sorted(found.addresses, key=_order)))


def _endpoint(text: str) -> Endpoint:
    host, slash, port = text.partition("/")
    if not slash:
        raise InputError(f"{text!r} is not an endpoint: address/port expected")
    return Endpoint.parse(host, int(port))


def _order(address: InetAddress) -> tuple[int, bytes, int]:
    return len(address.ip), address.ip, address.bits
