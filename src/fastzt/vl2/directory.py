"""Directory: who listens to which multicast group, as LIKEs and gathers told (PROTOCOL-VL2 6.1, 6.3).

One serves the networks that a node joined and, with the root or controller role, those of others too.
"""

from __future__ import annotations

from collections.abc import Iterable

LIKE_EXPIRE = 600_000_000
MAX_GROUPS = 16_384
MAX_LISTENERS = 4_096  # of one group
MAX_ENTRIES = 131_072  # of all groups

# (network id, MAC, ADI)
Group = tuple[int, int, int]


class Directory:
    """Group -> {address: microseconds of the last LIKE}; the least recently renewed entries go first."""

    __slots__ = ("entries", "evicted", "groups")

    def __init__(self) -> None:
        self.groups: dict[Group, dict[int, int]] = {}
        self.entries = 0
        self.evicted = 0

    def add(self, group: Group, address: int, now: int) -> bool:
        """Note a listener; True when it was not known for this group."""
        listeners = self.groups.pop(group, None)
        if listeners is None:
            listeners = {}
            if len(self.groups) >= MAX_GROUPS:
                self.evict_group()
        self.groups[group] = listeners
        known = listeners.pop(address, None)
        if known is None:
            self.make_room(listeners)
            self.entries += 1
        listeners[address] = now
        return known is None or now - known >= LIKE_EXPIRE

    def make_room(self, listeners: dict[int, int]) -> None:
        """Drop the oldest listener of a full group, or the oldest group of a full table."""
        if len(listeners) >= MAX_LISTENERS:
            del listeners[next(iter(listeners))]
            self.entries -= 1
            self.evicted += 1
        elif self.entries >= MAX_ENTRIES:
            self.evict_group()

    def evict_group(self) -> None:
        """Drop the group that was renewed the longest ago."""
        gone = self.groups.pop(next(iter(self.groups)))
        self.entries -= len(gone)
        self.evicted += len(gone)

    def remove(self, group: Group, address: int) -> None:
        """Forget one listener."""
        listeners = self.groups.get(group)
        if listeners is not None and listeners.pop(address, None) is not None:
            self.entries -= 1

    def remove_network(self, nwid: int) -> None:
        """Forget a network that was left."""
        self.remove_groups([group for group in self.groups if group[0] == nwid])

    def remove_groups(self, groups: Iterable[Group]) -> None:
        """Forget whole groups."""
        for group in groups:
            self.entries -= len(self.groups.pop(group))

    def listeners(self, group: Group, now: int) -> list[int]:
        """Addresses whose LIKE has not expired, oldest first."""
        known = self.groups.get(group, {})
        return [address for address, at in known.items() if now - at < LIKE_EXPIRE]

    def expire(self, now: int) -> None:
        """Drop what was not renewed within 600 s."""
        for listeners in self.groups.values():
            stale = [address for address, at in listeners.items() if now - at >= LIKE_EXPIRE]
            for address in stale:
                del listeners[address]
            self.entries -= len(stale)
        self.remove_groups([group for group, listeners in self.groups.items() if not listeners])
