"""Records of a controller: the reference's JSON objects (PROTOCOL-VL2 8.6), checked where they enter."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from ...errors import InputError
from ...wire.rules import Rule

Record = dict[str, Any]
Check = Callable[[str, Any], Any]

MIN_MTU, MAX_MTU = 1280, 10000
MAX_ROUTES = 128  # what a member's config can hold (PROTOCOL-VL2 0)
MAX_RULES = 1024
MAX_NAME = 127
MAX_ASSIGNMENTS = 32
MAX_SOURCE = 1 << 20  # of rules as text
ACCEPT_ALL = [{"type": "ACTION_ACCEPT"}]


def new_network(nwid: int, now_ms: int) -> Record:
    """A private network without routes or pools that accepts every frame."""
    text = f"{nwid:016x}"
    return {
        "id": text,
        "nwid": text,
        "objtype": "network",
        "name": "",
        "private": True,
        "enableBroadcast": True,
        "multicastLimit": 32,
        "mtu": 2800,
        "creationTime": now_ms,
        "revision": 0,
        "routes": [],
        "ipAssignmentPools": [],
        "v4AssignMode": {"zt": False},
        "v6AssignMode": {"zt": False, "rfc4193": False, "6plane": False},
        "rules": list(ACCEPT_ALL),
        "capabilities": [],
        "tags": [],
        "authTokens": {},
        "dns": [],
        "remoteTraceTarget": None,
        "remoteTraceLevel": 0,
        "ssoEnabled": False,
        "rulesSource": "",
    }


def new_member(nwid: int, address: int, now_ms: int) -> Record:
    """A member that is not authorized and has no address yet."""
    text = f"{address:010x}"
    return {
        "id": text,
        "address": text,
        "nwid": f"{nwid:016x}",
        "objtype": "member",
        "authorized": False,
        "activeBridge": False,
        "noAutoAssignIps": False,
        "ipAssignments": [],
        "tags": [],
        "capabilities": [],
        "authenticationExpiryTime": 0,
        "ssoExempt": False,
        "creationTime": now_ms,
        "revision": 0,
        "lastAuthorizedTime": 0,
        "lastDeauthorizedTime": 0,
        "lastAuthorizedCredentialType": None,
        "lastAuthorizedCredential": None,
        "remoteTraceTarget": None,
        "remoteTraceLevel": 0,
        "vMajor": -1,
        "vMinor": -1,
        "vRev": -1,
        "vProto": -1,
    }


def change(record: Record, fields: Mapping[str, Any], checks: Mapping[str, Check]) -> Record:
    """A copy of `record` with the writable `fields` checked and set; raises InputError naming the field."""
    changed = dict(record)
    for name, value in fields.items():
        check = checks.get(name)
        if check is None:
            raise InputError(f"{record['objtype']} field {name!r} is unknown or cannot be set")
        changed[name] = check(name, value)
    return changed


def change_network(record: Record, fields: Mapping[str, Any]) -> Record:
    """`record` with the writable network `fields` of PROTOCOL-VL2 8.6; raises InputError."""
    return change(record, fields, NETWORK_FIELDS)


def change_member(record: Record, fields: Mapping[str, Any]) -> Record:
    """`record` with the writable member `fields` of PROTOCOL-VL2 8.6; raises InputError."""
    return change(record, fields, MEMBER_FIELDS)


def _bool(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"{name} must be true or false, not {value!r}")
    return value


def _integer(low: int, high: int) -> Check:
    def check(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InputError(f"{name} must be an integer from {low} to {high}, not {value!r}")
        return value

    return check


def _text(limit: int) -> Check:
    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or len(value.encode()) > limit:
            raise InputError(f"{name} must be text of at most {limit} bytes")
        return value

    return check


def _list(name: str, value: Any, limit: int) -> list[Any]:
    if not isinstance(value, (list, tuple)) or len(value) > limit:
        raise InputError(f"{name} must be a list of at most {limit} entries")
    return list(value)


def _ip(name: str, value: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(value)
    except ValueError:
        raise InputError(f"{name}: {value!r} is not an IP address") from None


def _routes(name: str, value: Any) -> list[Record]:
    routes = []
    for entry in _list(name, value, MAX_ROUTES):
        target, via = (entry.get("target"), entry.get("via")) if isinstance(entry, dict) else (entry, None)
        try:
            network = ipaddress.ip_network(str(target))
        except ValueError:
            raise InputError(f"{name}: {target!r} is not an IP network") from None
        gateway = None if via is None else _ip(name, via)
        if gateway is not None and gateway.version != network.version:
            raise InputError(f"{name}: gateway {via} is of another family than {target}")
        routes.append({"target": str(network), "via": None if gateway is None else str(gateway)})
    return routes


def _pools(name: str, value: Any) -> list[Record]:
    pools = []
    for entry in _list(name, value, MAX_ROUTES):
        if not isinstance(entry, dict):
            raise InputError(f"{name}: {entry!r} is not an object with ipRangeStart and ipRangeEnd")
        start, end = _ip(name, entry.get("ipRangeStart")), _ip(name, entry.get("ipRangeEnd"))
        if start.version != end.version or int(start) > int(end):
            raise InputError(f"{name}: {start} to {end} is not a range")
        pools.append({"ipRangeStart": str(start), "ipRangeEnd": str(end)})
    return pools


def _modes(*names: str) -> Check:
    def check(name: str, value: Any) -> Record:
        if not isinstance(value, dict) or not set(value) <= set(names):
            raise InputError(f"{name} must be an object with the keys {', '.join(names)}")
        return {mode: _bool(f"{name}.{mode}", value.get(mode, False)) for mode in names}

    return check


def _rules(limit: int) -> Check:
    def check(name: str, value: Any) -> list[Record]:
        try:
            return [Rule.from_json(entry).to_json() for entry in _list(name, value, limit)]
        except (ValueError, AttributeError) as error:
            raise InputError(f"{name}: {error}") from None

    return check


def _objects(name: str, value: Any) -> list[Record]:
    """Objects with an id each; the last of an id counts."""
    entries = {}
    for entry in _list(name, value, 128):
        if not isinstance(entry, dict):
            raise InputError(f"{name}: {entry!r} is not an object")
        entries[_integer(0, 2**32 - 1)(f"{name}.id", entry.get("id"))] = entry
    return [entries[key] for key in sorted(entries)]


def _capabilities(name: str, value: Any) -> list[Record]:
    check = _rules(64)
    return [
        {
            "id": entry["id"],
            "default": _bool(f"{name}.default", entry.get("default", False)),
            "rules": check(f"{name}.rules", entry.get("rules", [])),
        }
        for entry in _objects(name, value)
    ]


def _tags(name: str, value: Any) -> list[Record]:
    number = _integer(0, 2**32 - 1)
    tags = []
    for entry in _objects(name, value):
        default = entry.get("default")
        tags.append(
            {"id": entry["id"], "default": None if default is None else number(f"{name}.default", default)}
        )
    return tags


def _tokens(name: str, value: Any) -> Record:
    if not isinstance(value, dict):
        raise InputError(f"{name} must be an object of token: expiry in milliseconds (0: never)")
    return {str(token): _integer(0, 2**63 - 1)(name, expiry) for token, expiry in value.items()}


def _dns(name: str, value: Any) -> Any:
    if not value:
        return []
    if not isinstance(value, dict):
        raise InputError(f"{name} must be an object with domain and servers")
    servers = [str(_ip(name, server)) for server in _list(name, value.get("servers", []), 4)]
    return {"domain": _text(MAX_NAME)(f"{name}.domain", value.get("domain", "")), "servers": servers}


def _assignments(name: str, value: Any) -> list[str]:
    given = [str(_ip(name, str(entry).partition("/")[0])) for entry in _list(name, value, MAX_ASSIGNMENTS)]
    return list(dict.fromkeys(given))


def _member_tags(name: str, value: Any) -> list[list[int]]:
    number = _integer(0, 2**32 - 1)
    return [[number(name, part) for part in _list(name, pair, 2)] for pair in _list(name, value, 128)]


def _member_capabilities(name: str, value: Any) -> list[int]:
    number = _integer(0, 2**32 - 1)
    return sorted({number(name, entry) for entry in _list(name, value, 128)})


NETWORK_FIELDS: dict[str, Check] = {
    "name": _text(MAX_NAME),
    "private": _bool,
    "enableBroadcast": _bool,
    "multicastLimit": _integer(0, 2**32 - 1),
    "mtu": _integer(MIN_MTU, MAX_MTU),
    "routes": _routes,
    "ipAssignmentPools": _pools,
    "v4AssignMode": _modes("zt"),
    "v6AssignMode": _modes("zt", "rfc4193", "6plane"),
    "rules": _rules(MAX_RULES),
    "capabilities": _capabilities,
    "tags": _tags,
    "authTokens": _tokens,
    "dns": _dns,
    "rulesSource": _text(MAX_SOURCE),
    "certificateTimeoutWindowSize": _integer(0, 2**63 - 1),
}
MEMBER_FIELDS: dict[str, Check] = {
    "authorized": _bool,
    "activeBridge": _bool,
    "noAutoAssignIps": _bool,
    "ipAssignments": _assignments,
    "tags": _member_tags,
    "capabilities": _member_capabilities,
    "name": _text(MAX_NAME),
    "ssoExempt": _bool,
}
