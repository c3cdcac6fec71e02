"""Members of two networks behind three roots, whose hosts fail, restart, move and disagree on the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from fastzt._core.endpoint import Endpoint
from fastzt.identity.identity import Identity
from fastzt.identity.worlds import sign_world
from fastzt.netstack.echo import Pinger
from fastzt.netstack.socket_table import ACCEPTABLE, READABLE
from fastzt.node.config import NodeConfig
from fastzt.node.core import Core
from fastzt.node.peer_record import PeerRecord
from fastzt.wire.world import PLANET, Root, World

from .world import MS, PORT, SECOND, Clock, Host, Link, Net

ROOTS = 3
ROUGH = Link(loss=0.02, delay=15 * MS, jitter=10 * MS, reorder=0.01, duplicate=0.005)
PATIENCE = 60 * SECOND  # what a program waits for an answer
ECHO_PORT = 7


class Program:
    """What runs on a host: an echo server on each network, and the clients' ends of its calls."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.listeners: dict[int, Any] = {}  # by socket id
        self.serving: dict[int, Any] = {}
        self.calls: dict[int, Call] = {}
        host.application = self.turn

    def listen(self, nwid: int, now: int) -> None:
        """Serve a network."""
        listener = self.host.core.listen(nwid, None, ECHO_PORT, 64, now)
        self.listeners[listener.id] = listener

    def turn(self, now: int) -> bool:
        """Look at the sockets that changed, if there are any."""
        if not self.host.bits:
            return False
        while self.host.bits:
            number, bits = self.host.bits.popitem()
            if bits & ACCEPTABLE and number in self.listeners:
                while (accepted := self.listeners[number].accept()) is not None:
                    self.serving[accepted.id] = accepted
                    self.answer(accepted, now)
            elif number in self.serving:
                self.answer(self.serving[number], now)
            elif bits & READABLE and number in self.calls:
                self.calls[number].read(now)
        return True

    def answer(self, connection: Any, now: int) -> None:
        """Send back what came."""
        window = bytearray(8192)
        while not connection.error and connection.readable:
            n = connection.read_into(window, now)
            connection.write(memoryview(window)[:n], now)
        if connection.error or connection.eof:
            del self.serving[connection.id]
            connection.close(now)


class Call:
    """One pair's traffic: a request of some KiB every half minute, over one connection while it lasts."""

    def __init__(self, town: Town, client: Host, server: Host, nwid: int) -> None:
        self.town, self.client, self.server, self.nwid = town, client, server, nwid
        self.near: Any = None
        self.asked = self.answered = self.total = self.connects = 0
        self.since = 0
        self.later()

    def later(self) -> None:
        """Make the next step in 10 to 50 s."""
        self.town.at(self.town.now + int(self.town.random.uniform(10, 50) * SECOND), self.step)

    def step(self) -> None:
        """Ask, or connect anew where that has failed."""
        self.later()
        if not self.client.down and self.client.core.has_network(self.nwid):
            self.client.act(self.proceed)

    def proceed(self, now: int) -> None:
        """By the client's clock."""
        late = self.near is not None and self.asked > self.answered and now - self.since > PATIENCE
        if self.near is not None and (self.near.error or late):
            self.end(now)
        if self.near is None:
            self.connect(now)
        elif self.near.connected and self.asked == self.answered:
            self.asked += self.near.write(
                self.town.random.randbytes(self.town.random.randrange(1, 4096)), now
            )
            self.since = now

    def connect(self, now: int) -> None:
        """Call the server, whose address a user would know."""
        target = self.town.addresses.get((self.server.name, self.nwid))
        if target is None or not self.client.core.is_usable(self.nwid):
            return
        self.near = self.client.core.connect(self.nwid, target, ECHO_PORT, now)
        self.asked = self.answered = 0
        self.since = now
        self.connects += 1
        self.town.programs[self.client.name].calls[self.near.id] = self

    def end(self, now: int) -> None:
        """Hang up."""
        self.town.programs[self.client.name].calls.pop(self.near.id, None)
        self.near.abort(now)
        self.near = None

    def read(self, now: int) -> None:
        """Take the answer."""
        window = bytearray(8192)
        while not self.near.error and self.near.readable:
            n = self.near.read_into(window, now)
            self.answered += n
            self.total += n


