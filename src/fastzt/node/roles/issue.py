"""What a controller signs: configs, credentials of the same timestamp, revocations (PROTOCOL-VL2 8)."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from ..._core.endpoint import V4_PREFIX
from ...identity.identity import Identity
from ...wire import dictionary
from ...wire.capability import Capability
from ...wire.com import Com
from ...wire.config_chunk import split
from ...wire.credentials_packet import NetworkCredentials
from ...wire.error_body import ErrorBody
from ...wire.inetaddress import NIL, InetAddress
from ...wire.network_config import (
    ACTIVE_BRIDGE,
    ENABLE_BROADCAST,
    MAX_CAPABILITIES,
    MAX_DNS_SERVERS,
    MAX_ROUTES,
    MAX_SPECIALISTS,
    MAX_TAGS,
    NDP_EMULATION,
    NetworkConfig,
    Route,
    Specialist,
)
from ...wire.ownership import MAX_THINGS, Ownership, Thing
from ...wire.revocation import FAST_PROPAGATE, CredentialType, Revocation
from ...wire.rules import ACCEPT, DROP, MAX_CAPABILITY_RULES, MAX_RULES, Rule, encode_rules
from ...wire.tag import Tag
from ...wire.verbs import ErrorCode
from .assignment import Address, Assignment, routes_of
from .records import Record

DEFAULT_DELTA, MIN_DELTA, MAX_DELTA = 1_800_000, 300_000, 7_200_000  # ms that two members' COMs may lie apart
OWNERSHIP_ID = 1
Signable = TypeVar("Signable", Tag, Ownership, Revocation)


@dataclass(frozen=True, slots=True)
class Grant:
    """All that goes into one config; `now_ms` stamps config and credentials alike."""

    nwid: int
    network: Record
    member: Record
    requester: Identity
    addresses: Assignment
    bridges: tuple[int, ...]
    now_ms: int

    @property
    def delta(self) -> int:
        """Credential time max delta in ms."""
        wanted = self.network.get("certificateTimeoutWindowSize") or DEFAULT_DELTA
        return max(MIN_DELTA, min(int(wanted), MAX_DELTA))


def ip(packed: bytes) -> Address:
    """An address from 16 bytes, IPv4 mapped."""
    return ipaddress.ip_address(packed[12:] if packed.startswith(V4_PREFIX) else packed)


def signed(signer: Identity, credential: Signable) -> Signable:
    """The credential with signer and signature."""
    named = credential.signed_by(signer.address, b"")
    return named.signed_by(signer.address, signer.sign(named.signed_bytes))


def membership(signer: Identity, grant: Grant) -> Com:
    """The member's certificate of membership."""
    to = grant.requester
    com = Com.issue(grant.now_ms, grant.delta, grant.nwid, to.address, to.public_hash())
    return com.signed_by(signer.address, signer.sign(com.signed_bytes))


def ownerships(signer: Identity, grant: Grant) -> tuple[Ownership, ...]:
    """One certificate over the member's addresses, none when it has none."""
    things = tuple(Thing.ip(InetAddress(a.packed).ip16) for a, _ in grant.addresses.static[:MAX_THINGS])
    if not things:
        return ()
    unsigned = Ownership(grant.nwid, grant.now_ms, 0, OWNERSHIP_ID, things, grant.requester.address)
    return (signed(signer, unsigned),)


def tags(signer: Identity, grant: Grant) -> tuple[Tag, ...]:
    """The member's tags and, where it has none of an id, the network's default."""
    values: dict[int, int] = {}
    for tag in grant.network.get("tags") or []:
        if isinstance(tag.get("default"), int):
            values[int(tag["id"])] = tag["default"]
    values.update((int(key), int(value)) for key, value in grant.member.get("tags") or [])
    to = grant.requester.address
    return tuple(
        signed(signer, Tag(grant.nwid, grant.now_ms, key, values[key], to))
        for key in sorted(values)[:MAX_TAGS]
    )


def capabilities(signer: Identity, grant: Grant) -> tuple[Capability, ...]:
    """The capabilities that the member has been given, for it alone."""
    held = set(grant.member.get("capabilities") or [])
    issued: list[Capability] = []
    for entry in sorted(grant.network.get("capabilities") or [], key=lambda entry: int(entry["id"])):
        if entry["id"] in held and len(issued) < MAX_CAPABILITIES:
            rules = encode_rules(rules_of(entry.get("rules"), MAX_CAPABILITY_RULES))
            made = Capability(grant.nwid, grant.now_ms, entry["id"], rules)
            issued.append(
                made.handed(grant.requester.address, signer.address, signer.sign(made.signed_bytes))
            )
    return tuple(issued)


