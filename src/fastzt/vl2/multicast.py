"""Multicast: own subscriptions, and frames to groups, of one network (PROTOCOL-VL2 6).

Replication is the sender's work, recipient by recipient; roots and the controller only tell who listens.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ..wire.address import ALL_NODES_MAC, BROADCAST_MAC, controller_of, is_reserved, resolution_group
from ..wire.multicast import Gather, Like, MulticastFrame, encode_likes
from ..wire.verbs import Verb
from . import reasons
from .claims import NO_CLAIMS
from .directory import Group

if TYPE_CHECKING:
    from ..vl1.peer import Peer
    from .member import Member
    from .network import Network

SECOND = 1_000_000
ANNOUNCE_PERIOD = 60 * SECOND
GATHER_DELAY = 60 * SECOND  # between gathers of a group with known members
TRANSMIT_TIMEOUT = 5 * SECOND
MAX_QUEUED = 32  # frames of one group
MAX_GROUPS = 256  # with frames queued, or gathered lately
MAX_GATHER_TARGETS = 16
MAX_LIKES = 512  # records in one packet
MAX_JOINED = 256  # groups that sockets have joined
NEVER = 1 << 62
ETHERTYPE_ARP = 0x0806
DROP, REDIRECT = 1, 4  # evaluator


class Queued:
    """One frame that goes to every listener learned until it expires, at most `left` more."""

    __slots__ = ("data", "ethertype", "expires", "gather_limit", "left", "sent")

    def __init__(self, ethertype: int, data: bytes, left: int, gather_limit: int, expires: int) -> None:
        self.ethertype = ethertype
        self.data = data
        self.left = left
        self.gather_limit = gather_limit
        self.expires = expires
        self.sent: set[int] = set()


class Multicast:
    """See the module. `groups` are our subscriptions as (MAC, ADI), those in `joined` for so many sockets."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.groups: set[tuple[int, int]] = set()
        self.joined: dict[tuple[int, int], int] = {}
        self.announced_at = -NEVER
        self.queues: dict[Group, deque[Queued]] = {}
        self.gathered_at: dict[Group, int] = {}

    # subscriptions

    def subscribe(self, now: int) -> None:
        """Listen to the groups of the addresses held now; tell at once what is new."""
        network = self.network
        groups = {resolution_group(ip) for ip, _ in network.addresses}
        groups.add((ALL_NODES_MAC, 0))
        if network.config is not None and network.config.enable_broadcast:
            groups.add((BROADCAST_MAC, 0))
        groups.update(self.joined)
        new = groups - self.groups
        if not self.groups:
            self.announced_at = now
        self.groups = groups
        if new:
            for address in self.keepers():
                self.tell(address, new, now)

    def join(self, mac: int, adi: int, now: int) -> bool:
        """A socket joins a group; False when too many groups are joined."""
        if (mac, adi) not in self.joined and len(self.joined) >= MAX_JOINED:
            return False
        self.joined[mac, adi] = self.joined.get((mac, adi), 0) + 1
        self.subscribe(now)
        return True

    def leave(self, mac: int, adi: int, now: int) -> None:
        """A socket leaves a group. Nobody is told: what was announced lapses."""
        left = self.joined.pop((mac, adi), 0) - 1
        if left > 0:
            self.joined[mac, adi] = left
        elif left == 0:
            self.subscribe(now)

    def is_subscribed(self, mac: int, adi: int) -> bool:
        """Whether we listen to a group."""
        return (mac, adi) in self.groups

    def keepers(self) -> list[int]:
        """Who is told of subscriptions and asked for listeners: controller, roots, anchors."""
        network = self.network
        found = [root.address for root in network.switch.roots()]
        controller = controller_of(network.nwid)
        if controller not in found and controller != network.me and not is_reserved(controller):
            found.append(controller)
        specialists = network.config.specialists if network.config is not None else ()
        for s in specialists:
            wanted = s.is_anchor or s.is_multicast_replicator
            if wanted and s.address not in found and s.address != network.me:
                found.append(s.address)
        return found[:MAX_GATHER_TARGETS]

    def tell(self, address: int, groups: set[tuple[int, int]], now: int) -> None:
        """Send MULTICAST_LIKE."""
        likes = [Like(self.network.nwid, mac, adi) for mac, adi in sorted(groups)[:MAX_LIKES]]
        self.network.switch.send(address, Verb.MULTICAST_LIKE, encode_likes(likes), now, compress=True)

    def greet(self, peer: Peer, member: Member, now: int) -> None:
        """Tell a member that has passed the gate what we listen to, once a minute (4.10)."""
        if now - member.liked_at >= ANNOUNCE_PERIOD and self.groups:
            member.liked_at = now
            self.tell(peer.address, self.groups, now)

    def announce(self, now: int) -> None:
        """Tell everybody who is to know what we listen to."""
        if self.groups:
            self.announced_at = now
            for address in self.keepers():
                self.tell(address, self.groups, now)

    # time

    def due_at(self) -> int:
        """When `tick` has something to do (microseconds)."""
        due = min((queue[0].expires for queue in self.queues.values()), default=NEVER)
        return min(due, self.announced_at + ANNOUNCE_PERIOD) if self.groups else due

    def tick(self, now: int) -> None:
        """Announce subscriptions every minute, drop frames that waited for listeners too long."""
        if now - self.announced_at >= ANNOUNCE_PERIOD:
            self.announce(now)
        for group, queue in list(self.queues.items()):
            while queue and queue[0].expires <= now:
                queue.popleft()
            if not queue:
                del self.queues[group]

    # sending

    def send(self, mac: int, adi: int, ethertype: int, data: bytes, now: int) -> bool:
        """A frame of ours to a group; False when rules or the config forbid it."""
        network = self.network
        limit = network.multicast_limit
        if not network.has_config or not limit or len(data) > network.scratch.size:
            network.stats.drop(reasons.MULTICAST_OFF)
            return False
        if not self.passes_rules(mac, ethertype, data, now):
            return False
        group = (network.nwid, mac, adi)
        known = network.owner.directory.listeners(group, now)
        known = [address for address in known if address != network.me]
        if len(known) >= limit:
            frame = Queued(ethertype, data, limit, 1, now)
        else:
            frame = Queued(ethertype, data, limit, limit - len(known) + 1, now + TRANSMIT_TIMEOUT)
            self.enqueue(group, frame)
            self.gather(group, frame.gather_limit, bool(known), now)
        for address in [*sorted(network.bridges - {network.me}), *known]:
            self.send_to(address, group, frame, now)
        network.owner.wake(self.due_at())
        return True

    def passes_rules(self, mac: int, ethertype: int, data: bytes, now: int) -> bool:
        """The outbound rules once, with no destination (7.3)."""
        network = self.network
        network.scratch.view[: len(data)] = data
        outcome = network.evaluate_out(0, mac, NO_CLAIMS, network.scratch, 0, len(data), ethertype)
        if outcome <= DROP:
            network.stats.drop(reasons.FILTERED_OUT)
            return False
        network.divert(outcome, now)
        return not network.context.redirect_to

    def enqueue(self, group: Group, frame: Queued) -> None:
        """Keep a frame for listeners that are learned soon; the oldest of the group gives way."""
        queue = self.queues.get(group)
        if queue is None:
            if len(self.queues) >= MAX_GROUPS:
                del self.queues[next(iter(self.queues))]
                self.network.stats.drop(reasons.QUEUE_FULL)
            queue = self.queues[group] = deque()
        if len(queue) >= MAX_QUEUED:
            queue.popleft()
            self.network.stats.drop(reasons.QUEUE_FULL)
        queue.append(frame)

    def gather(self, group: Group, limit: int, known: bool, now: int) -> None:
        """Ask who listens: always while nobody is known, else once a minute."""
        if known and now - self.gathered_at.get(group, -NEVER) < GATHER_DELAY:
            return
        self.gathered_at.pop(group, None)
        if len(self.gathered_at) >= MAX_GROUPS:
            del self.gathered_at[next(iter(self.gathered_at))]
        self.gathered_at[group] = now
        network = self.network
        request = Gather(network.nwid, group[1], group[2], limit, network.own_com).to_bytes()
        for address in self.keepers():
            network.switch.send(address, Verb.MULTICAST_GATHER, request, now)

    def learned(self, group: Group, address: int, now: int) -> None:
        """A listener came to be known: it gets the frames that are queued for its group."""
        if address == self.network.me:
            return
        for frame in self.queues.get(group, ()):
            self.send_to(address, group, frame, now)

    def send_to(self, address: int, group: Group, frame: Queued, now: int) -> None:
        """One copy to one listener: rules toward it, our credentials, the frame."""
        network = self.network
        if frame.left <= 0 or address in frame.sent or address == network.me:
            return
        frame.sent.add(address)
        member = network.membership.member(address)
        scratch = network.scratch
        scratch.view[: len(frame.data)] = frame.data
        claims = network.claims_at(member)
        n = len(frame.data)
        outcome = network.evaluate_out(address, group[1], claims, scratch, 0, n, frame.ethertype)
        if outcome <= DROP:
            return
        if outcome == REDIRECT:
            network.redirect(now)
            return
        frame.left -= 1
        network.credentials.push(address, member, now)
        packet = MulticastFrame(*group, frame.ethertype, frame.data, frame.gather_limit)
        compress = network.config is None or not network.config.disable_compression
        network.switch.send(address, Verb.MULTICAST_FRAME, packet.to_bytes(), now, compress=compress)