class Town(Net):
    """`roots`, a `controller` and `size` members; the two `networks` share a quarter of them."""

    def __init__(self, seed: int, size: int) -> None:
        super().__init__(seed, ROUGH)
        self.roots = [self.add(f"root{i}", root=True) for i in range(ROOTS)]
        self.controller = self.add("controller", controller=True)
        self.members = [self.add(f"m{i}") for i in range(size)]
        self.programs = {host.name: Program(host) for host in self.members}
        share = size * 5 // 8
        self.networks = {
            self.make_network("10.121.15"): self.members[:share],
            self.make_network("10.122.15"): self.members[-share:],
        }
        self.addresses: dict[tuple[str, int], bytes] = {}
        self.calls: list[Call] = []
        for nwid, members in self.networks.items():
            for host in members:
                self.service.authorize(nwid, host.core.address, self.controller.now)
                self.join(host, nwid)

    @property
    def service(self) -> Any:
        """The controller role."""
        return self.controller.core.controller

    def make_identities(self) -> list[Identity]:
        """Committed throw-away identities with their secrets."""
        text = (Path(__file__).parent / "identities.txt").read_text()
        return [Identity.parse(line) for line in text.splitlines()]

    def make_planet(self) -> World:
        """A planet of three roots, at the first addresses."""
        roots = tuple(
            Root.of(identity.to_bytes(), [Endpoint.parse(f"198.51.100.{i + 1}", PORT)])
            for i, identity in enumerate(self.identities[:ROOTS])
        )
        return sign_world(World(PLANET, 1, 1, bytes(64), roots), self.random.randbytes(32))

    def make_clock(self) -> Clock:
        """Ahead or behind by up to 90 s, and up to 200 ppm fast or slow."""
        return Clock(self.random.randrange(180 * SECOND) - 90 * SECOND, self.random.randrange(-200, 200))

    def make_network(self, prefix: str) -> int:
        """A private network of the controller."""
        fields = {
            "name": prefix,
            "private": True,
            "ipAssignmentPools": [{"ipRangeStart": f"{prefix}.1", "ipRangeEnd": f"{prefix}.254"}],
            "routes": [{"target": f"{prefix}.0/24", "via": None}],
            "v4AssignMode": {"zt": True},
        }
        return int(self.service.create_network(fields, self.controller.now)["id"], 16)

    def join(self, host: Host, nwid: int, saved: bytes | None = None) -> None:
        """Have a member join and serve."""
        host.act(lambda now: host.core.join(nwid, now, saved))
        host.act(lambda now: self.programs[host.name].listen(nwid, now))

    def networks_of(self, host: Host) -> list[int]:
        """The networks that a member belongs to."""
        return [nwid for nwid, members in self.networks.items() if host in members]

    def pairs(self) -> Iterator[tuple[int, Host, Host]]:
        """Every two members of a network."""
        for nwid, members in self.networks.items():
            for a, b in combinations(members, 2):
                yield nwid, a, b

    def is_settled(self) -> bool:
        """Whether every member is configured; notes the addresses."""
        found = {}
        for nwid, members in self.networks.items():
            for host in members:
                if not host.core.has_network(nwid) or not host.core.is_usable(nwid):
                    return False
                found[host.name, nwid] = host.core.network(nwid).addresses[0][0]
        self.addresses = found
        return True

    def begin_calls(self, share: float) -> None:
        """Traffic on this share of the pairs."""
        pairs = list(self.pairs())
        for nwid, a, b in self.random.sample(pairs, round(len(pairs) * share)):
            client, server = (a, b) if self.random.random() < 0.5 else (b, a)
            self.calls.append(Call(self, client, server, nwid))

    def ping_all(self, limit: float) -> list[tuple[str, str]]:
        """An echo from one to the other of each pair, asked again each 2 s; the pairs that stayed silent."""
        silent: dict[tuple[int, str, str], tuple[Host, Pinger]] = {}
        for nwid, a, b in self.pairs():
            silent[nwid, a.name, b.name] = a, a.core.pinger(nwid, self.addresses[b.name, nwid])
        end = self.now + int(limit * SECOND)
        while silent and self.now < end:
            for host, pinger in list(silent.values()):
                host.act(lambda now, pinger=pinger: pinger.send(56, now))
                self.run_for(0.002)
            self.run_for(1)
            for key, (host, pinger) in list(silent.items()):
                outcomes = iter(pinger.take, None)
                if any(outcome.error == 0 for outcome in outcomes):
                    host.act(pinger.close)
                    del silent[key]
        return [(a, b) for _, a, b in silent]


