"""Member: what is known of one node on one network, and the token that a VL1 peer carries for VL2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .claims import NO_CLAIMS, Claims

if TYPE_CHECKING:
    import cython

    from ..vl1.rate_gate import TokenBucket
    from ..wire.capability import Capability
    from ..wire.com import Com
    from ..wire.ownership import Ownership
    from ..wire.tag import Tag
else:
    from .. import _cython as cython

NEVER = -(1 << 61)


class Member:
    """State of a (network, address); times in microseconds, credential timestamps in the controller's ms.

    `generation` is bumped by every credential and revocation; `allowed_at` is the state (network generation +
    member generation) at which the membership gate was last passed. `pushed_serial` and `pushed_parts` tell
    which of our credentials it has got.
    """

    if not cython.compiled:
        __slots__ = (
            "address",
            "alive",
            "allowed_at",
            "answers",
            "capabilities",
            "claims",
            "claims_at",
            "com",
            "com_threshold",
            "complained_at",
            "generation",
            "last_push",
            "liked_at",
            "mac",
            "nwid",
            "ownerships",
            "pushed_parts",
            "pushed_serial",
            "revocations",
            "tags",
        )

    def __init__(self, nwid: int, address: int, mac: int) -> None:
        self.nwid = nwid
        self.address = address
        self.mac = mac
        self.alive = True
        self.generation = 0
        self.allowed_at = 0
        self.claims: Claims = NO_CLAIMS
        self.claims_at = 0
        self.pushed_serial = 0
        self.pushed_parts = 0
        self.last_push = NEVER
        self.answers: TokenBucket | None = None
        self.complained_at = NEVER
        self.liked_at = NEVER
        self.com: Com | None = None
        self.com_threshold = 0
        self.tags: dict[int, Tag] = {}
        self.capabilities: dict[int, Capability] = {}
        self.ownerships: dict[int, Ownership] = {}
        self.revocations: dict[tuple[int, int], int] = {}

    def __repr__(self) -> str:
        return f"Member({self.address:010x} of {self.nwid:016x})"


class Memberships:
    """What `Peer.token` holds: the peer's members by network id, the last one used, a gate."""

    if not cython.compiled:
        __slots__ = ("by_network", "credentials_id", "gate", "last")

    def __init__(self) -> None:
        self.last = NO_MEMBER
        self.by_network: dict[int, Member] = {}
        self.gate: TokenBucket | None = None
        self.credentials_id = 0


NO_MEMBER = Member(0, 0, 0)
NO_MEMBER.alive = False
