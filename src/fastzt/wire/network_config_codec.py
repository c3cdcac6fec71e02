"""The dictionary form of a NetworkConfig (PROTOCOL-VL2 3.2): use NetworkConfig.parse and to_bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from . import dictionary
from .address import ADDRESS_MAX
from .capability import Capability, count_rules
from .com import Com
from .config_chunk import MAX_TOTAL
from .dictionary import Dictionary, number
from .inetaddress import NIL, InetAddress
from .network_config import (
    DEFAULT_MTU,
    MAX_CAPABILITIES,
    MAX_DNS_SERVERS,
    MAX_MTU,
    MAX_OWNERSHIPS,
    MAX_ROUTES,
    MAX_RULES,
    MAX_SPECIALISTS,
    MAX_STATIC_IPS,
    MAX_TAGS,
    MIN_MTU,
    NetworkConfig,
    Route,
    SingleSignOn,
    Specialist,
)
from .ownership import Ownership
from .reader import Malformed, Reader
from .tag import Tag
from .writer import Writer

VERSION = 7
MIN_VERSION = 6
_NAME_SIZE = 127
_DOMAIN_SIZE = 128
_URL_SIZE = 2047
_SSO_V1 = (
    ("iurl", "issuer_url", _URL_SIZE),
    ("ssoce", "central_endpoint_url", _URL_SIZE),
    ("sson", "nonce", 127),
    ("ssos", "state", 255),
    ("ssocid", "client_id", 255),
    ("ssop", "provider", 63),
)

T = TypeVar("T")


def parse(data: bytes) -> NetworkConfig:
    """Raises Malformed. Of a list above its limit the first entries are kept; too many rules are refused."""
    if len(data) >= MAX_TOTAL:
        raise Malformed(f"a config of {len(data)} bytes")
    d = Dictionary.parse(data)
    if d.uint("v") < MIN_VERSION:
        raise Malformed(f"a config of version {d.uint('v')}")
    nwid, issued_to = d.uint("nwid"), d.uint("id") & ADDRESS_MAX
    if not nwid or not issued_to:
        raise Malformed("a config without network or member")
    domain, servers = _dns(d.blob("DNS"))
    return NetworkConfig(
        nwid=nwid,
        issued_to=issued_to,
        timestamp=d.uint("ts"),
        credential_max_delta=d.uint("ctmd"),
        revision=d.uint("r"),
        trace_target=d.uint("tt") & ADDRESS_MAX,
        trace_level=d.uint("tl"),
        flags=d.uint("f"),
        multicast_limit=d.uint("ml"),
        is_public=d.uint("t") == 1,
        name=d.text("n", _NAME_SIZE),
        mtu=max(MIN_MTU, min(d.uint("mtu", DEFAULT_MTU), MAX_MTU)),
        com=Com.read(Reader(d.blob("C"))) if d.blob("C") else None,
        capabilities=_lenient(d.blob("CAP"), Capability.read, MAX_CAPABILITIES),
        tags=_lenient(d.blob("TAG"), Tag.read, MAX_TAGS),
        ownerships=_all(d.blob("COO"), Ownership.read, MAX_OWNERSHIPS),
        specialists=_all(d.blob("S"), _specialist, MAX_SPECIALISTS),
        routes=_all(d.blob("RT"), _route, MAX_ROUTES),
        static_ips=_all(d.blob("I"), InetAddress.read, MAX_STATIC_IPS),
        rules=_rules(d.blob("R")),
        dns_domain=domain,
        dns_servers=servers,
        sso=_sso(d),
    )


def _all(blob: bytes, read: Callable[[Reader], T], limit: int) -> tuple[T, ...]:
    """Everything in a blob, of which the first `limit` are kept; raises Malformed."""
    reader = Reader(blob)
    found: list[T] = []
    while reader.remaining:
        one = read(reader)
        if len(found) < limit and one != NIL:
            found.append(one)
    return tuple(found)


C = TypeVar("C", Capability, Tag)


def _lenient(blob: bytes, read: Callable[[Reader], C], limit: int) -> tuple[C, ...]:
    """What can be read from the front, by id: a credential of an unknown form must not cost the config."""
    reader = Reader(blob)
    found: list[C] = []
    while reader.remaining and len(found) < limit:
        try:
            found.append(read(reader))
        except Malformed:
            break
    return tuple(sorted(found, key=lambda credential: credential.id))


def _specialist(reader: Reader) -> Specialist:
    return Specialist(reader.u64())


def _route(reader: Reader) -> Route:
    return Route(InetAddress.read(reader), InetAddress.read(reader), reader.u16(), reader.u16())


def _rules(blob: bytes) -> bytes:
    count = count_rules(blob)
    if count > MAX_RULES:
        raise Malformed(f"{count} rules")
    return blob


def _dns(blob: bytes) -> tuple[str, tuple[InetAddress, ...]]:
    if not blob:
        return "", ()
    reader = Reader(blob)
    domain = Dictionary({b"": reader.take(_DOMAIN_SIZE)}).text("", _DOMAIN_SIZE - 1)
    servers = [InetAddress.read(reader) for _ in range(MAX_DNS_SERVERS)]
    return domain, tuple(server for server in servers if server != NIL)


def _sso(d: Dictionary) -> SingleSignOn:
    version, enabled = d.uint("ssov"), d.boolean("ssoe")
    if version == 0 and enabled:
        return SingleSignOn(0, True, d.text("aurl", _URL_SIZE), d.uint("aexpt"))
    if version == 1:
        texts = [d.text(key, size, "default" if name == "provider" else "") for key, name, size in _SSO_V1]
        return SingleSignOn(1, enabled, "", 0, *texts)
    return SingleSignOn(version, enabled)


def encode(config: NetworkConfig) -> bytes:
    """ValueError above a limit or the size of a config."""
    _check(config)
    data = dictionary.encode([*_numbers(config), *_blobs(config), *_encode_sso(config.sso)])
    if len(data) >= MAX_TOTAL:
        raise ValueError(f"a config of {len(data)} bytes")
    return data


def _check(config: NetworkConfig) -> None:
    limits = {
        "capabilities": MAX_CAPABILITIES,
        "tags": MAX_TAGS,
        "ownerships": MAX_OWNERSHIPS,
        "specialists": MAX_SPECIALISTS,
        "routes": MAX_ROUTES,
        "static_ips": MAX_STATIC_IPS,
        "dns_servers": MAX_DNS_SERVERS,
    }
    for name, limit in limits.items():
        if len(getattr(config, name)) > limit:
            raise ValueError(f"a config has at most {limit} {name}")
    if count_rules(config.rules) > MAX_RULES:
        raise ValueError(f"a config has at most {MAX_RULES} rules")
    if len(config.name.encode()) > _NAME_SIZE or len(config.dns_domain.encode()) >= _DOMAIN_SIZE:
        raise ValueError("name or DNS domain longer than 127 bytes")


def _numbers(config: NetworkConfig) -> list[tuple[str, bytes]]:
    return [
        ("v", number(VERSION)),
        ("nwid", number(config.nwid)),
        ("ts", number(config.timestamp)),
        ("ctmd", number(config.credential_max_delta)),
        ("r", number(config.revision)),
        ("id", dictionary.address(config.issued_to)),
        ("tt", dictionary.address(config.trace_target)),
        ("tl", number(config.trace_level)),
        ("f", number(config.flags)),
        ("ml", number(config.multicast_limit)),
        ("t", number(config.is_public)),
        ("n", config.name.encode()),
        ("mtu", number(config.mtu)),
    ]


def _blobs(config: NetworkConfig) -> list[tuple[str, bytes]]:
    blobs = [
        ("C", config.com.to_bytes() if config.com else b""),
        ("CAP", b"".join(capability.to_bytes() for capability in config.capabilities)),
        ("TAG", b"".join(tag.to_bytes() for tag in config.tags)),
        ("COO", b"".join(ownership.to_bytes() for ownership in config.ownerships)),
        ("S", b"".join(specialist.value.to_bytes(8, "big") for specialist in config.specialists)),
        ("RT", b"".join(map(_encode_route, config.routes))),
        ("I", _addresses(config.static_ips)),
        ("R", config.rules),
    ]
    servers = _addresses([*config.dns_servers, *[NIL] * (MAX_DNS_SERVERS - len(config.dns_servers))])
    dns = config.dns_domain.encode().ljust(_DOMAIN_SIZE, b"\0") + servers
    return [*[(key, blob) for key, blob in blobs if blob], ("DNS", dns)]


def _addresses(addresses: Iterable[InetAddress]) -> bytes:
    return b"".join(address.to_bytes() for address in addresses)


def _encode_route(route: Route) -> bytes:
    addresses = route.target.to_bytes() + route.via.to_bytes()
    return Writer().raw(addresses).u16(route.flags).u16(route.metric).to_bytes()


def _encode_sso(sso: SingleSignOn) -> list[tuple[str, bytes]]:
    entries = [("ssov", number(sso.version)), ("ssoe", dictionary.boolean(sso.enabled))]
    if sso.version == 0 and sso.enabled:
        entries += [("aurl", sso.url.encode()), ("aexpt", number(sso.expiry))]
    elif sso.version == 1:
        entries += [(key, getattr(sso, name).encode()) for key, name, _ in _SSO_V1]
    return entries
