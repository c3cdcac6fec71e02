"""Membership: the members of one network and the credentials that they, or others for them, have shown.

PROTOCOL-VL2 4.2 to 4.10. Only the network's controller can make entries grow: a credential is stored
after its signature has been verified.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from functools import lru_cache
from itertools import pairwise
from typing import Any

from .._core.endpoint import V4_PREFIX
from ..wire.address import controller_of, mac_of
from ..wire.capability import Capability
from ..wire.com import Com, agrees
from ..wire.credentials_packet import NetworkCredentials
from ..wire.ownership import IPV4, IPV6, MAC, Ownership
from ..wire.reader import Malformed
from ..wire.revocation import CredentialType, Revocation
from ..wire.rules import parse_rules
from ..wire.tag import Tag
from .claims import Claims
from .member import Member
from .program import Program

MAX_MEMBERS = 8192
MAX_TAGS = 128
MAX_CAPABILITIES = 128
MAX_OWNERSHIPS = 16
MAX_REVOCATIONS = 512  # of one member
EVICTION_SCAN = 64

# (signer, message, signature) -> whether it is valid; None: the signer's identity is not known yet
Verify = Callable[[int, bytes, bytes], "bool | None"]
Dated = Tag | Capability | Ownership


class Result(IntEnum):
    """What became of a credential."""

    REJECTED = 0
    REDUNDANT = 1
    NEW = 2
    DEFERRED = 3  # its signer's identity has to be asked for first


class Membership:
    """Members of network `nwid` by address; the oldest ones that have shown nothing are evicted first.

    `epoch`: the generation of new entries, above that of every evicted one.
    """

    __slots__ = ("controller", "epoch", "evicted", "members", "nwid", "verify")

    def __init__(self, nwid: int, verify: Verify) -> None:
        self.nwid = nwid
        self.controller = controller_of(nwid)
        self.verify = verify
        self.members: dict[int, Member] = {}
        self.evicted = 0
        self.epoch = 0

    def member(self, address: int) -> Member:
        """The entry of an address, made when there is none."""
        found = self.members.get(address)
        if found is None:
            if len(self.members) >= MAX_MEMBERS:
                self.evict()
            found = Member(self.nwid, address, mac_of(address, self.nwid))
            found.generation = self.epoch
            self.members[address] = found
        return found

    def evict(self) -> None:
        """Drop one entry: one without credentials if there is such among the oldest."""
        oldest = [member for member, _ in zip(self.members.values(), range(EVICTION_SCAN), strict=False)]
        gone = next((m for m in oldest if m.com is None and not m.com_threshold), oldest[0])
        gone.alive = False
        # Verdicts that are cached for it must not hold for the same address's next entry.
        self.epoch = max(self.epoch, gone.generation + 1)
        del self.members[gone.address]
        self.evicted += 1

    def clear(self) -> None:
        """The network was left."""
        for member in self.members.values():
            member.alive = False
        self.members.clear()

    def accept(self, packet: NetworkCredentials) -> tuple[Result, list[Revocation]]:
        """Take all credentials of a packet that are this network's.

        Returns DEFERRED when one waits for an identity, else the best result; and the new revocations.
        """
        results = [Result.REJECTED]
        results += [self.accept_com(com) for com in packet.coms if com.nwid == self.nwid]
        results += [self.accept_capability(item) for item in packet.capabilities if item.nwid == self.nwid]
        results += [self.accept_tag(tag) for tag in packet.tags if tag.nwid == self.nwid]
        fresh = []
        for revocation in packet.revocations:
            if revocation.nwid == self.nwid:
                results.append(self.accept_revocation(revocation))
                if results[-1] == Result.NEW:
                    fresh.append(revocation)
        results += [self.accept_ownership(item) for item in packet.ownerships if item.nwid == self.nwid]
        return max(results), fresh

    def holds(self, com: Com) -> bool:
        """Whether this very certificate is the one held for its member."""
        held = self.members.get(com.issued_to)
        return held is not None and held.com == com

    def accept_com(self, com: Com) -> Result:
        """A certificate of membership, of whoever it names (4.2)."""
        if com.signer != self.controller or com.nwid != self.nwid or not com.issued_to:
            return Result.REJECTED
        held = self.members.get(com.issued_to)
        if held is not None:
            if com.timestamp <= held.com_threshold:
                return Result.REJECTED
            if held.com is not None and com.timestamp < held.com.timestamp:
                return Result.REJECTED
            if held.com == com:
                return Result.REDUNDANT
        checked = self.check(com.signer, com.signed_bytes, com.signature)
        if checked == Result.NEW:
            member = self.member(com.issued_to)
            member.com = com
            member.generation += 1
        return checked

    def accept_tag(self, tag: Tag) -> Result:
        """A tag (4.4, 4.7)."""
        if tag.signer != self.controller:
            return Result.REJECTED
        return self.store(tag, CredentialType.TAG, MAX_TAGS, tag.signature)

    def accept_ownership(self, ownership: Ownership) -> Result:
        """A certificate of ownership (4.3, 4.7)."""
        if ownership.signer != self.controller:
            return Result.REJECTED
        return self.store(ownership, CredentialType.OWNERSHIP, MAX_OWNERSHIPS, ownership.signature)

    def accept_capability(self, capability: Capability) -> Result:
        """A capability with its chain of custody, which begins at the controller (4.5)."""
        custody = capability.custody
        if not custody or custody[0].giver != self.controller:
            return Result.REJECTED
        if any(later.giver != earlier.to for earlier, later in pairwise(custody)):
            return Result.REJECTED
        try:
            program_of(capability.rules)
        except Malformed:
            return Result.REJECTED
        for entry in custody[1:]:
            checked = self.check(entry.giver, capability.signed_bytes, entry.signature)
            if checked != Result.NEW:
                return checked
        return self.store(capability, CredentialType.CAPABILITY, MAX_CAPABILITIES, custody[0].signature)

    def store(self, item: Dated, kind: CredentialType, limit: int, signature: bytes) -> Result:
        """Keep a credential under its holder and id unless it is older than the held one, or revoked."""
        held = self.members.get(item.issued_to)
        if held is not None:
            known = shelf(held, kind).get(item.id)
            if item.timestamp <= held.revocations.get((kind, item.id), -1):
                return Result.REJECTED
            if known is not None and item.timestamp < known.timestamp:
                return Result.REJECTED
            if known == item:
                return Result.REDUNDANT
            if known is None and len(shelf(held, kind)) >= limit:
                return Result.REJECTED
        checked = self.check(self.controller, item.signed_bytes, signature)
        if checked == Result.NEW and item.issued_to:
            member = self.member(item.issued_to)
            shelf(member, kind)[item.id] = item
            member.generation += 1
        return checked

    def accept_revocation(self, revocation: Revocation) -> Result:
        """Credentials up to a time become void (4.6); that of a tag, say, voids the COM too, as elsewhere."""
        kind = revocation.kind
        if revocation.signer != self.controller or not revocation.target:
            return Result.REJECTED
        if kind not in (CredentialType.COM, *REVOCABLE):
            return Result.REJECTED
        held = self.members.get(revocation.target)
        key = (kind, revocation.credential_id)
        if held is not None:
            known = held.com_threshold if kind == CredentialType.COM else held.revocations.get(key, -1)
            if revocation.threshold <= known:
                return Result.REDUNDANT
            if kind != CredentialType.COM and len(held.revocations) >= MAX_REVOCATIONS and known < 0:
                return Result.REJECTED
        checked = self.check(revocation.signer, revocation.signed_bytes, revocation.signature)
        if checked == Result.NEW:
            member = self.member(revocation.target)
            member.com_threshold = max(member.com_threshold, revocation.threshold)
            if kind != CredentialType.COM:
                member.revocations[key] = revocation.threshold
            member.generation += 1
        return checked

    def check(self, signer: int, message: bytes, signature: bytes) -> Result:
        """NEW for a good signature, REJECTED for a bad one, DEFERRED while the signer is unknown."""
        if not signature:
            return Result.REJECTED
        valid = self.verify(signer, message, signature)
        if valid is None:
            return Result.DEFERRED
        return Result.NEW if valid else Result.REJECTED


REVOCABLE = (CredentialType.CAPABILITY, CredentialType.TAG, CredentialType.OWNERSHIP)


def shelf(member: Member, kind: CredentialType) -> dict[int, Any]:
    """The member's credentials of one kind by id."""
    if kind == CredentialType.TAG:
        return member.tags
    if kind == CredentialType.CAPABILITY:
        return member.capabilities
    return member.ownerships


