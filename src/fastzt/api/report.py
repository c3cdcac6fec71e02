"""What a node tells about itself, as plain dictionaries fit for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.slab import is_compiled
from ..errors import HostUnreachableError, NoRouteError
from ..io.driver import Driver
from ..io.threaded import EVERY, ThreadedDriver
from ..io.waiter import TimedOut
from . import addresses, moons, names, paths

if TYPE_CHECKING:
    from ..node.core import Core
    from ..vl2.network import Network as VirtualNetwork


def status(core: Core, now: int) -> dict[str, Any]:
    """The node's own state."""
    return {
        "id": f"{core.address:010x}",
        "online": core.online,
        "compiled": is_compiled(),
        "networks": [network(core, nwid) for nwid in core.network_ids()],
        "moons": moons.report(core),
        "peers": len(core.switch.peers()),
        **paths.reachability(core, now),
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
        "routes": [route(*entry) for entry in found.routes],
        "mtu": found.mtu,
        "dns": dns(found),
    }


def route(target: bytes, prefix: int, via: bytes | None, metric: int) -> dict[str, Any]:
    """A managed route; without `via` its addresses are members' own."""
    gateway = None if via is None else addresses.host_text(via)
    return {"target": str(addresses.interface(target, prefix)), "via": gateway, "metric": metric}


def dns(found: VirtualNetwork) -> dict[str, Any]:
    """Search domain and servers."""
    known = names.dns_of(found)
    return {"domain": known.domain, "servers": [addresses.host_text(ip) for ip in known.servers]}


class Asking:
    """The question which node has an address; raises NoRouteError."""

    def __init__(self, driver: Driver, ip: bytes) -> None:
        self._core = driver.core
        self._ip = ip
        self._where = addresses.host_text(ip)
        found = driver.run(lambda now: self._core.networks_with(ip))
        if not found:
            raise NoRouteError(f"no joined network has a route to {self._where}")
        self._nwid = found[0]

    def attempt(self, now: int) -> int | None:
        """The node's address; None while resolution runs."""
        return self._core.owner(self._nwid, self._ip, now)

    def late(self) -> HostUnreachableError:
        """Time is up."""
        return HostUnreachableError(f"nobody on the network answers for {self._where}")


def whois(driver: ThreadedDriver, ip: bytes, timeout: float) -> str:
    """The id of the node that has `ip`; raises NoRouteError, HostUnreachableError."""
    asking = Asking(driver, ip)
    try:
        return f"{driver.wait(EVERY, asking.attempt, timeout):010x}"
    except TimedOut:
        raise asking.late() from None
