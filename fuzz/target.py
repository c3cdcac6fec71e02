"""A node that is fuzzed: one of a recorded session, joined, listening, with connections open."""

from __future__ import annotations

import random
from itertools import islice
from typing import Any

from support.tables import excess

from fastzt._core.datagram_batch import DatagramBatch, TransmitBatch
from fastzt._core.endpoint import Endpoint, LocalSocket
from fastzt._core.slab import Slab
from fastzt.netstack.socket_table import ACCEPTABLE, READABLE
from fastzt.node.config import NodeConfig
from fastzt.node.core import Core
from fastzt.vl1.jobs import Job as IdentityJob
from fastzt.wire.verbs import Verb

from .seeds import Session

START = 1_000_000_000  # microseconds
PORT = 9993
ECHO, WEB, NAMES = 7, 8080, 5353
CALLS = 4
ROUTINE = (OSError, ValueError)  # what a user's own call may be answered with


class Fault(Exception):
    """What the target did that it must not do."""


class Target:
    """`index` says which node of the session; the first one is root and controller."""

    def __init__(self, session: Session, index: int, seed: int) -> None:
        self.session = session
        self.dice = random.Random(seed)
        self.identity = session.identities[index]
        self.others = [other for other in session.identities if other is not self.identity]
        self.now = START
        wall = session.start_ms + 30_000 - START // 1000
        config = NodeConfig(root=index == 0, controller=index == 0)
        self.core = Core(self.identity, session.planet, random.Random(seed).randbytes, wall, config)
        self.batch = DatagramBatch(Slab(1 << 20))
        self.out = TransmitBatch(Slab(1 << 20))
        self.calls: list[Any] = []
        self.accepted: dict[int, Any] = {}
        self.owned: list[tuple[int, bytes]] = []  # who has which address, ourselves apart
        for address, texts in session.assigned.items():
            if address != self.identity.address:
                self.owned += [(address, Endpoint.parse(text, 0).ip) for text in texts]
        self.known = {identity.to_bytes() for identity in session.identities}
        self.sent = 0
        self.join(index == 0)

    def join(self, controls: bool) -> None:
        """Sockets, peers, the network with what was known of it, and the services on it."""
        core, nwid = self.core, self.session.nwid
        local = [Endpoint.parse("10.30.5.10", PORT), Endpoint.parse("fd30:5::a", PORT)]
        core.sockets_changed([LocalSocket(i, endpoint) for i, endpoint in enumerate(local)], self.now)
        for other in self.others:
            core.switch.remember(other, 12, (1, 14, 1), [], self.now)
        if controls:
            self.control()
        core.join(nwid, self.now, self.session.configs.get(self.identity.address))
        for port in (ECHO, WEB):
            core.listen(nwid, None, port, 64, self.now)
        self.datagrams = core.udp(nwid, None, NAMES, self.now)
        self.settle()
        self.meet()

    def meet(self) -> None:
        """Know who has which address, as if ARP had told."""
        neighbors = self.core.network(self.session.nwid).resolution.neighbors
        for address, ip in self.owned:
            neighbors[ip] = ((address, 0), self.now)  # 0: behind no bridge

    def control(self) -> None:
        """The controller's record of the session's network, its members let in."""
        service, nwid = self.core.controller, self.session.nwid
        fields = {"private": True, "v4AssignMode": {"zt": True}, "v6AssignMode": {"rfc4193": True}}
        pool = [{"ipRangeStart": "10.147.20.1", "ipRangeEnd": "10.147.20.254"}]
        routes = [{"target": "10.147.20.0/24", "via": None}]
        record = service.create_network({**fields, "ipAssignmentPools": pool, "routes": routes}, self.now)
        name = f"{nwid:016x}"
        service.store.save(nwid, 0, {**record, "id": name, "nwid": name})
        for identity in self.session.identities:
            fields = {"authorized": True, "ipAssignments": self.session.assigned.get(identity.address, [])}
            service.update_member(nwid, identity.address, fields, self.now)

    # -- what the datagrams need to know

    def question(self, verb: int, address: int) -> tuple[int, int] | None:
        """A question that is open: its packet id and who was asked; of this verb and node if possible."""
        found = None
        for number, sent in islice(reversed(self.core.switch.context.replies.sent.items()), 48):
            found = found or (number, sent.address)
            if sent.verb == verb and sent.address == address:
                return number, address
        return found

    def call(self) -> Any:
        """One of the connections that the node has opened."""
        return self.dice.choice(self.calls) if self.calls else None

    # -- turns

    def receive(self, datagrams: list[tuple[bytes, int, Endpoint, int]]) -> None:
        """Let datagrams (bytes, local socket, source, stride) arrive together, then let time pass."""
        offset = 0
        view = self.batch.slab.view
        for data, socket, source, stride in datagrams:
            n = len(data)
            view[offset : offset + n] = data
            self.batch.add(offset, n, stride, socket, source)
            offset += n
        self.core.receive(self.batch, self.now)
        self.batch.clear()
        if self.core.switch.bugs.last is not None:
            raise Fault("receive survived a bug of ours") from self.core.switch.bugs.last
        self.settle()
        self.now += 1_000 + int(self.dice.random() ** 4 * 400_000)
        if self.core.deadline() <= self.now:
            self.core.tick(self.now)
            self.settle()

    def settle(self) -> None:
        """A driver's and a program's part: jobs, sending, sockets, events."""
        core = self.core
        for job in core.jobs():
            if isinstance(job, IdentityJob):
                job.valid = job.identity.to_bytes() in self.known
            else:
                job.run()
            core.finish(job, self.now)
        for number, bits in core.ready():
            self.look(number, bits)
        for _ in range(64):
            more = core.transmit(self.out, self.now)
            sent = self.out.count
            self.sent += sent
            self.out.clear()
            if not more or not sent:
                break
        core.events()

    def look(self, number: int, bits: int) -> None:
        """What a program does with a socket that changed."""
        owner = self.core.sockets.get(number)
        if bits & ACCEPTABLE and owner is not None:
            while (accepted := owner.accept()) is not None:
                self.accepted[accepted.id] = accepted
        elif bits & READABLE and owner is self.datagrams:
            while owner.receive() is not None:
                pass

    def work(self) -> None:
        """Now and then: read, write, hang up, call anew."""
        for connection in [*self.calls, *self.accepted.values()]:
            self.use(connection)
        self.calls = [call for call in self.calls if not call.error]
        self.accepted = {number: c for number, c in self.accepted.items() if not c.error and not c.eof}
        while len(self.accepted) > 64:
            self.accepted.pop(next(iter(self.accepted))).abort(self.now)
        self.meet()
        while len(self.calls) < CALLS:
            _, ip = self.dice.choice(self.owned)
            try:
                self.calls.append(self.core.connect(self.session.nwid, ip, WEB, self.now))
            except ROUTINE:
                break
        self.settle()

    def use(self, connection: Any) -> None:
        """One connection."""
        window = bytearray(4096)
        try:
            if connection.readable:
                connection.read_into(window, self.now)
            if connection.connected and self.dice.random() < 0.3:
                connection.write(bytes(1 + int(self.dice.random() * 3000)), self.now)
            draw = self.dice.random()
            if draw < 0.01:
                connection.abort(self.now)
            elif draw < 0.03:
                connection.shutdown_write(self.now)
            elif connection.eof:
                connection.close(self.now)
        except ROUTINE:
            connection.abort(self.now)

    def check(self) -> None:
        """No table is above its cap."""
        above = excess(self.core)
        if above:
            raise Fault(f"above their caps: {above}")

    @property
    def counters(self) -> dict[str, int]:
        """What was dropped, by reason."""
        found: dict[str, int] = self.core.stats.as_dict()
        return found

    @property
    def is_config_held(self) -> bool:
        """Whether the network still works."""
        return bool(self.core.is_usable(self.session.nwid))


ANSWERS = (Verb.OK, Verb.ERROR)