def default_capabilities(network: Record) -> list[int]:
    """What a new member gets."""
    return sorted({int(entry["id"]) for entry in network.get("capabilities") or [] if entry.get("default")})


def rules_of(body: Any, limit: int) -> tuple[Rule, ...]:
    """Rules from their JSON form; one that cannot be read becomes a DROP: nothing slips through."""
    rules = []
    for entry in list(body or [])[:limit]:
        try:
            rules.append(Rule.from_json(entry))
        except (ValueError, AttributeError):
            rules.append(DROP)
    return tuple(rules)


def config(signer: Identity, grant: Grant, full: bool) -> bytes:
    """The config dictionary; without `full` one ACCEPT, no tags or capabilities: for a node without rules."""
    network = grant.network
    flags = ENABLE_BROADCAST if network.get("enableBroadcast", True) else 0
    flags |= NDP_EMULATION if grant.addresses.derived else 0
    domain, servers = dns(network)
    return NetworkConfig(
        nwid=grant.nwid,
        timestamp=grant.now_ms,
        credential_max_delta=grant.delta,
        revision=int(network.get("revision") or 0),
        issued_to=grant.requester.address,
        flags=flags,
        multicast_limit=int(network.get("multicastLimit", 32)),
        is_public=not network.get("private", True),
        name=str(network.get("name") or ""),
        mtu=int(network.get("mtu") or 2800),
        com=membership(signer, grant),
        capabilities=capabilities(signer, grant) if full else (),
        tags=tags(signer, grant) if full else (),
        ownerships=ownerships(signer, grant),
        specialists=tuple(Specialist(ACTIVE_BRIDGE | address) for address in grant.bridges[:MAX_SPECIALISTS]),
        routes=tuple(routes(network)),
        static_ips=tuple(InetAddress(address.packed, bits) for address, bits in grant.addresses.static),
        rules=encode_rules(rules_of(network.get("rules"), MAX_RULES) if full else (ACCEPT,)),
        dns_domain=domain,
        dns_servers=servers,
    ).to_bytes()


def routes(network: Record) -> Iterator[Route]:
    """Routes in wire form."""
    for route in routes_of(network)[:MAX_ROUTES]:
        target = InetAddress(route.target.network_address.packed, route.target.prefixlen)
        yield Route(target, NIL if route.via is None else InetAddress(route.via.packed))


def dns(network: Record) -> tuple[str, tuple[InetAddress, ...]]:
    """Search domain and servers; nothing when the record's are malformed."""
    body = network.get("dns") or {}
    try:
        servers = [InetAddress(ipaddress.ip_address(text).packed) for text in body.get("servers", [])]
        return str(body.get("domain", "")), tuple(servers[:MAX_DNS_SERVERS])
    except (ValueError, AttributeError):
        return "", ()


def chunks(signer: Identity, nwid: int, text: bytes, entropy: Callable[[int], bytes]) -> Iterable[bytes]:
    """The signed bodies that carry a config, each for one packet (PROTOCOL-VL2 2.3)."""
    for chunk in split(nwid, text, int.from_bytes(entropy(8), "big") or 1):
        yield chunk.with_signature(signer.sign(chunk.signed_bytes)).to_bytes()


def refusal(code: ErrorCode, nwid: int, details: bytes = b"") -> bytes:
    """Code and body of an ERROR that answers a config request (PROTOCOL-VL2 2.6)."""
    return ErrorBody(code, nwid, details=details).to_bytes()


def login(network: Record) -> bytes:
    """Where to log in: the dictionary of NETWORK_AUTHENTICATION_REQUIRED, version 0."""
    url = str(network.get("authorizationEndpoint") or "")
    return dictionary.encode([("aV", dictionary.number(0)), ("aU", url.encode())])


def revocation(signer: Identity, nwid: int, member: int, revocation_id: int, now_ms: int) -> bytes:
    """NETWORK_CREDENTIALS that voids a member's certificates issued up to now, and spreads by itself."""
    unsigned = Revocation(revocation_id, nwid, 0, now_ms, FAST_PROPAGATE, member, CredentialType.COM)
    return NetworkCredentials(revocations=(signed(signer, unsigned),)).to_bytes()
