"""PortMapping: a thread that has the router forward the UDP port, by UPnP or NAT-PMP."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from .._core.endpoint import Endpoint
from . import nat_pmp, upnp

UPNP, NAT_PMP = "upnp", "nat-pmp"
RENEWAL = 1200.0  # seconds between looks whether the mapping is there; routers forget when they restart
RETRY = 300.0  # after a look that found no router
PATIENCE = 5.0  # seconds for the end
log = logging.getLogger("fastzt")

Changed = Callable[[Endpoint | None], None]
MAP: dict[str, Callable[[int, int], Endpoint | None]] = {UPNP: upnp.map_port, NAT_PMP: nat_pmp.map_port}


class PortMapping:
    """Keeps a mapping for local UDP port `port`; `changed` hears where others reach it, or None.

    `ways`: UPNP, NAT_PMP, tried in this order. Raises InputError where a library is missing.
    """

    def __init__(self, port: int, changed: Changed, ways: Sequence[str] = (UPNP,)) -> None:
        if UPNP in ways:
            upnp.library()
        self._ways = tuple(ways)
        self._port = port
        self._changed = changed
        self._mapped: Endpoint | None = None
        self._way = ""
        self._ended = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fastzt-mapping", daemon=True)

    def start(self) -> None:
        """Begin to look for a router."""
        self._thread.start()

    def refresh(self) -> None:
        """The host's addresses have changed: look now."""
        self._wake.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._wake.clear()
            found = self._map()
            if found != self._mapped and not self._ended.is_set():
                self._mapped = found
                self._changed(found)
            self._wake.wait(RENEWAL if found is not None else RETRY)
        self._unmap()

    def _map(self) -> Endpoint | None:
        """Have the port mapped, to the same outside if it is free; where that is reached."""
        wanted = self._mapped.port if self._mapped is not None else self._port
        for way in self._ways:
            try:
                found = MAP[way](self._port, wanted)
            except Exception as error:  # miniupnpc raises no other class
                log.info("%s: %s", way, error)
                continue
            if found is not None:
                self._way = way
                return found
        return None

    def _unmap(self) -> None:
        """Give the mapping back."""
        if self._mapped is None:
            return
        try:
            if self._way == UPNP:
                upnp.unmap(self._mapped.port)
            else:
                nat_pmp.unmap(self._port)
        except Exception as error:
            log.info("%s: %s", self._way, error)

    def close(self) -> None:
        """Give the mapping back and end, within a few seconds. Harmless when repeated."""
        self._ended.set()
        self._wake.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(PATIENCE)

    def abandon(self) -> None:
        """In a forked child: nothing is ours."""
        self._ended.set()
