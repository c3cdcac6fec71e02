"""PortMapping: a thread that has the router forward the UDP port: UPnP through miniupnpc (extra `upnp`)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from .._core.endpoint import Endpoint
from ..errors import InputError

DISCOVERY_MS = 2000
RENEWAL = 1200.0  # seconds between looks whether the mapping is there; routers forget when they restart
RETRY = 300.0  # after a look that found no router
TRIES = 4  # outside ports tried when the wanted one is another's
DESCRIPTION = "fastzt"
FIRST_PORT, LAST_PORT = 1025, 65535
log = logging.getLogger("fastzt")

Changed = Callable[[Endpoint | None], None]


def library() -> Any:
    """The miniupnpc module; raises InputError that says how to get it."""
    try:
        import miniupnpc
    except ImportError:
        raise InputError("port mapping needs miniupnpc: pip install 'fastzt[upnp]'") from None
    return miniupnpc


class PortMapping:
    """Keeps a mapping for local UDP port `port`; `changed` hears where others reach it, or None."""

    def __init__(self, port: int, changed: Changed) -> None:
        self._library = library()
        self._port = port
        self._changed = changed
        self._mapped: Endpoint | None = None
        self._ended = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fastzt-upnp", daemon=True)

    def start(self) -> None:
        """Begin to look for a router."""
        self._thread.start()

    def refresh(self) -> None:
        """The host's addresses have changed: look now."""
        self._wake.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._wake.clear()
            try:
                found = self._map()
            except Exception as error:  # miniupnpc raises no other class
                log.info("UPnP: %s", error)
                found = None
            if found != self._mapped and not self._ended.is_set():
                self._mapped = found
                self._changed(found)
            self._wake.wait(RENEWAL if found is not None else RETRY)
        self._unmap()

    def _router(self) -> Any:
        """The router found on this network; raises Exception when there is none."""
        router = self._library.UPnP()
        router.discoverdelay = DISCOVERY_MS
        router.discover()
        router.selectigd()
        return router

    def _map(self) -> Endpoint | None:
        """Have a port mapped, the same as inside if it is free; where that is reached."""
        router = self._router()
        wanted = self._mapped.port if self._mapped is not None else self._port
        for step in range(TRIES):
            port = FIRST_PORT + (wanted - FIRST_PORT + step) % (LAST_PORT - FIRST_PORT + 1)
            known = router.getspecificportmapping(port, "UDP")
            if known is not None and (known[0], known[1]) != (router.lanaddr, self._port):
                continue
            if known is None and not self._add(router, port):
                continue
            return Endpoint.parse(router.externalipaddress(), port)
        return None

    def _add(self, router: Any, port: int) -> bool:
        try:
            return bool(router.addportmapping(port, "UDP", router.lanaddr, self._port, DESCRIPTION, ""))
        except Exception as error:  # refused, as for a port that is another's
            log.info("UPnP: port %d: %s", port, error)
            return False

    def _unmap(self) -> None:
        """Give the mapping back."""
        if self._mapped is not None:
            try:
                self._router().deleteportmapping(self._mapped.port, "UDP")
            except Exception as error:
                log.info("UPnP: %s", error)

    def close(self) -> None:
        """Give the mapping back and end, within a few seconds. Harmless when repeated."""
        self._ended.set()
        self._wake.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(2 * DISCOVERY_MS / 1000 + 1)

    def abandon(self) -> None:
        """In a forked child: nothing is ours."""
        self._ended.set()