class Churn:
    """What goes wrong in a town: one mishap each 10 to 30 s, and it passes within minutes."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.counts: dict[str, int] = {}
        self.troubled: set[str] = set()
        self.moves = 0
        self.going = True
        self.later()

    def later(self) -> None:
        """Plan the next mishap."""
        self.town.at(self.town.now + int(self.town.random.uniform(10, 30) * SECOND), self.strike)

    def strike(self) -> None:
        """Let something happen to a host that nothing else is wrong with."""
        if not self.going:
            return
        self.later()
        dice = self.town.random
        mishap, hosts = dice.choices(
            [
                (self.outage, self.town.members),
                (self.restart, self.town.members),
                (self.move, self.town.members),
                (self.leave, self.town.members),
                (self.expel, self.town.members),
                (self.outage, self.town.roots),
                (self.outage, [self.town.controller]),
            ],
            [6, 6, 6, 3, 3, 2, 1],
        )[0]
        fit = [host for host in hosts if host.name not in self.troubled]
        if fit:
            name = mishap.__name__ + (" of a member" if hosts is self.town.members else " of a server")
            self.counts[name] = self.counts.get(name, 0) + 1
            mishap(dice.choice(fit))

    def mend(self, host: Host, least: float, most: float, run: Callable[[], None]) -> None:
        """Put a host right again after a time."""
        self.troubled.add(host.name)

        def mended() -> None:
            self.troubled.discard(host.name)
            run()

        self.town.at(self.town.now + int(self.town.random.uniform(least, most) * SECOND), mended)

    def outage(self, host: Host) -> None:
        """Its network is gone for a while."""
        host.down = True

        def back() -> None:
            host.down = False

        self.mend(host, 5, 200, back)

    def restart(self, host: Host) -> None:
        """It ends without a word, and begins anew with what its store kept."""
        host.down = True
        self.mend(host, 1, 90, lambda: self.reboot(host))

    def reboot(self, host: Host) -> None:
        """A new node with the old identity, peers and configs."""
        town, old = self.town, host.core
        records = [record for peer in old.switch.peers() if (record := old.record_of(peer.address))]
        configs = {nwid: old.network(nwid).config_bytes or None for nwid in old.network_ids()}
        for call in town.calls:
            if call.client is host:
                call.near = None
        host.core = Core(
            old.identity, town.planet, town.entropy(), old.switch.context.wall_offset_ms, NodeConfig()
        )
        host.arrived.clear()
        host.batch.clear()
        host.bits.clear()
        host.down = False
        host.core.sockets_changed(host.sockets(), host.now)
        town.programs[host.name] = Program(host)
        for record in records:
            host.core.remember(PeerRecord.parse(record.to_bytes()), host.now)
        for nwid, config in configs.items():
            town.join(host, nwid, config)

    def move(self, host: Host) -> None:
        """It has another address from now on."""
        self.moves += 1
        place = Endpoint.parse(f"203.0.{113 + self.moves // 250}.{self.moves % 250 + 1}", PORT)
        del self.town.by_endpoint[host.endpoint]
        host.endpoint = place
        self.town.by_endpoint[place] = host
        host.act(lambda now: host.core.surroundings_changed([place], [], now))

    def leave(self, host: Host) -> None:
        """It leaves a network, and joins it again."""
        nwid = self.town.random.choice(self.town.networks_of(host))
        host.act(lambda now: host.core.leave(nwid, now))
        self.mend(host, 10, 120, lambda: self.town.join(host, nwid))

    def expel(self, host: Host) -> None:
        """The controller takes its authorization, and gives it back."""
        nwid = self.town.random.choice(self.town.networks_of(host))
        town, address = self.town, host.core.address

        def authorize(authorized: bool) -> None:
            town.controller.act(lambda now: town.service.authorize(nwid, address, now, authorized))

        authorize(False)
        self.mend(host, 10, 400, lambda: authorize(True))
