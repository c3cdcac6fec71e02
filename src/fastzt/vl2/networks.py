"""Networks: VL2 of one node: the joined networks, and what VL1 hands up to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .._core.slab import Slab
from .._core.stats import Stats
from ..vl1.packet import Packet
from ..vl1.peer import Peer
from ..vl1.sink import VirtualSink
from ..vl1.switch import Switch
from ..wire.address import mac_of
from ..wire.com import Com
from ..wire.reader import Malformed
from . import messages, reasons
from .address_resolution import AddressResolution
from .authority import Authority
from .bridging import Bridging
from .config_client import ConfigClient
from .credentials_push import CredentialsPush
from .directory import Directory
from .events import Event
from .frame_context import FrameContext
from .member import Memberships
from .membership import Result
from .multicast import Multicast
from .network import Network

if TYPE_CHECKING:
    import cython
else:
    from .. import _cython as cython

if not cython.compiled:
    from .._core.access import be64
    from ..vl1.sink import IGNORED

NEVER = 1 << 62
HOUSEKEEPING = 60_000_000
MAX_EVENTS = 1024
MAX_NETWORKS = 256
MAX_PACKET = 10_024
RETRIES_NOW = 64  # peers whose deferred packets are offered again at once


class Networks(VirtualSink):
    """Implements VL1's VirtualSink; see docs/architecture.md. `wall_offset_ms` as of Switch."""

    if not cython.compiled:
        __slots__ = (
            "authority",
            "by_id",
            "context",
            "directory",
            "due",
            "entropy",
            "housekeeping_at",
            "last",
            "me",
            "online",
            "queue",
            "retries",
            "scratch",
            "stats",
            "switch",
            "wall_offset_ms",
        )

    def __init__(self, switch: Switch, entropy: Callable[[int], bytes], wall_offset_ms: int) -> None:
        self.switch = switch
        self.entropy = entropy
        self.wall_offset_ms = wall_offset_ms
        self.stats: Stats = switch.stats
        self.me = switch.address
        self.context = FrameContext(self.me, int.from_bytes(entropy(4), "big"))
        self.scratch = Slab(MAX_PACKET)
        self.directory = Directory()
        self.authority: Authority | None = None
        self.by_id: dict[int, Network] = {}
        self.last: Network | None = None
        self.queue: list[Event] = []
        self.retries: set[int] = set()
        self.due = NEVER
        self.housekeeping_at = -NEVER
        self.online = False
        switch.bind(self)

    # joined networks

    def join(self, nwid: int, now: int, saved: bytes | None = None, token: str | None = None) -> Network:
        """Join a network, or return it if it is joined: with a stored config it works at once.

        `token` is a pre-authorization. ValueError: too many networks, or a token too long for a request.
        """
        known = self.by_id.get(nwid)
        if known is not None:
            return known
        if len(self.by_id) >= MAX_NETWORKS:
            raise ValueError(f"a node joins at most {MAX_NETWORKS} networks")
        network = Network(self, nwid, mac_of(self.me, nwid))
        network.attach(
            ConfigClient(network, token),
            CredentialsPush(self.switch, nwid),
            Multicast(network),
            AddressResolution(network),
            Bridging(network),
        )
        self.by_id[nwid] = network
        self.last = network
        if saved is not None:
            network.configs.load(saved, now)
        network.configs.poll(now)
        self.wake(network.configs.due_at())
        return network

    def leave(self, nwid: int, now: int) -> None:
        """Forget a network; nothing is sent, as the protocol has no word for it."""
        network = self.by_id.pop(nwid, None)
        if network is None:
            return
        self.last = None
        self.directory.remove_network(nwid)
        for address in list(network.membership.members):
            self.release(address, nwid)
        network.membership.clear()

    def release(self, address: int, nwid: int) -> None:
        """Take a network out of a peer's token, and the token off a peer that has no network left."""
        peer = self.switch.peer(address)
        if peer is not None and peer.token is not None:
            token: Memberships = peer.token  # type: ignore[assignment]
            token.by_network.pop(nwid, None)
            if not token.by_network:
                peer.token = None

    def get(self, nwid: int) -> Network | None:
        """A joined network."""
        return self.by_id.get(nwid)

    def all(self) -> list[Network]:
        """Every joined network."""
        return list(self.by_id.values())

    # VirtualSink

    def frame(self, peer: Peer, slab: Slab, offset: int, length: int, hops: int, now: int) -> int:
        """FRAME, the hot way."""
        if length < 10:
            self.stats.drop(reasons.MALFORMED)
            return IGNORED
        nwid = be64(slab, offset)
        network = self.last
        if network is None or network.nwid != nwid:
            network = self.by_id.get(nwid)
            if network is None:
                self.stats.drop(reasons.UNKNOWN_NETWORK)
                return IGNORED
            self.last = network
        return network.frame_in(peer, slab, offset + 8, length - 8, now)

    def frames(
        self, peer: Peer, slab: Slab, offset: int, stride: int, count: int, size: int, last: int, now: int
    ) -> int:
        """FRAMEs of one peer in a row, as far as they are of open flows; how many."""
        network = self.last
        if network is None or size < 10:
            return 0
        return network.frames_in(peer, slab, offset, stride, count, size, last, now)

    def message(self, packet: Packet, now: int) -> int:
        """Every other verb of VL2, and OK and ERROR in reply to one."""
        try:
            return messages.dispatch(self, packet, now)
        except Malformed:
            self.stats.drop(reasons.MALFORMED)
            return IGNORED

    def flush(self, now: int) -> None:
        """The batch is over: what waited for credentials that came in it is offered again."""
        if self.online != self.switch.online:
            self.online = self.switch.online
            if self.online:
                self.reached(now)
        if self.retries:
            waiting = self.retries
            self.retries = set()
            for address in waiting:
                self.switch.retry(address, now)

    def reached(self, now: int) -> None:
        """A root answers, for the first time or again: it is told what we listen to."""
        for network in self.all():
            network.multicast.announce(now)

    # time and events

    def tick(self, now: int) -> None:
        """Timers: call it when deadline() has come, more often does no harm."""
        if self.retries:
            self.flush(now)
        if now < self.due:
            return
        self.due = NEVER
        for network in self.all():
            network.configs.poll(now)
            network.multicast.tick(now)
            network.resolution.tick(now)
            for part in (network.configs, network.multicast, network.resolution):
                self.wake(part.due_at())
        if now - self.housekeeping_at >= HOUSEKEEPING:
            self.housekeeping_at = now
            self.keep_house(now)
        self.wake(self.housekeeping_at + HOUSEKEEPING)

    def keep_house(self, now: int) -> None:
        """Expire listeners, and let VL1 forget peers without VL2 traffic."""
        self.directory.expire(now)
        for peer in self.switch.peers():
            if peer.token is not None and not peer.is_active(now):
                peer.token = None

    def deadline(self) -> int:
        """When tick() has something to do, in absolute microseconds; 2**62 for never."""
        return self.due

    def wake(self, at: int) -> None:
        """Have tick() called at that time, or before."""
        if at < self.due:
            self.due = at

    def emit(self, event: Event) -> None:
        """Report an event; the oldest goes when nobody drains them."""
        if len(self.queue) >= MAX_EVENTS:
            del self.queue[0]
        self.queue.append(event)

    def has_news(self) -> bool:
        """Whether there are events."""
        return len(self.queue) > 0

    def events(self) -> list[Event]:
        """What happened since the last call."""
        if not self.queue:
            return []
        found = self.queue
        self.queue = []
        return found

    # services for the networks

    def verify(self, signer: int, message: bytes, signature: bytes) -> bool | None:
        """Whether a node signed the message; None while its identity is not known."""
        if signer == self.me:
            return bool(self.switch.context.identity.verify(message, signature))
        peer = self.switch.peer(signer)
        return None if peer is None else bool(peer.identity.verify(message, signature))

    def accept_com(self, peer: Peer, com: Com, now: int) -> None:
        """A certificate that came with a frame or a gather (4.9); one that cannot be checked yet is lost.

        Verifying costs time: any but the one held passes the gate of the peer's credentials packets.
        """
        network = self.by_id.get(com.nwid)
        if network is None or network.membership.holds(com):
            return
        if not messages.passes_gate(self, peer, now):
            return
        result = network.membership.accept_com(com)
        if result == Result.DEFERRED:
            self.switch.want(com.signer, now)
        elif result == Result.REJECTED:
            self.stats.drop(reasons.REFUSED_CREDENTIAL)

    def retry(self, address: int, now: int) -> None:
        """Have VL1 offer again what it deferred from a peer, once this batch or tick is over."""
        if len(self.retries) < RETRIES_NOW:
            self.retries.add(address)
            self.wake(now)

    def shuffle(self, addresses: list[int]) -> None:
        """Put addresses into random order."""
        for i in range(len(addresses) - 1, 0, -1):
            j = int.from_bytes(self.entropy(4), "big") % (i + 1)
            addresses[i], addresses[j] = addresses[j], addresses[i]

    def own_config(self, nwid: int, dictionary: bytes, now: int) -> None:
        """The controller role of this node changed the config of our own membership."""
        network = self.by_id.get(nwid)
        if network is not None:
            network.configs.take(dictionary, True, now)
