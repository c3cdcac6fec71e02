"""Keeper: carries a core's lasting facts to its store and back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from .._core.endpoint import V4_PREFIX
from ..vl1.events import MoonChanged, PathChanged, PlanetChanged
from ..vl2.events import AddressChanged, ConfigChanged, Joined
from ..wire.inetaddress import InetAddress
from .peer_record import PeerRecord
from .planets import parse_moon
from .store import MemoryStore, SavedNetwork

if TYPE_CHECKING:
    from .core import Core

Task = Callable[[], None]


def text(ip: bytes, prefix: int) -> str:
    """An interface address as "ip/bits"."""
    return str(InetAddress(ip[12:] if ip.startswith(V4_PREFIX) else ip, prefix))


class Keeper:
    """Belongs to one node. Called under its lock, returns tasks that write files and are run outside it."""

    def __init__(self, store: MemoryStore, core: Core) -> None:
        self.store = store
        self.core = core

    def restore(self, now: int) -> None:
        """Give the core the moons and peers of earlier runs."""
        for world in self.store.moons():
            moon = parse_moon(world)
            if moon is not None:
                self.core.switch.orbit(moon, 0, now)
        for number, seed in self.store.seeds().items():
            self.core.switch.orbit(number, seed, now)
        for data in self.store.peers():
            record = PeerRecord.parse(data)
            if record is not None:
                self.core.remember(record, now)

    def tasks(self, events: list[Any]) -> list[Task]:
        """What these events make worth writing."""
        found: list[Task] = []
        for event in events:
            if isinstance(event, (ConfigChanged, AddressChanged, Joined)):
                found.extend(self._network(event.nwid))
            elif isinstance(event, PathChanged):
                found.extend(self._peer(event.address))
            elif isinstance(event, PlanetChanged):
                found.append(partial(self.store.save_planet, event.world))
            elif isinstance(event, MoonChanged):
                found.append(partial(self.store.save_moon, event.id, event.world))
        return found

    def farewell(self, now: int) -> list[Task]:
        """What to write before the node ends: its peers."""
        return [task for peer in self.core.switch.peers() for task in self._peer(peer.address)]

    def _network(self, nwid: int) -> list[Task]:
        if not self.core.has_network(nwid):
            return []
        network = self.core.network(nwid)
        if not network.config_bytes:
            return []
        addresses = tuple(text(ip, prefix) for ip, prefix in network.addresses)
        return [partial(self.store.save_network, nwid, SavedNetwork(network.config_bytes, addresses))]

    def _peer(self, address: int) -> list[Task]:
        record = self.core.record_of(address)
        return [] if record is None else [partial(self.store.save_peer, address, record.to_bytes())]
