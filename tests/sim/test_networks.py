"""What a controller changes while members are connected: addresses, routes, rules, authorization."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from netstack.wire import Tcp

from fastzt.netstack.tcp.connection import Connection
from fastzt.vl2.events import AddressChanged, ConfigChanged, Denied, Joined, Revoked
from fastzt.vl2.status import Status
from fastzt.wire.rules import ACCEPT, DROP, Kind, Rule

from .lab import Lab
from .world import SECOND, Host

WINDOW = 300  # seconds that certificates may lie apart, the least that a controller issues
RST, ACK = 0x04, 0x10


class Flow:
    """A transfer that never ends: the writer keeps the pipe full, the reader takes all there is."""

    def __init__(self, lab: Lab, writer: Host, reader: Host) -> None:
        self.lab = lab
        self.writer, self.reader = writer, reader
        self.near, self.far = lab.connect(writer, reader)
        self.received = 0
        self.window = bytearray(1 << 16)

    def turn(self) -> None:
        """Write and read what is possible now."""
        self.writer.act(lambda now: self.near.write(b"x" * 2000, now) if not self.near.error else 0)
        while self.far.readable:
            self.received += self.reader.act(lambda now: self.far.read_into(self.window, now))

    def run(self, seconds: float, step: float = 0.25) -> int:
        """Keep it going; how many bytes came."""
        before = self.received
        end = self.lab.now + int(seconds * SECOND)
        while self.lab.now < end:
            self.turn()
            self.lab.run_for(step)
        self.turn()
        return self.received - before


def edit(lab: Lab, action: Callable[[Any, int], Any]) -> Any:
    """Something that the controller's owner does."""
    return lab.controller.act(lambda now: action(lab.controller.core.controller, now))


def authorize(lab: Lab, host: Host, authorized: bool) -> None:
    edit(lab, lambda service, now: service.authorize(lab.nwid, host.core.address, now, authorized))


def test_a_member_deauthorized_during_a_transfer_is_cut_off_at_once() -> None:
    lab = Lab()
    a, b = lab.members
    lab.join(a, b)
    flow = Flow(lab, a, b)
    assert flow.run(2) > 0
    begin = lab.now
    authorize(lab, a, False)
    lab.run_until(lambda: b.seen(Revoked), 2)
    assert [event.address for event in b.seen(Revoked)] == [a.core.address]
    lab.run_until(lambda: a.seen(Denied), 5)
    assert lab.now - begin < 5 * SECOND
    flow.run(1)  # what was on its way
    assert flow.run(5) == 0
    near = a.act(lambda now: a.core.connect(lab.nwid, lab.ip(b), 80, now))
    lab.run_until(lambda: near.error == errno.EHOSTUNREACH, 5)


def test_a_member_let_in_again_goes_on() -> None:
    lab = Lab()
    a, b = lab.members
    lab.join(a, b)
    flow = Flow(lab, a, b)
    flow.run(2)
    authorize(lab, a, False)
    flow.run(3)
    assert flow.run(2) == 0
    authorize(lab, a, True)
    lab.run_until(lambda: len(a.seen(Joined)) == 2, 10)
    flow.run(20)
    assert flow.near.error == flow.far.error == 0
    assert flow.run(3) > 0


def test_a_member_whose_revocation_is_lost_is_cut_off_when_its_certificate_is_old() -> None:
    lab = Lab()
    a, b = lab.members
    edit(lab, lambda s, now: s.update_network(lab.nwid, {"certificateTimeoutWindowSize": WINDOW * 1000}, now))
    lab.join(a, b)
    flow = Flow(lab, a, b)
    flow.run(2)
    b.down = True
    authorize(lab, a, False)
    lab.run_for(2)
    b.down = False
    assert flow.run(WINDOW // 2, 1) > 0  # nobody has told b
    assert not b.seen(Revoked)
    flow.run(WINDOW // 2 + 75, 1)  # b's own certificate is renewed once a minute
    assert flow.run(10) == 0
    assert flow.far.error == 0


def test_a_live_address_change() -> None:
    lab = Lab()
    a, b = lab.members
    lab.join(a, b)
    lab.connect(a, b)
    old = lab.ip(b)
    assignment = {"ipAssignments": ["10.121.15.200"]}
    edit(lab, lambda s, now: s.update_member(lab.nwid, b.core.address, assignment, now))
    lab.run_until(lambda: len(b.seen(AddressChanged)) == 2, 5)
    new = lab.ip(b)
    assert new[12:] == bytes([10, 121, 15, 200])
    [change] = b.seen(ConfigChanged)[-1:]
    assert "addresses" in change.changed
    assert "rules" not in change.changed
    assert b.core.network(lab.nwid).addresses == ((new, 24),)
    fresh = a.act(lambda now: a.core.connect(lab.nwid, new, 80, now))
    lab.run_until(lambda: fresh.connected, 10)
    assert fresh.peer.address == b.core.address
    stale = a.act(lambda now: a.core.connect(lab.nwid, old, 80, now))
    lab.run_for(20)
    assert not stale.connected


def test_flows_of_a_lost_address_end() -> None:
    lab = Lab()
    a, b = lab.members
    lab.join(a, b)
    _, far = lab.connect(a, b)
    edit(
        lab,
        lambda s, now: s.update_member(lab.nwid, b.core.address, {"ipAssignments": ["10.121.15.201"]}, now),
    )
    lab.run_until(lambda: far.error, 5)
    assert far.error == errno.ENETDOWN


def test_routes_come_and_go_without_an_address_change() -> None:
    lab = Lab(members="abc")
    a, b, c = lab.members
    lab.join(a, b, c)
    far_away = bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 7])
    assert not a.core.networks_with(far_away)
    gateway = lab.ip(b)
    routes = [
        {"target": "10.121.15.0/24", "via": None},
        {"target": "0.0.0.0/0", "via": ".".join(map(str, gateway[12:]))},
    ]
    edit(lab, lambda s, now: s.update_network(lab.nwid, {"routes": routes}, now))
    lab.run_until(lambda: a.core.networks_with(far_away), 5)
    assert "routes" in a.seen(ConfigChanged)[-1].changed
    assert len(a.seen(AddressChanged)) == 1
    # b is the gateway itself: it has no way out of its own network.
    assert not b.core.networks_with(far_away)
    flow = a.act(lambda now: a.core.connect(lab.nwid, far_away, 80, now))
    lab.run_until(lambda: flow.peer is not None, 5)
    assert flow.peer.address == b.core.address
    edit(lab, lambda s, now: s.update_network(lab.nwid, {"routes": routes[:1]}, now))
    lab.run_until(lambda: not a.core.networks_with(far_away), 5)


