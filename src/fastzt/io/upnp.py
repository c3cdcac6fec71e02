"""UPnP: the router that announces itself is asked to forward the UDP port, by miniupnpc (extra `upnp`)."""

from __future__ import annotations

import logging
from typing import Any

from .._core.endpoint import Endpoint
from ..errors import InputError

DISCOVERY_MS = 2000
TRIES = 4  # outside ports tried when the wanted one is another's
DESCRIPTION = "fastzt"
FIRST_PORT, LAST_PORT = 1025, 65535
log = logging.getLogger("fastzt")


def library() -> Any:
    """The miniupnpc module; raises InputError that says how to get it."""
    try:
        import miniupnpc
    except ImportError:
        raise InputError("port mapping by UPnP needs miniupnpc: pip install 'fastzt[upnp]'") from None
    return miniupnpc


def router() -> Any:
    """The router found on this network; raises Exception when there is none."""
    found = library().UPnP()
    found.discoverdelay = DISCOVERY_MS
    found.discover()
    found.selectigd()
    return found


def map_port(port: int, wanted: int) -> Endpoint | None:
    """Have UDP `port` mapped, to the outside port `wanted` if that is free; where it is reached."""
    found = router()
    for step in range(TRIES):
        outside = FIRST_PORT + (wanted - FIRST_PORT + step) % (LAST_PORT - FIRST_PORT + 1)
        known = found.getspecificportmapping(outside, "UDP")
        if known is not None and (known[0], known[1]) != (found.lanaddr, port):
            continue
        if known is None and not add(found, port, outside):
            continue
        return Endpoint.parse(found.externalipaddress(), outside)
    return None


def add(found: Any, port: int, outside: int) -> bool:
    """Add a mapping; False when it is refused, as for a port that is another's."""
    try:
        return bool(found.addportmapping(outside, "UDP", found.lanaddr, port, DESCRIPTION, ""))
    except Exception as error:
        log.info("UPnP: port %d: %s", outside, error)
        return False


def unmap(outside: int) -> None:
    """Give a mapping back; raises Exception."""
    router().deleteportmapping(outside, "UDP")
