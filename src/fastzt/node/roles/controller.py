"""The controller role: answers config requests, pushes changes, revokes, and keeps its records in files.

`registry` decides, this module sends. It may share a node with a root, and be a member of its own networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import StateError
from ...identity.identity import Identity
from ...vl2.authority import Authority
from ...wire.config_request import Metadata
from ...wire.verbs import Verb
from . import issue
from .controller_store import Change, ControllerStore, Key
from .records import Record
from .registry import Granted, Refused, Registry

if TYPE_CHECKING:
    from ...vl1.packet import Packet
    from ...vl1.peer import Peer
    from ...vl1.switch import Switch

SECOND = 1_000_000
NEVER = 2**62
REQUEST_GATE = SECOND  # per (network, member); what comes sooner is dropped silently
ONLINE = 120 * SECOND  # a member that asked within this time gets pushes and revocations
AUTHORIZED = 180 * SECOND  # ... and may LIKE and GATHER
SCAN_INTERVAL = SECOND  # how soon a change that another process made to the files takes effect
LOOK_INTERVAL = SECOND // 10  # ... while requests wait for a look that may save them from a refusal
MAX_HELD = 256  # such requests; what comes when that many wait is refused at once
MAX_SEEN = 65536
PUSHES_PER_TICK = 16  # each costs a handful of signatures
OwnConfig = Callable[[int, bytes, int], None]


@dataclass(slots=True)
class Seen:
    """What the controller remembers of a member between its requests."""

    identity: Identity
    metadata: Metadata
    asked: int
    configured: int = -NEVER


@dataclass(frozen=True, slots=True)
class Held:
    """A request that is refused unless the files say otherwise by now."""

    peer: Peer
    packet: Packet
    nwid: int
    metadata: Metadata


class StoreJob:
    """File work of the store, run outside the node's lock; not `done` when it failed or was never run.

    `held` are the requests that came before it began: what they depend on is in its `changes`.
    """

    def __init__(
        self, store: ControllerStore, records: list[tuple[Key, Record | None]], held: list[Held]
    ) -> None:
        self.store = store
        self.records = records
        self.held = held
        self.changes: list[Change] = []
        self.error: StateError | None = None
        self.done = False

    def run(self) -> None:
        """Write what changed here, then look for what changed there."""
        try:
            if self.records:
                self.store.write(self.records)
            self.changes = self.store.scan()
            self.done = True
        except StateError as error:
            self.error = error


class Controller(Authority):
    """The networks of one identity; `bind` it to a switch before use."""

    def __init__(
        self,
        identity: Identity,
        store: ControllerStore,
        entropy: Callable[[int], bytes],
        wall_offset_ms: int,
    ) -> None:
        self.identity = identity
        self.store = store
        self.entropy = entropy
        self.wall_offset_ms = wall_offset_ms
        self.registry = Registry(identity, store, entropy)
        self.error: StateError | None = None  # why the last write or scan failed
        self._seen: dict[Key, Seen] = {}
        self._pushes: dict[Key, None] = {}
        self._switch: Switch | None = None
        self._own_config: OwnConfig | None = None
        self._held: list[Held] = []
        self._scanned = self._next_scan = 0
        self._working = self._due = False

    def bind(self, switch: Switch, own_config: OwnConfig | None = None) -> None:
        """Give it the switch to send through, and who takes a changed config of our own membership."""
        self._switch = switch
        self._own_config = own_config

    def wall(self, now: int) -> int:
        """Wall-clock milliseconds at `now`."""
        return now // 1000 + self.wall_offset_ms

    # -- requests (Authority)

    def controls(self, nwid: int) -> bool:
        """Whether the controller part of the network id is this node's address."""
        return self.registry.controls(nwid)

    def request(self, peer: Peer, packet: Packet, nwid: int, metadata: bytes, now: int) -> None:
        """Answer a peer's NETWORK_CONFIG_REQUEST, or drop it silently when it comes too soon."""
        if self._switch is None or not self.controls(nwid) or not self._gate((nwid, peer.address), now):
            return
        known = Metadata.parse(metadata)
        answer = self._decide(nwid, peer.identity, known, now)
        if isinstance(answer, Granted) or not self._hold(Held(peer, packet, nwid, known)):
            self._reply(packet, nwid, answer, now)

    def _hold(self, request: Held) -> bool:
        """Let a request wait until the files have been read: a command may have let it in a moment ago."""
        if self.store.directory is None or len(self._held) >= MAX_HELD:
            return False
        self._held.append(request)
        self._next_scan = min(self._next_scan, self._scanned + LOOK_INTERVAL)
        return True

    def _reply(self, packet: Packet, nwid: int, answer: Granted | Refused, now: int) -> None:
        if self._switch is None:
            return
        if isinstance(answer, Refused):
            payload = issue.refusal(answer.code, nwid, answer.details)
            self._switch.reply(packet, payload, now, verb=Verb.ERROR)
            return
        for chunk in issue.chunks(self.identity, nwid, answer.config, self.entropy):
            self._switch.reply(packet, chunk, now, compress=True)

    def configure(self, nwid: int, metadata: bytes, now: int) -> bytes | int:
        """For our own membership: the config dictionary, or an error code of PROTOCOL-VL2 2.6."""
        answer = self._decide(nwid, self.identity, Metadata.parse(metadata), now)
        return answer.config if isinstance(answer, Granted) else answer.code

    def configured_recently(self, nwid: int, address: int, now: int) -> bool:
        """Whether the member got a config within 180 s."""
        seen = self._seen.get((nwid, address))
        return seen is not None and now - seen.configured < AUTHORIZED

    def _gate(self, key: Key, now: int) -> bool:
        seen = self._seen.get(key)
        return seen is None or now - seen.asked > REQUEST_GATE

    def _decide(self, nwid: int, requester: Identity, metadata: Metadata, now: int) -> Granted | Refused:
        key = nwid, requester.address
        answer = self.registry.request(nwid, requester, metadata, self.wall(now))
        configured = self._seen[key].configured if key in self._seen else -NEVER
        self._seen.pop(key, None)  # back at the end: the first entry is the one that asked longest ago
        self._seen[key] = Seen(requester, metadata, now, now if isinstance(answer, Granted) else configured)
        while len(self._seen) > MAX_SEEN:
            del self._seen[next(iter(self._seen))]
        if isinstance(answer, Granted):
            self._pushes.pop(key, None)
        return answer

    # -- pushes and revocations

    def _online(self, nwid: int, now: int) -> list[int]:
        """Members that asked for this network's config within 120 s, ourselves included."""
        return [a for (n, a), seen in self._seen.items() if n == nwid and now - seen.asked < ONLINE]

    def _push_all(self, nwid: int, now: int) -> None:
        self._pushes.update(((nwid, address), None) for address in self._online(nwid, now))

    def _push_member(self, nwid: int, address: int, now: int) -> None:
        seen = self._seen.get((nwid, address))
        if seen is not None and now - seen.asked < ONLINE:
            self._pushes[nwid, address] = None

    def _push(self, key: Key, now: int) -> None:
        """Send a member its present config; one that is not authorized hears of it when it asks."""
        seen = self._seen.get(key)
        if seen is None or self._switch is None:
            return
        nwid, address = key
        answer = self.registry.request(nwid, seen.identity, seen.metadata, self.wall(now))
        if isinstance(answer, Refused):
            return
        seen.configured = now
        if address == self.identity.address:
            if self._own_config is not None:
                self._own_config(nwid, answer.config, now)
            return
        for chunk in issue.chunks(self.identity, nwid, answer.config, self.entropy):
            self._switch.send(address, Verb.NETWORK_CONFIG, chunk, now, compress=True)

    def _revoke(self, nwid: int, address: int, now: int) -> None:
        """Tell everyone online, the member included, that its certificates up to now are void (8.5)."""
        seen = self._seen.get((nwid, address))
        if seen is not None:
            seen.configured = -NEVER
        if self._switch is None:
            return
        revocation_id = int.from_bytes(self.entropy(4), "big")
        payload = issue.revocation(self.identity, nwid, address, revocation_id, self.wall(now))
        for member in self._online(nwid, now):
            if member != self.identity.address:
                self._switch.send(member, Verb.NETWORK_CREDENTIALS, payload, now, compress=True)

    def tick(self, now: int) -> None:
        """Send the next pushes; see whether the files are due for a look."""
        for key in list(self._pushes)[:PUSHES_PER_TICK]:
            del self._pushes[key]
            self._push(key, now)
        if self.store.directory is not None and not self._working and now >= self._next_scan:
            self._due = True

    def deadline(self) -> int:
        """When `tick` has something to do (0: now)."""
        if self._pushes:
            return 0
        return NEVER if self.store.directory is None or self._working or self._due else self._next_scan

    # -- files

    def jobs(self) -> list[StoreJob]:
        """File work that is due, one job at a time: run it outside the node's lock, then `finish` it."""
        if not self._due:
            return []
        self._due, self._working = False, True
        held, self._held = self._held, []
        return [StoreJob(self.store, self.store.pending(), held)]

    def finish(self, job: StoreJob, now: int) -> None:
        """Take what a job found; a failed write is tried again."""
        self._working = False
        self._scanned = now
        self._next_scan = now + (LOOK_INTERVAL if self._held else SCAN_INTERVAL)
        self.error = job.error
        if not job.done:
            for (nwid, address), _ in job.records:
                self.store.save(nwid, address, self.store.get(nwid, address))
        for change in job.changes:
            self._changed_outside(change, now)
        for held in job.held:
            answer = self._decide(held.nwid, held.peer.identity, held.metadata, now)
            self._reply(held.packet, held.nwid, answer, now)

    def reload(self, now: int) -> None:
        """Write what is pending and take changes that another process made, now; raises StateError."""
        self.store.flush()
        for change in self.store.scan():
            self._changed_outside(change, now)

    def _changed_outside(self, change: Change, now: int) -> None:
        nwid, address = change.key
        held = self.store.get(nwid, address)
        was = bool(held and address and held.get("authorized"))
        record = self.store.apply(change)
        self.registry.forget(nwid)
        if address == 0:
            self._push_all(nwid, now)
        elif was and not (record and record.get("authorized")):
            self._revoke(nwid, address, now)
        else:
            self._push_member(nwid, address, now)

    def close(self) -> None:
        """Write what is pending; raises StateError."""
        if self.store.directory is not None:
            self.store.flush()

    # -- management

    def networks(self) -> list[Record]:
        """All network records."""
        return list(self.store.networks.values())

    def network(self, nwid: int) -> Record:
        """A network's record; raises InputError."""
        return self.registry.check(nwid)

    def create_network(self, fields: Mapping[str, Any], now: int) -> Record:
        """Add a network with the writable fields of PROTOCOL-VL2 8.6; raises InputError."""
        return self.registry.create(fields, self.wall(now))

    def update_network(self, nwid: int, fields: Mapping[str, Any], now: int) -> Record:
        """Change a network; its members get a new config at once. Raises InputError."""
        self.registry.check(nwid)
        record, changed = self.registry.update(nwid, fields)
        if changed:
            self._push_all(nwid, now)
        return record

    def delete_network(self, nwid: int, now: int) -> None:
        """Revoke all members and drop the network; raises InputError."""
        self.registry.check(nwid)
        for address, member in list(self.store.members.get(nwid, {}).items()):
            if member.get("authorized"):
                self._revoke(nwid, address, now)
        self.store.save(nwid, 0, None)
        self.registry.forget(nwid)

    def members(self, nwid: int) -> list[Record]:
        """The records of a network's members; raises InputError."""
        self.registry.check(nwid)
        return list(self.store.members.get(nwid, {}).values())

    def member(self, nwid: int, address: int) -> Record | None:
        """A member's record; raises InputError for an unknown network."""
        self.registry.check(nwid)
        return self.store.members.get(nwid, {}).get(address)

    def update_member(self, nwid: int, address: int, fields: Mapping[str, Any], now: int) -> Record:
        """Change a member, or add it before it asks; raises InputError."""
        self.registry.check(nwid)
        held = self.store.members.get(nwid, {}).get(address)
        record, changed = self.registry.update_member(nwid, address, fields, self.wall(now))
        if changed and held is not None and held.get("authorized") and not record["authorized"]:
            self._revoke(nwid, address, now)
        elif changed:
            self._push_member(nwid, address, now)
        return record

    def authorize(self, nwid: int, address: int, now: int, authorized: bool = True) -> Record:
        """Let a node into a network, or put it out; raises InputError."""
        return self.update_member(nwid, address, {"authorized": authorized}, now)
