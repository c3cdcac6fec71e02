"""Addresses of a member (PROTOCOL-VL2 8.3): a pure function of the records and of what is taken."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Any

from .records import MAX_ASSIGNMENTS, Record

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Subnet = ipaddress.IPv4Network | ipaddress.IPv6Network

TRIALS = 1000  # per pool
NODE_SPAN = 2**40 - 1  # a pool this wide in its low 64 bits takes the node's address itself
LOW64 = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Route:
    """A managed route: `via` is None for an on-link one."""

    target: Subnet
    via: Address | None


@dataclass(frozen=True, slots=True)
class Assignment:
    """`static`: (address, prefix bits) in config order; `added`: addresses new to the member's record."""

    static: tuple[tuple[Address, int], ...]
    added: tuple[Address, ...]
    derived: bool  # an RFC 4193 or 6PLANE address is among them: NDP emulation applies


def routes_of(network: Record) -> list[Route]:
    """The valid routes of a network record; invalid ones, left by another program, are skipped."""
    routes = []
    for entry in network.get("routes") or []:
        try:
            via = entry.get("via")
            gateway = None if via is None else ipaddress.ip_address(via)
            routes.append(Route(ipaddress.ip_network(entry["target"], strict=False), gateway))
        except (ValueError, KeyError, AttributeError):
            continue
    return routes


def assign(
    network: Record,
    member: Record,
    taken: Container[Address],
    derived: tuple[Address, Address],
    entropy: Callable[[int], bytes],
) -> Assignment:
    """Addresses of `member` on `network`; `derived`: its RFC 4193 and 6PLANE ones, `taken`: everybody's."""
    routes = routes_of(network)
    automatic = not member.get("noAutoAssignIps")
    modes6: dict[str, Any] = network.get("v6AssignMode") or {}
    modes4: dict[str, Any] = network.get("v4AssignMode") or {}
    static: list[tuple[Address, int]] = []
    if automatic and modes6.get("rfc4193"):
        static.append((derived[0], 88))
    if automatic and modes6.get("6plane"):
        static.append((derived[1], 40))
    emulated = bool(static)
    held = [(ip, bits) for ip in assigned(member) if (bits := covering(routes, ip)) is not None]
    static += held
    added = []
    versions = {ip.version for ip, _ in held}
    address = int(member["id"], 16)
    if automatic and modes6.get("zt") and 6 not in versions:
        added += _first(_candidates6(network, address, entropy), _onlink(routes), taken)
    if automatic and modes4.get("zt") and 4 not in versions:
        added += _first(_candidates4(network, address), routes, taken)
    static += added
    return Assignment(tuple(static[:MAX_ASSIGNMENTS]), tuple(ip for ip, _ in added), emulated)


def assigned(member: Record) -> list[Address]:
    """The addresses in a member record; what is not an address is skipped."""
    found = []
    for text in member.get("ipAssignments") or []:
        try:
            found.append(ipaddress.ip_address(str(text).partition("/")[0]))
        except ValueError:
            continue
    return found


def covering(routes: list[Route], ip: Address) -> int | None:
    """Prefix bits of the longest route over `ip`."""
    return max((r.target.prefixlen for r in routes if ip in r.target), default=None)


def _onlink(routes: list[Route]) -> list[Route]:
    return [route for route in routes if route.via is None]


def _first(
    candidates: Iterator[Address], routes: list[Route], taken: Container[Address]
) -> list[tuple[Address, int]]:
    for ip in candidates:
        bits = next((r.target.prefixlen for r in routes if ip in r.target), 0)
        if bits > 0 and ip not in taken:
            return [(ip, bits)]
    return []


def _pools(network: Record, version: int) -> Iterator[tuple[int, int]]:
    for pool in network.get("ipAssignmentPools") or []:
        try:
            start, end = (ipaddress.ip_address(pool[key]) for key in ("ipRangeStart", "ipRangeEnd"))
        except (ValueError, KeyError, TypeError):
            continue
        if start.version == end.version == version and int(start) <= int(end):
            yield int(start), int(end)


def _candidates4(network: Record, address: int) -> Iterator[Address]:
    """By the node's address, so that the same node gets the same one; the pool's last is never chosen."""
    for start, end in _pools(network, 4):
        span = end - start
        for trial in range(min(span + 1, TRIALS)):
            ip = start + (((address & 0xFFFFFFFF) + trial) % span if span else 0)
            if ip & 0xFF != 0xFF:
                yield ipaddress.IPv4Address(ip)


def _candidates6(network: Record, address: int, entropy: Callable[[int], bytes]) -> Iterator[Address]:
    for start, end in _pools(network, 6):
        trials = TRIALS
        if (end & LOW64) - (start & LOW64) >= NODE_SPAN:
            yield ipaddress.IPv6Address(start + address)
            trials -= 1
        for _ in range(trials):
            yield ipaddress.IPv6Address(start + int.from_bytes(entropy(16), "big") % (end - start + 1))
