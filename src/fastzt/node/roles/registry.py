"""What a controller decides (PROTOCOL-VL2 8.1 to 8.5), apart from sending: a request in, an answer out.

Times are wall-clock milliseconds here: they are what certificates carry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import InputError
from ...identity.identity import Identity
from ...wire.address import rfc4193, sixplane
from ...wire.config_request import Metadata
from ...wire.verbs import ErrorCode
from . import issue
from .assignment import Address, Assignment, assign, assigned
from .controller_store import ControllerStore
from .records import Record, change_member, change_network, new_member, new_network

MAX_WAITING = 4096  # members of one network that asked and were never authorized; the oldest makes room


@dataclass(frozen=True, slots=True)
class Granted:
    """The member's config: dictionary text, to be sent in signed chunks."""

    config: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """An error code, and the dictionary that goes with NETWORK_AUTHENTICATION_REQUIRED."""

    code: ErrorCode
    details: bytes = b""


class Registry:
    """The records of a controller and every decision that they give."""

    def __init__(self, identity: Identity, store: ControllerStore, entropy: Callable[[int], bytes]) -> None:
        self.identity = identity
        self.store = store
        self.entropy = entropy
        self._taken: dict[int, set[Address]] = {}
        self._waiting: dict[int, dict[int, None]] = {}

    def controls(self, nwid: int) -> bool:
        """Whether this identity alone can sign for the network."""
        return nwid >> 24 == self.identity.address

    # -- requests

    def request(self, nwid: int, requester: Identity, metadata: Metadata, now_ms: int) -> Granted | Refused:
        """Answer a NETWORK_CONFIG_REQUEST; records what there is to remember of it."""
        network = self.store.networks.get(nwid)
        if network is None or not self.controls(nwid):
            return Refused(ErrorCode.OBJECT_NOT_FOUND)
        member = self._known(nwid, network, requester, now_ms)
        if member is None:
            return Refused(ErrorCode.NETWORK_ACCESS_DENIED)
        member = admit(network, member, metadata.token, now_ms)
        if login_required(network, member, now_ms):
            self.save_member(nwid, member)
            return Refused(ErrorCode.NETWORK_AUTHENTICATION_REQUIRED, issue.login(network))
        if not member["authorized"]:
            self.save_member(nwid, member)
            self._remember_waiting(nwid, requester.address)
            return Refused(ErrorCode.NETWORK_ACCESS_DENIED)
        member = {
            **member,
            "vMajor": metadata.major & 0xFFFF,
            "vMinor": metadata.minor & 0xFFFF,
            "vRev": metadata.revision & 0xFFFF,
            "vProto": metadata.protocol & 0xFFFF,
        }
        addresses = self._assign(nwid, network, member)
        if addresses.added:
            held = [*(member.get("ipAssignments") or []), *map(str, addresses.added)]
            member["ipAssignments"] = held
        self.save_member(nwid, member)
        bridges = [int(m["id"], 16) for m in self.store.members[nwid].values() if m.get("activeBridge")]
        grant = issue.Grant(nwid, network, member, requester, addresses, tuple(bridges), now_ms)
        return Granted(issue.config(self.identity, grant, full=metadata.rules_engine > 0))

    def _known(self, nwid: int, network: Record, requester: Identity, now_ms: int) -> Record | None:
        """The requester's record, made when new; None when the address belongs to another identity."""
        member = self.store.members.get(nwid, {}).get(requester.address)
        if member is None:
            member = new_member(nwid, requester.address, now_ms)
            member["capabilities"] = issue.default_capabilities(network)
        stored = member.get("identity")
        text = requester.to_text()
        if stored and stored != text:
            return None
        return {**member, "identity": text}

    def _assign(self, nwid: int, network: Record, member: Record) -> Assignment:
        address = int(member["id"], 16)
        derived = (issue.ip(rfc4193(address, nwid)), issue.ip(sixplane(address, nwid)))
        return assign(network, member, self._taken_on(nwid), derived, self.entropy)

    def _taken_on(self, nwid: int) -> set[Address]:
        taken = self._taken.get(nwid)
        if taken is None:
            members = self.store.members.get(nwid, {}).values()
            taken = self._taken[nwid] = {ip for member in members for ip in assigned(member)}
        return taken

    def _remember_waiting(self, nwid: int, address: int) -> None:
        waiting = self._waiting.get(nwid)
        if waiting is None:
            records = self.store.members[nwid].items()
            waiting = self._waiting[nwid] = {a: None for a, m in records if never_authorized(m)}
        waiting[address] = None
        while len(waiting) > MAX_WAITING:
            oldest = next(iter(waiting))
            del waiting[oldest]
            record = self.store.members[nwid].get(oldest)
            if record is not None and never_authorized(record):
                self.store.save(nwid, oldest, None)

    # -- management

    def create(self, fields: Mapping[str, Any], now_ms: int) -> Record:
        """Add a network with a random id; raises InputError naming a bad field."""
        nwid = 0
        while nwid == 0 or nwid in self.store.networks:
            low = int.from_bytes(self.entropy(3), "big") or 1
            nwid = self.identity.address << 24 | low
        return self.save_network(nwid, change_network(new_network(nwid, now_ms), fields))[0]

    def update(self, nwid: int, fields: Mapping[str, Any]) -> tuple[Record, bool]:
        """Change a network; (record, whether it changed). Raises InputError, KeyError for an unknown one."""
        return self.save_network(nwid, change_network(self.store.networks[nwid], fields))

    def update_member(
        self, nwid: int, address: int, fields: Mapping[str, Any], now_ms: int
    ) -> tuple[Record, bool]:
        """Change a member, or add it; (record, whether it changed). Raises InputError, KeyError."""
        network = self.store.networks[nwid]
        held = self.store.members.get(nwid, {}).get(address)
        if held is None:
            held = new_member(nwid, address, now_ms)
            held["capabilities"] = issue.default_capabilities(network)
        member = change_member(held, fields)
        if member["authorized"] != held["authorized"]:
            member = stamp(member, "api", None, now_ms)
        return self.save_member(nwid, member)

    def save_network(self, nwid: int, record: Record) -> tuple[Record, bool]:
        """Store a network's record with the next revision, if it is not what is stored already."""
        return self._save(nwid, 0, record)

    def save_member(self, nwid: int, record: Record) -> tuple[Record, bool]:
        """Store a member's record with the next revision, if it is not what is stored already."""
        address = int(record["id"], 16)
        held = self.store.members.get(nwid, {}).get(address)
        saved = self._save(nwid, address, record)
        if held is None or held.get("ipAssignments") != record.get("ipAssignments"):
            self._taken.pop(nwid, None)
        return saved

    def _save(self, nwid: int, address: int, record: Record) -> tuple[Record, bool]:
        held = self.store.get(nwid, address)
        if held is not None and {**held, "revision": 0} == {**record, "revision": 0}:
            return held, False
        revision = int(held.get("revision") or 0) if held is not None else 0
        record = {**record, "revision": revision + 1}
        self.store.save(nwid, address, record)
        return record, True

    def forget(self, nwid: int) -> None:
        """Drop what is derived from a network's records: they changed behind our back."""
        self._taken.pop(nwid, None)
        self._waiting.pop(nwid, None)

    def check(self, nwid: int) -> Record:
        """The record of a network; raises InputError when there is none."""
        record = self.store.networks.get(nwid)
        if record is None:
            raise InputError(f"this controller has no network {nwid:016x}")
        return record


