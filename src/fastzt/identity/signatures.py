"""Signatures: Ed25519 over the first half of SHA-512, with that half appended (PROTOCOL-VL1 2.8)."""

from __future__ import annotations

import hashlib
import hmac

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import CryptoError

SIGNATURE_SIZE = 96


def sign(seed: bytes, message: bytes) -> bytes:
    """The 96-byte signature of a message by an Ed25519 seed (32 bytes)."""
    digest = hashlib.sha512(message).digest()[:32]
    return crypto_sign(digest, crypto_sign_seed_keypair(seed)[1])[:64] + digest


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (96 bytes) is that of `message` by the identity with these 64 public bytes."""
    if len(signature) != SIGNATURE_SIZE or len(public) != 64:
        return False
    digest = hashlib.sha512(message).digest()[:32]
    if not hmac.compare_digest(digest, signature[64:]):
        return False
    try:
        crypto_sign_open(signature[:64] + digest, public[32:])
    except (CryptoError, ValueError):
        return False
    return True
