"""Hosts behind a bridge: answered at their MAC by way of their bridge, and by no other way."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from netstack.wire import RST, Tcp

from fastzt._core.endpoint import V4_PREFIX
from fastzt.netstack.tcp.connection import Connection

from .bridge import IP4, IP6, IPV4, IPV6, MAC, Behind, Cable
from .lab import Lab as PlainLab
from .world import LOSSLESS, Host, Link

PORT = 80
OTHER_MAC = 0x001122334466
FIELDS = {
    "routes": [{"target": "10.121.15.0/24", "via": None}, {"target": "2001:db8:1::/64", "via": None}],
    "ipAssignmentPools": [
        {"ipRangeStart": "10.121.15.1", "ipRangeEnd": "10.121.15.99"},
        {"ipRangeStart": "2001:db8:1::", "ipRangeEnd": "2001:db8:1:0:ffff:ffff:ffff:ffff"},
    ],
    "v6AssignMode": {"zt": True, "rfc4193": False, "6plane": False},
}
IPS = pytest.mark.parametrize("ip", [IP4, IP6], ids=["IPv4", "IPv6"])


class Lab(PlainLab):
    """A client, and two bridges: behind the first one is `host`."""

    def __init__(self, link: Link = LOSSLESS, **fields: Any) -> None:
        self.fields = fields
        super().__init__(link=link, members="abc")
        self.client, self.bridge, self.second = self.members
        for host in (self.bridge, self.second):
            self.make_bridge(host)
        self.join(*self.members)
        self.cable = Cable(self.bridge)
        self.host = Behind(self.bridge, self.cable, self.nwid)
        self.host.members.append(self.client.core.address)

    def make_network(self, *arguments: Any, **fields: Any) -> int:
        return super().make_network(*arguments, **{**FIELDS, **self.fields, **fields})

    def make_bridge(self, host: Host, on: bool = True) -> None:
        """Say in the network whether a member is a bridge."""
        service = self.controller.core.controller
        self.controller.act(
            lambda now: service.update_member(self.nwid, host.core.address, {"activeBridge": on}, now)
        )

    def client_ip(self, like: bytes) -> bytes:
        """The client's address of the family of another."""
        addresses = self.client.core.network(self.nwid).addresses
        v4 = like.startswith(V4_PREFIX)
        return next(ip for ip, _ in addresses if ip.startswith(V4_PREFIX) == v4)

    def dial(self, ip: bytes = IP4) -> tuple[Connection, Connection]:
        """A connection from the client to the host, both ends."""
        listener = self.host.act(lambda now: self.host.stack.listen(None, PORT, 16, now))
        near = self.client.act(lambda now: self.client.core.connect(self.nwid, ip, PORT, now))
        self.run_until(lambda: near.connected or near.error)
        assert near.error == 0
        return near, self.run_until(listener.accept)

    def dropped(self, reason: str) -> int:
        """What the client has counted under a reason."""
        return int(self.client.core.stats.as_dict().get(reason, 0))


def exchange(lab: Lab, act: Any, end: Connection, act_other: Any, other: Connection, data: bytes) -> None:
    """Send data from one end and see it arrive at the other."""
    left, got = memoryview(data), bytearray()
    window = bytearray(1 << 16)

    def turn() -> bool:
        nonlocal left
        left = left[act(lambda now: end.write(left, now)) :]
        n = act_other(lambda now: other.read_into(window, now))
        got.extend(window[:n])
        return len(got) >= len(data) or bool(end.error or other.error)

    while not turn():
        lab.run_for(0.002)
    assert got == data


@IPS
def test_a_connection_to_a_host_behind_a_bridge(ip: bytes) -> None:
    lab = Lab()
    near, far = lab.dial(ip)
    data = bytes(range(256)) * 100
    exchange(lab, lab.client.act, near, lab.host.act, far, data)
    exchange(lab, lab.host.act, far, lab.client.act, near, data)
    assert near.peer.address == lab.bridge.core.address
    own = lab.client.core.network(lab.nwid).mac
    assert set(lab.host.received) == {(lab.client.core.address, own)}
    assert lab.dropped("vl2.wrong_mac") == 0