def admit(network: Record, member: Record, token: str, now_ms: int) -> Record:
    """Authorize by the network being public, or by a valid pre-authorization token (PROTOCOL-VL2 8.1.4)."""
    if member["authorized"]:
        return member
    if not network.get("private", True):
        return stamp({**member, "authorized": True}, "public", None, now_ms)
    tokens = network.get("authTokens")
    if token and isinstance(tokens, dict):
        expiry = tokens.get(token)
        if isinstance(expiry, int) and (expiry == 0 or expiry > now_ms):
            return stamp({**member, "authorized": True}, "token", token, now_ms)
    return member


def stamp(member: Record, kind: str, credential: str | None, now_ms: int) -> Record:
    """Note when and by what the authorization changed."""
    if not member["authorized"]:
        return {**member, "lastDeauthorizedTime": now_ms}
    return {
        **member,
        "lastAuthorizedTime": now_ms,
        "lastAuthorizedCredentialType": kind,
        "lastAuthorizedCredential": credential,
    }


def login_required(network: Record, member: Record, now_ms: int) -> bool:
    """Whether single sign-on stands before the member (PROTOCOL-VL2 8.1.5)."""
    if not network.get("ssoEnabled") or member.get("ssoExempt"):
        return False
    return int(member.get("authenticationExpiryTime") or 0) <= now_ms


def never_authorized(member: Record) -> bool:
    """Whether the record exists only because the node asked."""
    return not member.get("authorized") and not member.get("lastAuthorizedTime")
