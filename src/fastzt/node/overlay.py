"""Overlay: a network between nodes that know each other's endpoints, without root and controller.

Each node takes the peers that it is given for its roots: they are greeted until they answer, told what it
listens to and asked who has an address. The network is an ad-hoc one, where addresses follow from identities.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .._core.endpoint import Endpoint
from ..errors import InputError
from ..identity.identity import Identity
from ..wire.inetaddress import InetAddress
from ..wire.world import MAX_ENDPOINTS, PLANET, Root, World

NETWORK = 0xFF0A000000000001  # 10.0.0.0/8 and 6PLANE addresses, everything allowed
MAX_PEERS = 64


def parse_peer(text: str) -> Root:
    """A peer as `identity@ip/port[,ip/port]...`, its identity in the public form; raises InputError."""
    identity, at, places = text.strip().partition("@")
    endpoints = [_endpoint(place.strip()) for place in places.split(",")] if at else []
    if not endpoints or len(endpoints) > MAX_ENDPOINTS:
        raise InputError(f"peer {text!r}: identity@ip/port expected, with commas between several ip/port")
    return Root.of(Identity.parse(identity).to_bytes(), endpoints)


def _endpoint(text: str) -> Endpoint:
    try:
        endpoint = InetAddress.from_text(text).endpoint
    except ValueError:
        endpoint = None
    if endpoint is None or endpoint.port == 0:
        raise InputError(f"{text!r} is not an endpoint: ip/port expected, as in 192.0.2.1/9993")
    return endpoint


def planet(peers: Sequence[str], entropy: Callable[[int], bytes]) -> World:
    """The planet of a node whose roots are these peers; nobody has the key that could replace it."""
    if len(peers) > MAX_PEERS:
        raise InputError(f"an overlay has at most {MAX_PEERS} peers")
    roots: dict[int, Root] = {}
    for text in peers:
        peer = parse_peer(text)
        if peer.address in roots:
            raise InputError(f"peer {peer.address:010x} is given twice")
        roots[peer.address] = peer
    number = int.from_bytes(entropy(8), "big") | 1
    return World(PLANET, number, 1, entropy(64), tuple(roots.values()))
