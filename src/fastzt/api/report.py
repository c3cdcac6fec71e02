"""What a node tells about itself, as plain dictionaries fit for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.slab import is_compiled
from ..errors import HostUnreachableError, NoRouteError
from ..io.threaded import EVERY, ThreadedDriver
from ..io.waiter import TimedOut
from . import addresses

if TYPE_CHECKING:
    from ..node.core import Core
    from ..vl1.peer import Peer
    from ..vl2.network import Network as VirtualNetwork


def status(core: Core, now: int) -> dict[str, Any]:
    """The node's own state."""
    return {
        "id": f"{core.address:010x}",
        "online": core.online,
        "compiled": is_compiled(),
        "networks": [network(core, nwid) for nwid in core.network_ids()],
        "peers": len(core.switch.peers()),
        "dropped": core.stats.as_dict(),
    }


def name_of(found: VirtualNetwork) -> str:
    """The name that a network's controller gave it."""
    return found.config.name if found.config is not None else ""


def network(core: Core, nwid: int) -> dict[str, Any]:
    """One network."""
    found = core.network(nwid)
    return {
        "id": f"{nwid:016x}",
        "name": name_of(found),
        "status": found.status.name,
        "mac": ":".join(f"{byte:02x}" for byte in found.mac.to_bytes(6, "big")),
        "addresses": [str(addresses.interface(ip, prefix)) for ip, prefix in found.addresses],
    }


def peers(core: Core, now: int) -> list[dict[str, Any]]:
    """Every peer."""
    return [peer(found, now) for found in core.switch.peers()]


def peer(found: Peer, now: int) -> dict[str, Any]:
    """One peer."""
    best = found.best_path(now)
    return {
        "id": f"{found.address:010x}",
        "role": "root" if found.is_root else "leaf",
        "version": ".".join(map(str, found.version)) if found.protocol else None,
        "suite": found.suite,
        "latency_ms": found.latency_us / 1000 if found.latency_us >= 0 else None,
        "path": str(best.endpoint) if best is not None else None,
        "paths": [str(path.endpoint) for path in found.paths],
    }


def whois(driver: ThreadedDriver, ip: bytes, timeout: float) -> str:
    """The id of the node that has `ip`; raises NoRouteError, HostUnreachableError."""
    core = driver.core
    where = addresses.host_text(ip)
    found = driver.run(lambda now: core.networks_with(ip))
    if not found:
        raise NoRouteError(f"no joined network has a route to {where}")

    def attempt(now: int) -> int | None:
        return core.owner(found[0], ip, now)

    try:
        return f"{driver.wait(EVERY, attempt, timeout):010x}"
    except TimedOut:
        raise HostUnreachableError(f"nobody on the network answers for {where}") from None
