"""How peers are reached, as plain dictionaries fit for JSON: directly or relayed, over what, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..vl1.timing import SECOND

if TYPE_CHECKING:
    from ..node.core import Core
    from ..vl1.path import Path
    from ..vl1.peer import Peer

DIRECT, RELAYED, UNREACHABLE = "direct", "relayed", "unreachable"
LATELY = 5 * SECOND
NAMED = 4  # endpoints named in a reason


def reachability(core: Core, now: int) -> dict[str, Any]:
    """How the node itself stands in the world: its relay, its sockets, and what others see of it."""
    context = core.switch.context
    relay = core.switch.best_root(now)
    return {
        "relay": f"{relay.address:010x}" if relay is not None else None,
        "udp_blocked": context.udp.silent,
        "tcp_relay": bool(context.tunnels),
        "listening": [str(socket.endpoint) for socket in context.sockets if not socket.tunnel],
        "reachable_at": [str(endpoint) for endpoint in context.direct_paths.own_endpoints(now)],
        "seen_at": [str(endpoint) for endpoint in context.surfaces.endpoints(now)],
        "nat_port": context.surfaces.mapping(now),
    }


def peers(core: Core, now: int) -> list[dict[str, Any]]:
    """Every peer."""
    return [peer(core, found, now) for found in core.switch.peers()]


def peer(core: Core, found: Peer, now: int) -> dict[str, Any]:
    """One peer."""
    best = direct(found, now)
    tunnels = core.switch.context.tunnels
    relay = core.switch.best_root(now)
    reached = DIRECT if best is not None else RELAYED if relay not in (None, found) else UNREACHABLE
    return {
        "id": f"{found.address:010x}",
        "role": "root" if found.is_root else "leaf",
        "endpoints": [str(endpoint) for endpoint in found.endpoints],
        "version": ".".join(map(str, found.version)) if found.protocol else None,
        "suite": found.suite,
        "connection": reached,
        "relay": f"{relay.address:010x}" if reached == RELAYED and relay is not None else None,
        "latency_ms": milliseconds(found.latency_us),
        "last_seen_s": age(found.last_receive, now),
        "path": str(best.endpoint) if best is not None else None,
        "over": over(core, found, best, now),
        "paths": [path(known, known.socket in tunnels, now) for known in found.paths],
        "tried": sorted(map(str, found.tried)),
        "last_tried_s": age(found.last_tried, now),
        "why_not_direct": None if best is not None else why_not_direct(core, found, now),
    }


def over(core: Core, found: Peer, best: Path | None, now: int) -> str | None:
    """What carries packets to a peer, on the first stretch of the way: udp4, udp6, or tcp (a TCP relay)."""
    way = best if best is not None else core.switch.route(found, now)
    return None if way is None else carrier(way, way.socket in core.switch.context.tunnels)


def carrier(known: Path, tunnel: bool) -> str:
    """What a path leads over."""
    return "tcp" if tunnel else "udp4" if known.endpoint.is_v4 else "udp6"


def direct(found: Peer, now: int) -> Path | None:
    """The direct path that packets to a peer take, if they do."""
    best = found.best_path(now)
    return None if best is None or best.contested or best.is_dead(now) else best


def path(known: Path, tunnel: bool, now: int) -> dict[str, Any]:
    """One direct path; by a tunnel it is direct from the TCP relay on."""
    return {
        "endpoint": str(known.endpoint),
        "over": carrier(known, tunnel),
        "socket": known.socket,
        "rtt_ms": milliseconds(known.latency_us),
        "last_seen_s": age(known.last_in, now),
        "mtu": known.mtu,
    }


def milliseconds(us: int) -> float | None:
    """A latency; None while unknown."""
    return us / 1000 if us >= 0 else None


def age(then: int, now: int) -> float | None:
    """Seconds since something happened; None: never."""
    return round((now - then) / SECOND, 3) if then else None


def why_not_direct(core: Core, found: Peer, now: int) -> str:
    """What stands between a peer and a direct path."""
    best = found.best_path(now)
    if best is not None and best.contested and now - best.last_in < LATELY:
        return f"the peer relays: what is sent to {best.endpoint} does not reach it"
    if best is not None:
        return f"{best.endpoint} has been silent for {age(best.last_in, now)} s"
    if core.switch.context.udp.silent:
        return "UDP is blocked: no root answers over it"
    if found.is_root:
        return "none of its endpoints answers: " + named([str(endpoint) for endpoint in found.endpoints])
    if not found.tried:
        return "none of its addresses is known yet: it has pushed none, and no root has introduced it"
    tried = named(sorted(map(str, found.tried)))
    reason = f"no answer from {tried} (asked {age(found.last_tried, now)} s ago)"
    if core.switch.context.surfaces.mapping(now) == "varying":
        reason += "; our NAT uses another port for each destination"
    return reason


def named(endpoints: list[str]) -> str:
    """A few endpoints, and how many more there are."""
    more = len(endpoints) - NAMED
    return ", ".join(endpoints[:NAMED]) + (f" and {more} more" if more > 0 else "")
