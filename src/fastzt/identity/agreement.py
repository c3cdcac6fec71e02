"""Key agreement: X25519, then SHA-512 (PROTOCOL-VL1 2.7)."""

from __future__ import annotations

import hashlib

from nacl.bindings import crypto_scalarmult
from nacl.exceptions import CryptoError

from ..errors import IdentityError


def agree(secret: bytes, public: bytes, length: int = 48) -> bytes:
    """`length` bytes of key from a raw X25519 secret (32 bytes, clamped at use) and a public key (32 bytes).

    IdentityError when the public key is of low order, which would make the key known to everybody.
    """
    try:
        digest = shared = crypto_scalarmult(secret, public)
    except (CryptoError, RuntimeError) as error:
        raise IdentityError("the other identity's key agreement key is of low order") from error
    if not any(shared):
        raise IdentityError("the other identity's key agreement key is of low order")
    key = b""
    while len(key) < length:
        digest = hashlib.sha512(digest).digest()
        key += digest
    return key[:length]
