"""AES-GMAC-SIV's parts: the keys that a session derives, and AES-256 block, counter mode and GMAC.

Whole packets are sealed by `_core.armor`; the functions here take and give bytes.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .kernels.gmac_siv import aes256_block, aes256_ctr, aes256_gmac, aes256_unblock, setup


def kbkdf(key: bytes, label: int, context: int = 0, iteration: int = 0) -> bytes:
    """48 bytes derived from a 48-byte key by KBKDF-HMAC-SHA-384 (SP 800-108; VL1 section 3.3)."""
    message = iteration.to_bytes(4, "big") + bytes((0x5A, 0x54, label, 0, context)) + b"\0\0\1\x80"
    return hmac.digest(key, message, "sha384")


def siv_keys(key: bytes) -> tuple[bytes, bytes]:
    """K0 (GMAC) and K1 (AES-CTR), 32 bytes each, of a 48-byte session key."""
    return kbkdf(key, 0x30)[:32], kbkdf(key, 0x31)[:32]


def _check(key: bytes, block: bytes, size: int) -> None:
    if len(key) != 32 or len(block) != size:
        raise ValueError(f"AES-256 takes a key of 32 bytes, and {size} bytes here")


def encrypt_block(key: bytes, block: bytes) -> bytes:
    """AES-256 of one 16-byte block (FIPS 197); raises ValueError on other lengths."""
    _check(key, block, 16)
    return aes256_block(key, block)


def decrypt_block(key: bytes, block: bytes) -> bytes:
    """The inverse of `encrypt_block`."""
    _check(key, block, 16)
    return aes256_unblock(key, block)


def ctr(key: bytes, counter: bytes, data: bytes) -> bytes:
    """`data` XOR AES-256-CTR (SP 800-38A), from a 16-byte counter block on."""
    _check(key, counter, 16)
    return aes256_ctr(key, counter, data)


def gmac(key: bytes, iv: bytes, data: bytes) -> bytes:
    """The 16-byte GMAC of `data` under a 12-byte nonce (SP 800-38D)."""
    _check(key, iv, 12)
    return aes256_gmac(key, iv, data)


setup()