@IPS
def test_a_connection_from_a_host_behind_a_bridge(ip: bytes) -> None:
    lab = Lab()
    listener = lab.client.act(lambda now: lab.client.core.listen(lab.nwid, None, PORT, 16, now))
    near = lab.host.act(lambda now: lab.host.stack.connect(lab.client_ip(ip), PORT, now))
    far = lab.run_until(listener.accept)
    exchange(lab, lab.host.act, near, lab.client.act, far, b"hello")
    exchange(lab, lab.client.act, far, lab.host.act, near, b"welcome")
    lab.client.act(far.close)
    lab.run_until(lambda: near.eof)
    lab.host.act(near.close)
    lab.run_until(lambda: lab.host.stack.flows.count == 0)


@IPS
def test_a_port_that_is_closed_is_refused_either_way(ip: bytes) -> None:
    lab = Lab()
    out = lab.client.act(lambda now: lab.client.core.connect(lab.nwid, ip, PORT, now))
    back = lab.host.act(lambda now: lab.host.stack.connect(lab.client_ip(ip), PORT, now))
    lab.run_until(lambda: out.error and back.error)
    assert (out.error, back.error) == (errno.ECONNREFUSED, errno.ECONNREFUSED)


@IPS
def test_datagrams_either_way_in_fragments_too(ip: bytes) -> None:
    lab = Lab()
    ours = lab.client.act(lambda now: lab.client.core.udp(lab.nwid, None, 5000, now))
    theirs = lab.host.stack.datagrams.bind(None, 6000, lab.now)
    for size in (5, 4000):
        lab.client.act(lambda now, size=size: ours.send(b"q" * size, (ip, 6000), now))
        data, source = lab.run_until(theirs.receive)
        assert (data, source) == (b"q" * size, (lab.client_ip(ip), 5000))
        lab.host.act(lambda now, size=size, to=source: theirs.send(b"r" * size, to, now))
        assert lab.run_until(ours.receive) == (b"r" * size, (ip, 6000))
    lab.client.act(lambda now: ours.connect((ip, 6000), now))
    lab.host.act(lambda now: theirs.send(b"again", source, now))
    assert lab.run_until(ours.receive) == (b"again", (ip, 6000))
    lab.host.act(theirs.close)
    lab.client.act(lambda now: ours.send(b"anybody?", None, now))
    lab.run_until(lambda: ours.error)
    assert ours.error == errno.ECONNREFUSED


@IPS
def test_echoes_either_way(ip: bytes) -> None:
    lab = Lab()
    ours = lab.client.core.pinger(lab.nwid, ip)
    lab.client.act(lambda now: ours.send(2700, now))
    assert lab.run_until(ours.take).error == 0
    theirs = lab.host.stack.datagrams.pinger(lab.client_ip(ip))
    lab.host.act(lambda now: theirs.send(2700, now))
    assert lab.run_until(theirs.take).error == 0


def test_a_segment_is_one_datagram() -> None:
    """What an EXT_FRAME carries is less than what a FRAME does."""
    lab = Lab(Link(mtu=1460))
    near, far = lab.dial()
    sizes: list[int] = []
    spied = lab.spy

    def spy(host: Host, to: Any, data: bytes) -> bytes | None:
        if host is lab.client:
            sizes.append(len(data))
        return spied(host, to, data)

    lab.spy = spy
    exchange(lab, lab.client.act, near, lab.host.act, far, bytes(50_000))
    assert max(sizes) == 1432
    assert sum(size == 1432 for size in sizes) >= 50_000 // 1341
    assert sum(100 < size < 1400 for size in sizes) <= 2


def test_a_router_behind_the_bridge_answers_from_another_mac() -> None:
    """As with VRRP: asked for, it names one MAC, and sends from another."""
    lab = Lab()
    near, far = lab.dial()
    lab.host.source = OTHER_MAC
    exchange(lab, lab.host.act, far, lab.client.act, near, bytes(5000))
    exchange(lab, lab.client.act, near, lab.host.act, far, b"to the one that was asked for")
    assert lab.dropped("netstack.wrong_peer") == 0


