"""WHOIS both ways, and the packets that wait for an identity or a path (PROTOCOL-VL1 5.4, 4.3)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from .._core.armor import SessionKey
from .._core.endpoint import Endpoint
from ..errors import IdentityError
from ..identity.identity import Identity
from ..wire.verbs import Verb
from ..wire.whois import OkWhois
from ..wire.whois import Whois as WhoisBody
from . import reasons
from .jobs import Job
from .packet import Packet
from .path import Path
from .timed import Timed
from .timing import NEVER, QUEUE_TIMEOUT, WHOIS_GATE, WHOIS_RETRY

if TYPE_CHECKING:
    from .context import Context, OnSent

MAX_ASKED = 16  # addresses in one WHOIS
MAX_ANSWERED = 64
ALTERNATE = 1  # unanswered requests after which other roots are asked in turn


class Wanted:
    """An address whose identity was asked for."""

    __slots__ = ("asked", "hint", "since", "tries")

    def __init__(self, now: int) -> None:
        self.since = now
        self.asked = 0
        self.tries = 0
        self.hint: tuple[int, Endpoint] | None = None


class Outgoing:
    """A packet that cannot leave yet."""

    __slots__ = ("address", "deadline", "on_sent", "payload", "verb")

    def __init__(
        self, address: int, verb: int, payload: bytes, on_sent: OnSent | None, deadline: int
    ) -> None:
        self.address = address
        self.verb = verb
        self.payload = payload
        self.on_sent = on_sent
        self.deadline = deadline


class Whois(Timed):
    """Asks roots for identities, each address again after 500 ms and for 5 s, and answers such questions.

    `incoming` holds datagrams from unknown sources, `outgoing` packets to addresses that are unknown or have
    no path yet; both are capped, first in first out, and last 5 s.
    """

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.wanted: dict[int, Wanted] = {}
        self.incoming: deque[tuple[int, int, bytes, Path]] = deque()
        self.outgoing: deque[Outgoing] = deque()
        self.last_ask = -WHOIS_GATE

    # -- what waits

    def hold_in(self, source: int, data: bytes, path: Path, now: int) -> None:
        """Keep a datagram from an unknown source until its identity is there."""
        if len(self.incoming) >= self.context.config.max_waiting:
            self.incoming.popleft()
            self.context.stats.drop(reasons.QUEUE_FULL)
        self.incoming.append((now + QUEUE_TIMEOUT, source, data, path))
        self.want(source, now)

    def hold_out(self, address: int, verb: int, payload: bytes, on_sent: OnSent | None, now: int) -> None:
        """Keep a packet until its destination is known and reachable."""
        if len(self.outgoing) >= self.context.config.max_waiting:
            self.outgoing.popleft()
            self.context.stats.drop(reasons.QUEUE_FULL)
        self.outgoing.append(Outgoing(address, verb, payload, on_sent, now + QUEUE_TIMEOUT))
        self.due = min(self.due, now + WHOIS_RETRY)
        self.want(address, now)

    def arrived(self, address: int, now: int) -> None:
        """An identity is known now: let what waited for it go on."""
        wanted = self.wanted.pop(address, None)
        peer = self.context.topology.peers.get(address)
        if wanted is not None and wanted.hint is not None and peer is not None:
            socket, endpoint = wanted.hint
            if self.context.usable(peer, endpoint):
                sockets = self.context.sockets_like(socket, endpoint)
                self.context.probing.start(peer, endpoint, sockets, now)
        self.release_out(address, now)
        ready = [item for item in self.incoming if item[1] == address]
        if ready:
            self.incoming = deque(item for item in self.incoming if item[1] != address)
            for _, _, data, path in ready:
                self.context.inject(data, path, now)

    def release_out(self, address: int | None, now: int) -> None:
        """Send what waited for this address, or for any, if it can leave now."""
        if not self.outgoing:
            return
        waiting, self.outgoing = self.outgoing, deque()
        for item in waiting:
            other = address is not None and item.address != address
            if other or not self.send(item, now):
                self.outgoing.append(item)

    def send(self, item: Outgoing, now: int) -> bool:
        """Try to send one; False while it cannot leave."""
        peer = self.context.topology.peers.get(item.address)
        path = self.context.route(peer, now) if peer is not None else None
        if peer is None or path is None:
            return False
        packet_id = self.context.send_on(peer, path, item.verb, item.payload, now)
        if packet_id and item.on_sent is not None:
            item.on_sent(packet_id)
        return True

    def reachable(self, now: int) -> None:
        """A root can be reached: whatever waited for a relay or an answer goes on at once."""
        self.release_out(None, now)
        self.ask(now)

    # -- questions of ours

    def want(self, address: int, now: int) -> None:
        """Ask for an identity unless it is known or asked for."""
        known = address in self.context.topology.peers or address == self.context.address
        if known or address in self.wanted or address >> 32 == 0xFF or address == 0:
            return
        if len(self.wanted) >= self.context.config.max_waiting:
            del self.wanted[next(iter(self.wanted))]
            self.context.stats.drop(reasons.QUEUE_FULL)
        self.wanted[address] = Wanted(now)
        self.ask(now)

    def hint(self, address: int, socket: int, endpoint: Endpoint) -> None:
        """A root says where a peer is whose identity is still on its way: probe it there once it is known."""
        wanted = self.wanted.get(address)
        if wanted is not None:
            wanted.hint = (socket, endpoint)

    def ask(self, now: int) -> None:
        """Send the questions that are due, together, not more often than each 100 ms."""
        if now - self.last_ask < WHOIS_GATE:
            self.due = min(self.due, self.last_ask + WHOIS_GATE)
            return
        due = [
            a for a, wanted in self.wanted.items() if not wanted.asked or now - wanted.asked >= WHOIS_RETRY
        ]
        due = due[:MAX_ASKED]
        if due:
            self.due = min(self.due, now + WHOIS_RETRY)
            if self.ask_root(
                WhoisBody(tuple(due)).to_bytes(), max(self.wanted[address].tries for address in due), now
            ):
                self.last_ask = now
                for address in due:
                    self.wanted[address].asked = now
                    self.wanted[address].tries += 1

    def ask_root(self, payload: bytes, tries: int, now: int) -> bool:
        """One WHOIS to the best root, later to each in turn; False when none is reachable."""
        topology = self.context.topology
        root = topology.best_root(now)
        others = [other for other in topology.roots if other.best_path(now) is not None]
        if tries >= ALTERNATE and others:
            root = others[tries % len(others)]
        path = root.best_path(now) if root is not None else None
        if root is None or path is None:
            return False
        return self.context.send_on(root, path, Verb.WHOIS, payload, now) != 0

    def answered(self, packet: Packet, now: int) -> bool:
        """OK(WHOIS) from a root: the identities we want go to be validated (the reference trusts them)."""
        if not packet.peer.is_root:
            self.context.stats.drop(reasons.NOT_A_ROOT)
            return False
        for identity in OkWhois.parse(packet.payload).identities:
            self.introduce(identity)
        return True

    def introduce(self, data: bytes) -> None:
        """Have one identity of an answer validated, if it is one we want."""
        jobs = self.context.jobs
        try:
            identity = Identity.from_bytes(data)
            if identity.address not in self.wanted or jobs.find(data) is not None:
                return
            job = Job(identity, SessionKey(self.context.identity.agree(identity)))
        except IdentityError:
            self.context.stats.drop(reasons.INVALID_IDENTITY)
            return
        if not jobs.add(job):
            self.context.stats.drop(reasons.TOO_MANY_JOBS)

    # -- questions of others

    def receive(self, packet: Packet, now: int) -> bool:
        """Answer with the identities we know (nothing if none), and ask upstream for the others."""
        peer, context = packet.peer, self.context
        if not context.is_root:
            if peer.last_whois and now - peer.last_whois < WHOIS_GATE:
                context.stats.drop(reasons.GATED)
                return False
            peer.last_whois = now
        found = []
        for address in WhoisBody.parse(packet.payload).addresses[:MAX_ANSWERED]:
            known = context.topology.peers.get(address)
            if address == context.address:
                found.append(context.identity.to_bytes())
            elif known is not None:
                found.append(known.identity.to_bytes())
            else:
                self.want(address, now)
        if found:
            context.reply(packet, Verb.OK, OkWhois(tuple(found)).to_bytes(), now)
        return True

    # -- time

    def tick(self, now: int) -> None:
        """Ask again, give up what is 5 s old."""
        if now < self.due:
            return
        for address in [a for a, wanted in self.wanted.items() if now - wanted.since >= QUEUE_TIMEOUT]:
            del self.wanted[address]
        self.context.stats.add(reasons.WAITED_TOO_LONG, self.drop_old(now))
        self.release_out(None, now)
        self.due = now + WHOIS_RETRY if self.wanted or self.incoming or self.outgoing else NEVER
        self.ask(now)

    def drop_old(self, now: int) -> int:
        """Drop what has waited for 5 s; returns how much."""
        before = len(self.incoming) + len(self.outgoing)
        while self.incoming and now >= self.incoming[0][0]:
            self.incoming.popleft()
        while self.outgoing and now >= self.outgoing[0].deadline:
            self.outgoing.popleft()
        return before - len(self.incoming) - len(self.outgoing)
