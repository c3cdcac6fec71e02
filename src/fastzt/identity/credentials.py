"""Whether a credential is the controller's: its signatures against the identities known (PROTOCOL-VL2 4)."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from ..wire.address import controller_of
from ..wire.capability import MAX_CUSTODY, Capability
from ..wire.signed import Signed
from .identity import Identity
from .signatures import verify


class Verdict(IntEnum):
    """What checking a credential gave."""

    INVALID = -1
    VALID = 0
    UNKNOWN_SIGNER = 1  # ask WHOIS, then check again


PublicOf = Callable[[int], bytes | None]


def check(credential: Signed, public_of: PublicOf) -> Verdict:
    """A COM, tag, ownership or revocation; `public_of(address)` gives 64 bytes, or None when unknown."""
    if not credential.signer or credential.signer != controller_of(credential.nwid):
        return Verdict.INVALID
    return _signature(credential.signer, credential.signed_bytes, credential.signature, public_of)


def check_capability(capability: Capability, public_of: PublicOf) -> Verdict:
    """A capability: an unbroken chain of signed hand-overs that begins at the controller."""
    chain = capability.custody
    if not chain or not len(chain) <= capability.max_custody <= MAX_CUSTODY:
        return Verdict.INVALID
    message, giver, verdict = capability.signed_bytes, controller_of(capability.nwid), Verdict.VALID
    for entry in chain:
        if not entry.giver or entry.giver != giver:
            return Verdict.INVALID
        one = _signature(entry.giver, message, entry.signature, public_of)
        if one is Verdict.INVALID:
            return one
        verdict = max(verdict, one)
        giver = entry.to
    return verdict


def _signature(signer: int, message: bytes, signature: bytes, public_of: PublicOf) -> Verdict:
    public = public_of(signer)
    if public is None:
        return Verdict.UNKNOWN_SIGNER
    return Verdict.VALID if verify(public, message, signature) else Verdict.INVALID


def sign_capability(capability: Capability, to: int, giver: Identity) -> Capability:
    """The capability handed to `to` by `giver`."""
    return capability.handed(to, giver.address, giver.sign(capability.signed_bytes))
