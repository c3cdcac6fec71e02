"""The proof of work behind a ZeroTier address: a memory-hard hash of the public key (VL1 section 2.2)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .._core.kernels.proof_of_work import mix, setup


def memory_hard_hash(public: bytes) -> bytes:
    """The 64-byte hash of a 64-byte public key, made in 2 MiB; ValueError on another length.

    Releases the GIL when compiled. An address is the last 5 bytes, and good if the first is below 17.
    """
    if len(public) != 64:
        raise ValueError("a public key has 64 bytes")
    return mix(hashlib.sha512(public).digest())


setup()
