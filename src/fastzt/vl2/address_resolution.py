"""AddressResolution: which member owns an IP, by ARP, NDP or the plan (PROTOCOL-VL2 6.7, 6.8, 1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.endpoint import V4_PREFIX
from ..wire import arp, ndp
from ..wire.address import ALL_NODES_MAC, emulated_owner, resolution_group
from ..wire.arp import REPLY, REQUEST, Arp
from ..wire.ndp import ADVERTISEMENT, Neighbor
from ..wire.reader import Malformed
from . import reasons
from .bridging import Station

if TYPE_CHECKING:
    from ..vl1.peer import Peer
    from .network import Network

    Owner = tuple[int, int]  # ZeroTier address; MAC of a host behind that bridge, or 0

SECOND = 1_000_000
RETRY = SECOND
TRIES = 4
IDENTITY_POLL = SECOND // 20
IDENTITY_POLLS = 100
FRESH = 120 * SECOND  # how long an answer is used
REFRESH = 45 * SECOND  # asked for again after this, while it is still used
MAX_NEIGHBORS = 4096
MAX_PENDING = 256
NEVER = 1 << 62


class Pending:
    """An IP under resolution: tries made, and when the next one is due."""

    __slots__ = ("due", "owner", "silent", "tries")

    def __init__(self, due: int, silent: bool) -> None:
        self.tries = 0
        self.due = due
        self.owner: Owner | None = None
        self.silent = silent


class AddressResolution:
    """Neighbours of one network: IP (16 bytes) -> (owner, microseconds of the last answer), capped."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.neighbors: dict[bytes, tuple[Owner, int]] = {}
        self.pending: dict[bytes, Pending] = {}

    def resolve(self, ip: bytes, now: int) -> Peer | Station | None:
        """Who owns an IP, or None while that is being found; the sink hears how that ends."""
        owner = self.planned_owner(ip) or self.cached_owner(ip, now)
        neighbor = self.neighbor(owner) if owner is not None else None
        if neighbor is None:
            self.ask(ip, False, now, owner)
        return neighbor

    def neighbor(self, owner: Owner) -> Peer | Station | None:
        """Who that is; None when its identity is not known."""
        address, mac = owner
        peer = self.network.switch.peer(address)
        return Station(peer, mac) if mac and peer is not None else peer

    def planned_owner(self, ip: bytes) -> Owner | None:
        """The owner of an IPv6 address of the network's plan, if we have one of that plan ourselves."""
        network = self.network
        if ip.startswith(V4_PREFIX) or network.config is None or not network.config.ndp_emulation:
            return None
        for own, bits in network.addresses:
            owner = emulated_owner(own, bits, ip, network.nwid)
            if owner is not None and owner != network.me:
                return owner, 0
        return None

    def cached_owner(self, ip: bytes, now: int) -> Owner | None:
        """The owner as it was last heard; asked again in the background when that is long ago."""
        known = self.neighbors.get(ip)
        if known is None:
            return None
        owner, heard = known
        if now - heard >= FRESH or (owner[1] and owner[0] not in self.network.bridges):
            del self.neighbors[ip]
            return None
        if now - heard >= REFRESH:
            self.ask(ip, True, now)
        return owner

    def ask(self, ip: bytes, silent: bool, now: int, owner: Owner | None = None) -> None:
        """Begin to resolve an IP, unless that is under way; `silent`: nobody waits for the outcome.

        With the `owner` known it is only the owner's identity that is missing.
        """
        waiting = self.pending.get(ip)
        if waiting is not None:
            waiting.silent = waiting.silent and silent
            return
        if len(self.pending) >= MAX_PENDING:
            self.network.stats.drop(reasons.QUEUE_FULL)
            if not silent:
                self.network.sink.unreachable(ip, now)
            return
        self.pending[ip] = waiting = Pending(now, silent)
        if owner is not None:
            self.await_identity(waiting, owner, now)
        elif self.own_address(ip) is not None:
            self.step(ip, now)
        else:
            # Nothing to ask with; the outcome is told from the next tick, not from inside resolve().
            waiting.tries = TRIES
            self.network.owner.wake(now)

    def await_identity(self, waiting: Pending, owner: Owner, now: int) -> None:
        """The owner's address is known, but not its identity: wait for the WHOIS."""
        waiting.owner = owner
        waiting.tries = 0
        waiting.due = now + IDENTITY_POLL
        self.network.owner.wake(waiting.due)
        self.network.switch.want(owner[0], now)

    def step(self, ip: bytes, now: int) -> None:
        """One try: a question to the owner's group, or a look whether the owner's identity has come."""
        waiting = self.pending[ip]
        network = self.network
        if waiting.owner is not None and self.neighbor(waiting.owner) is not None:
            self.finished(ip, waiting.owner, now)
            return
        if waiting.tries >= (IDENTITY_POLLS if waiting.owner else TRIES):
            del self.pending[ip]
            if not waiting.silent:
                network.sink.unreachable(ip, now)
            return
        waiting.tries += 1
        waiting.due = now + (IDENTITY_POLL if waiting.owner else RETRY)
        network.owner.wake(waiting.due)
        source = self.own_address(ip)
        if not waiting.owner and source is not None:
            self.question(source, ip, now)

    def question(self, source: bytes, ip: bytes, now: int) -> None:
        """Ask the group in which the owner of an IP listens."""
        network = self.network
        if ip.startswith(V4_PREFIX):
            ethertype, data = arp.ETHERTYPE, Arp(REQUEST, network.mac, source, 0, ip).to_bytes()
        else:
            ethertype, data = ndp.ETHERTYPE, ndp.solicitation(source, ip, network.mac).to_bytes()
        network.multicast.send(*resolution_group(ip), ethertype, data, now)

    def own_address(self, ip: bytes) -> bytes | None:
        """The address that our questions about `ip` come from: of its family, on its link if there is one."""
        v4 = ip.startswith(V4_PREFIX)
        own = [entry for entry in self.network.addresses if entry[0].startswith(V4_PREFIX) == v4]
        near = (mine for mine, bits in own if shares(mine, ip, bits + 96 if v4 else bits))
        return next(near, own[0][0] if own else None)

    def due_at(self) -> int:
        """When `tick` has something to do (microseconds)."""
        return min((waiting.due for waiting in self.pending.values()), default=NEVER)

    def tick(self, now: int) -> None:
        """Ask again, or give up."""
        for ip in [ip for ip, waiting in self.pending.items() if waiting.due <= now]:
            self.step(ip, now)

    def arp_in(self, sender: Peer | Station, data: bytes, now: int) -> None:
        """An ARP packet: answer a request for an address of ours, learn what was asked for."""
        network = self.network
        try:
            heard = Arp.parse(data)
        except Malformed:
            network.stats.drop(reasons.MALFORMED)
            return
        owner = self.named(sender, heard.sender_mac)
        if owner is None:
            return
        if heard.operation == REPLY:
            self.learn(heard.sender_ip, owner, now)
        elif heard.operation == REQUEST and self.is_own(heard.target_ip):
            self.refresh(heard.sender_ip, owner, now)
            self.tell(owner, arp.ETHERTYPE, heard.reply(network.mac).to_bytes(), now)

    def neighbor_in(self, sender: Peer | Station, data: bytes, now: int) -> None:
        """A neighbor message, as `arp_in` (RFC 4861 7.2)."""
        network = self.network
        try:
            heard = Neighbor.accept(data)
        except Malformed:
            network.stats.drop(reasons.MALFORMED)
            return
        owner = sender if heard.mac is None else self.named(sender, heard.mac)
        if owner is None:
            return
        if heard.kind == ADVERTISEMENT:
            self.learn(heard.target, owner, now)
        elif self.is_own(heard.target):
            self.refresh(heard.source, owner, now)
            answer = heard.answer(network.mac).to_bytes()
            if heard.source == ndp.UNSPECIFIED:  # it asks whether it may have the address: all are told
                network.multicast.send(ALL_NODES_MAC, 0, ndp.ETHERTYPE, answer, now)
            else:
                self.tell(owner, ndp.ETHERTYPE, answer, now)

    def named(self, sender: Peer | Station, mac: int) -> Peer | Station | None:
        """Whose MAC a message names; None when its sender must not speak for that one."""
        peer = sender.bridge if isinstance(sender, Station) else sender
        found = self.network.bridging.neighbor(peer, mac)
        if found is None:
            self.network.stats.drop(reasons.WRONG_MAC)
        return found

    def tell(self, neighbor: Peer | Station, ethertype: int, data: bytes, now: int) -> None:
        """Send an answer."""
        if isinstance(neighbor, Station):
            self.network.bridging.send(neighbor, ethertype, data, now)
        else:
            self.network.send(neighbor, ethertype, data, now)

    def is_own(self, ip: bytes) -> bool:
        """Whether we answer for an address."""
        return any(ip == own for own, _ in self.network.addresses)

    def refresh(self, ip: bytes, sender: Peer | Station, now: int) -> None:
        """Whoever asks tells its own address: taken where we have asked for it, too."""
        if ip in self.neighbors or ip in self.pending:
            self.learn(ip, sender, now)

    def learn(self, ip: bytes, sender: Peer | Station, now: int) -> None:
        """Take an answer: to what was asked, or from the known owner again. Others cannot take an IP over.

        Who that is the address tells, that of the bridge for what is behind it, whose MAC may change.
        """
        owner = (int(sender.address), sender.mac if isinstance(sender, Station) else 0)
        known = self.neighbors.get(ip)
        if ip not in self.pending and (known is None or known[0][0] != owner[0]):
            return
        self.neighbors.pop(ip, None)
        if len(self.neighbors) >= MAX_NEIGHBORS:
            del self.neighbors[next(iter(self.neighbors))]
        self.neighbors[ip] = (owner, now)
        if ip in self.pending:
            self.finished(ip, owner, now)

    def finished(self, ip: bytes, owner: Owner, now: int) -> None:
        """Tell the sink who the owner is."""
        waiting = self.pending[ip]
        neighbor = self.neighbor(owner)
        if neighbor is None:
            self.await_identity(waiting, owner, now)
            return
        del self.pending[ip]
        if not waiting.silent:
            self.network.sink.resolved(ip, neighbor, now)

    def forget(self, address: int) -> None:
        """A member is gone: its addresses are asked for anew."""
        for ip in [ip for ip, (owner, _) in self.neighbors.items() if owner[0] == address]:
            del self.neighbors[ip]


def shares(a: bytes, b: bytes, bits: int) -> bool:
    """Whether two addresses of 16 bytes have that many leading bits in common."""
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")) >> (128 - bits) == 0