@pytest.mark.parametrize("thief", ["second bridge", "bridge itself", "member"])
def test_an_open_flow_belongs_to_its_bridge(thief: str) -> None:
    lab = Lab()
    near, far = lab.dial()
    if thief == "member":
        lab.make_bridge(lab.second, False)
        lab.run_until(lambda: lab.second.core.address not in lab.client.core.network(lab.nwid).bridges, 150)
    if thief != "bridge itself":
        lab.host.bridge = lab.second
    else:
        lab.host.source = lab.bridge.core.network(lab.nwid).mac
    before = lab.dropped("netstack.wrong_peer") + lab.dropped("vl2.wrong_mac")
    lab.host.act(lambda now: far.write(b"forged", now))
    lab.run_for(1)
    assert near.readable == (6 if thief == "bridge itself" else 0)
    assert lab.dropped("netstack.wrong_peer") + lab.dropped("vl2.wrong_mac") - before == (
        0 if thief == "bridge itself" else pytest.approx(3, abs=2)
    )


def test_a_flow_of_a_member_does_not_belong_to_a_bridge() -> None:
    """Not even when its frames come from the member's MAC."""
    lab = Lab()
    near, _ = lab.connect(lab.client, lab.second)
    ip, ethertype = near.remote, IPV4 if near.is_v4 else IPV6
    forger = Behind(lab.bridge, lab.cable, lab.nwid, ips=(ip,))
    to = lab.client.core.network(lab.nwid).mac
    for mac in (MAC, lab.second.core.network(lab.nwid).mac):
        forger.source = mac
        before = lab.dropped("netstack.wrong_peer") + lab.dropped("vl2.wrong_mac")
        segment = Tcp(ip, near.local, PORT, near.local_port, flags=RST, seq=near.rx.next).packet()
        lab.bridge.act(lambda now, data=segment: forger.send(to, ethertype, data, now))
        lab.run_for(1)
        assert lab.dropped("netstack.wrong_peer") + lab.dropped("vl2.wrong_mac") == before + 1
    assert near.error == 0


def test_a_bridge_that_is_none_any_more_gets_nothing() -> None:
    lab = Lab()
    near, far = lab.dial()
    lab.make_bridge(lab.bridge, False)
    lab.run_until(lambda: lab.bridge.core.address not in lab.client.core.network(lab.nwid).bridges, 150)
    before = len(lab.host.received)
    lab.client.act(lambda now: near.write(b"x", now))
    lab.run_for(10)
    assert len(lab.host.received) == before
    assert far.readable == 0
    again = lab.client.act(lambda now: lab.client.core.connect(lab.nwid, IP4, PORT, now))
    lab.run_until(lambda: again.error)
    assert again.error == errno.EHOSTUNREACH


def test_rules_know_the_mac_behind_the_bridge() -> None:
    def but(mac: int) -> dict[str, Any]:
        text = ":".join(f"{octet:02x}" for octet in mac.to_bytes(6, "big"))
        shut = [{"type": "MATCH_MAC_DEST", "mac": text}, {"type": "ACTION_DROP"}]
        return {"rules": [*shut, {"type": "ACTION_ACCEPT"}]}

    open_to = Lab(**but(OTHER_MAC))
    open_to.dial()
    shut = Lab(**but(MAC))
    near = shut.client.act(lambda now: shut.client.core.connect(shut.nwid, IP4, PORT, now))
    shut.run_for(3)
    assert not near.connected
    assert shut.dropped("vl2.filtered_out") > 0


def test_a_host_that_moves_to_another_bridge_is_found_there() -> None:
    lab = Lab()
    lab.dial()
    lab.make_bridge(lab.bridge, False)
    lab.run_until(lambda: lab.bridge.core.address not in lab.client.core.network(lab.nwid).bridges, 150)
    moved = Behind(lab.second, Cable(lab.second), lab.nwid)
    moved.members.append(lab.client.core.address)
    listener = moved.act(lambda now: moved.stack.listen(None, PORT, 16, now))
    near = lab.client.act(lambda now: lab.client.core.connect(lab.nwid, IP4, PORT, now))
    lab.run_until(listener.accept)
    assert near.peer.address == lab.second.core.address
