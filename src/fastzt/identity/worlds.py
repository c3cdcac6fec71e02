"""Worlds and signatures: which world replaces which, and signing one (PROTOCOL-VL1 6.2)."""

from __future__ import annotations

from ..wire.world import World
from .signatures import sign, verify


def is_signed_by(world: World, public: bytes) -> bool:
    """Whether the key (64 bytes) signed the world."""
    return verify(public, world.signed_bytes, world.signature)


def replaces(held: World, candidate: World) -> bool:
    """Whether `candidate` takes the place of `held`: kind and id match, newer, signed by its key."""
    return candidate.follows(held) and is_signed_by(candidate, held.update_key)


def sign_world(world: World, seed: bytes) -> World:
    """The world signed by an Ed25519 seed (32 bytes)."""
    return world.with_signature(sign(seed, world.signed_bytes))