def is_allowed(member: Member, own: Com | None, public_hash: bytes) -> bool:
    """The gate of a private network: a COM that is not revoked and agrees with ours (4.2, 4.10)."""
    com = member.com
    if own is None or com is None or com.timestamp <= member.com_threshold:
        return False
    return agrees(own, com, public_hash)


def claims_of(member: Member, config_timestamp: int, max_delta: int) -> Claims:
    """What the member's credentials prove now: near enough to our config's time and not revoked (4.7)."""

    def valid(item: Tag | Capability | Ownership, kind: CredentialType) -> bool:
        if abs(item.timestamp - config_timestamp) > max_delta:
            return False
        return item.timestamp > member.revocations.get((kind, item.id), -1)

    tags = {tag.id: tag.value for tag in member.tags.values() if valid(tag, CredentialType.TAG)}
    owned = [item for item in member.ownerships.values() if valid(item, CredentialType.OWNERSHIP)]
    held = sorted(member.capabilities.values(), key=lambda item: item.id)
    programs = [program_of(item.rules) for item in held if valid(item, CredentialType.CAPABILITY)]
    return Claims(tags, owned_things(owned), programs)


def owned_things(ownerships: list[Ownership]) -> frozenset[bytes]:
    """IPs (16 bytes) and MACs (6 bytes) that certificates cover."""
    found = set()
    for ownership in ownerships:
        for kind, value in ownership.things:
            if kind == MAC:
                found.add(value[:6])
            elif kind == IPV4:
                found.add(V4_PREFIX + value[:4])
            elif kind == IPV6 and not value.startswith(V4_PREFIX):
                found.add(value)
    return frozenset(found)


@lru_cache(maxsize=512)
def program_of(rules: bytes) -> Program:
    """The program of a serialized rule list; Malformed."""
    return Program(parse_rules(rules)[0])