def test_a_rule_change_ends_an_open_flow() -> None:
    lab = Lab()
    a, b = lab.members
    lab.join(a, b)
    flow = Flow(lab, a, b)
    assert flow.run(2) > 0
    no_http = [Rule(Kind.MATCH_IP_DEST_PORT_RANGE, (80, 80)), DROP, ACCEPT]
    rules = {"rules": [rule.to_json() for rule in no_http]}
    edit(lab, lambda s, now: s.update_network(lab.nwid, rules, now))
    lab.run_until(lambda: b.seen(ConfigChanged)[-1].changed == {"rules"}, 5)
    flow.run(1)
    assert flow.run(5) == 0
    open_again = {"rules": [ACCEPT.to_json()]}
    edit(lab, lambda s, now: s.update_network(lab.nwid, open_again, now))
    assert flow.run(30) > 0


def test_a_smaller_mtu_is_kept_to() -> None:
    lab = Lab()
    a, b = lab.members
    lab.join(a, b)
    network = a.core.network(lab.nwid)
    flow = Flow(lab, a, b)
    flow.run(1)
    before = network.room(flow.near.peer, lab.now)
    edit(lab, lambda s, now: s.update_network(lab.nwid, {"mtu": 1280}, now))
    lab.run_until(lambda: a.seen(ConfigChanged)[-1].changed == {"mtu"}, 5)
    assert network.room(flow.near.peer, lab.now) == 1280 < before
    assert flow.run(2) > 0


def spoofed(near: Connection, flags: int, sequence: int) -> bytes:
    """A segment as the far end of `near` would send it."""
    return Tcp(
        near.remote_address[0],
        near.local_address[0],
        near.remote_address[1],
        near.local_address[1],
        sequence & 0xFFFFFFFF,
        near.tx.una & 0xFFFFFFFF,
        flags,
    ).packet()


def test_a_packet_of_another_node_for_an_open_flow_is_not_accepted() -> None:
    lab = Lab(members="abc")
    a, b, c = lab.members
    lab.join(a, b, c)
    near, far = lab.connect(a, b)
    lab.connect(c, a, 81)  # c is a member that a has let in
    network = c.core.network(lab.nwid)
    peer = c.core.switch.peer(a.core.address)
    before = a.core.stats.as_dict().get("netstack.wrong_peer", 0)
    for flags in (RST, RST | ACK, ACK):
        packet = spoofed(near, flags, near.rx.next)
        c.act(lambda now, packet=packet: network.send(peer, 0x0800, packet, now))
        lab.run_for(0.5)
    assert a.core.stats.as_dict()["netstack.wrong_peer"] - before == 3
    assert near.error == 0
    a.act(lambda now: near.write(b"still here", now))
    lab.run_until(lambda: far.readable == 10, 5)


def test_the_real_peer_would_have_been_believed() -> None:
    """The packets of the test above are good ones: sent by the flow's own peer they end it."""
    lab = Lab()
    a, b = lab.members
    lab.join(a, b)
    near, _ = lab.connect(a, b)
    packet = spoofed(near, RST, near.rx.next)
    peer = b.core.switch.peer(a.core.address)
    b.act(lambda now: b.core.network(lab.nwid).send(peer, 0x0800, packet, now))
    lab.run_until(lambda: near.error == errno.ECONNRESET, 5)


def test_a_token_lets_a_member_in() -> None:
    lab = Lab()
    nwid = lab.make_network(authorized=False, authTokens={"open sesame": 0})
    a, b = lab.members
    a.act(lambda now: a.core.join(nwid, now, token="open sesame"))
    b.act(lambda now: b.core.join(nwid, now, token="guess"))
    lab.run_until(lambda: a.core.is_usable(nwid), 10)
    lab.run_until(lambda: b.seen(Denied), 10)
    assert b.core.network(nwid).status == Status.DENIED


def test_the_closest_route_decides_between_networks() -> None:
    lab = Lab()
    a, b = lab.members
    default = [{"target": "10.122.0.0/24", "via": None}, {"target": "0.0.0.0/0", "via": "10.122.0.1"}]
    wide = lab.make_network(pool=("10.122.0.1", "10.122.0.99", "10.122.0.0/24"), routes=default)
    lab.join(a, b)
    lab.join(a, b, nwid=wide)
    assert a.core.networks_with(lab.ip(b)) == [lab.nwid]
    assert a.core.networks_with(lab.ip(b, wide)) == [wide]
    assert a.core.networks_with(bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 7])) == [wide]
    twin = lab.make_network()
    lab.join(a, nwid=twin)
    assert a.core.networks_with(lab.ip(b)) == [lab.nwid, twin]
    assert a.core.networks_with(bytes([0xFD, *range(15)])) == []
