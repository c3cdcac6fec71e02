"""IPv6 between real nodes: addresses of every kind, TCP, UDP, ping, both families at one port."""

from __future__ import annotations

import errno
import ipaddress
import random
import socket
from collections.abc import Iterator

import pytest
from support.nodes import Pair, lab

import fastzt
from fastzt.wire.address import rfc4193, sixplane

FIELDS = {
    "routes": [{"target": "10.121.15.0/24", "via": None}, {"target": "2001:db8:1::/64", "via": None}],
    "ipAssignmentPools": [
        {"ipRangeStart": "10.121.15.1", "ipRangeEnd": "10.121.15.254"},
        {"ipRangeStart": "2001:db8:1::", "ipRangeEnd": "2001:db8:1:0:ffff:ffff:ffff:ffff"},
    ],
    "v6AssignMode": {"zt": True, "rfc4193": True, "6plane": True},
}
KINDS = ["rfc4193", "6plane", "managed"]
COUNT = 1 << 20 if fastzt.is_compiled() else 1 << 16


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with lab() as made:
        nwid = made.network(**FIELDS)
        a, b = made.node(1), made.node(2)
        made.authorize(nwid, a, b)
        yield Pair(made, nwid, a, b, a.join(nwid), b.join(nwid))


def address(net: fastzt.Network, kind: str) -> str:
    """The IPv6 address of a kind."""
    prefix = {"rfc4193": 88, "6plane": 40, "managed": 64}[kind]
    return next(str(a.ip) for a in net.addresses if a.version == 6 and a.network.prefixlen == prefix)


def ip4(net: fastzt.Network) -> str:
    return next(str(a.ip) for a in net.addresses if a.version == 4)


def test_addresses(pair: Pair) -> None:
    node, nwid = int(pair.a.id, 16), int(pair.nwid, 16)
    found = {a.network.prefixlen: a for a in pair.net_a.addresses}
    assert found[88] == ipaddress.IPv6Interface((rfc4193(node, nwid), 88))
    assert found[40] == ipaddress.IPv6Interface((sixplane(node, nwid), 40))
    assert found[64] == ipaddress.IPv6Interface((int(ipaddress.ip_address("2001:db8:1::")) + node, 64))
    assert found[24].version == 4


@pytest.mark.parametrize("kind", KINDS)
def test_tcp_both_ways(pair: Pair, kind: str) -> None:
    """To a listener on every address; peers are told as socket does: (host, port, 0, 0)."""
    data = random.Random(kind).randbytes(COUNT)
    for near, far in ((pair.net_a, pair.net_b), (pair.net_b, pair.net_a)):
        host = address(far, kind)
        with far.listen(0) as listener:
            listener.settimeout(30)
            client = near.connect((host, listener.port), timeout=30)
            server, source = listener.accept()
        with client, server:
            server.settimeout(30)
            assert client.getpeername() == (host, server.getsockname()[1], 0, 0)
            assert source == client.getsockname() == (address(near, kind), client.getsockname()[1], 0, 0)
            assert client.family == server.family == socket.AF_INET6
            assert (client.peer_id, server.peer_id) == (far.node.id, near.node.id)
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            assert server.makefile("rb").read() == data


def test_segments_fill_a_datagram(pair: Pair) -> None:
    """1432 bytes of UDP payload: 1334 of TCP payload, of which timestamps take 12."""
    with pair.net_b.listen(0) as listener:
        near = pair.net_a.connect((address(pair.net_b, "managed"), listener.port), timeout=30)
    with near:
        assert near.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) == 1334 - 12


def test_a_listener_takes_both_families(pair: Pair) -> None:
    with pair.net_b.listen(0) as listener:
        listener.settimeout(30)
        for host in (ip4(pair.net_b), address(pair.net_b, "6plane"), address(pair.net_b, "managed")):
            with pair.net_a.connect((host, listener.port), timeout=30) as near:
                far, source = listener.accept()
                far.close()
                assert source == near.getsockname()
                assert len(source) == (2 if near.family == socket.AF_INET else 4)


def test_a_listener_on_one_address_takes_no_other(pair: Pair) -> None:
    host = address(pair.net_b, "rfc4193")
    with pair.net_b.listen(0, host) as listener:
        assert listener.getsockname() == (host, listener.port, 0, 0)
        for other in (address(pair.net_b, "managed"), ip4(pair.net_b)):
            with pytest.raises(ConnectionRefusedError):
                pair.net_a.connect((other, listener.port), timeout=30)


@pytest.mark.parametrize("kind", KINDS)
def test_udp_both_ways(pair: Pair, kind: str) -> None:
    """In one VL1 packet, in two, and in IPv6 fragments."""
    ours, theirs = address(pair.net_a, kind), address(pair.net_b, kind)
    with pair.net_a.udp() as near, pair.net_b.udp() as far:
        near.settimeout(30)
        far.settimeout(30)
        for size in (1, 1346, 1347, 2752, 2753, 65527):
            data = random.Random(size).randbytes(size)
            near.sendto(data, (theirs, far.port, 0, 0))
            assert far.recvfrom(65535) == (data, (ours, near.port, 0, 0))
            far.sendto(data, (ours, near.port))
            assert near.recvfrom(65535) == (data, (theirs, far.port, 0, 0))
        with pytest.raises(OSError, match="long"):
            near.sendto(bytes(65528), (theirs, far.port))


@pytest.mark.parametrize("kind", KINDS)
def test_ping(pair: Pair, kind: str) -> None:
    host = address(pair.net_b, kind)
    result = pair.net_a.ping(host, count=2, interval=0.01, timeout=30, size=2800)
    assert (result.received, result.address) == (2, host)


def test_nobody_listens(pair: Pair) -> None:
    host = address(pair.net_b, "managed")
    with pytest.raises(ConnectionRefusedError):
        pair.net_a.connect((host, 9), timeout=30)
    with pair.net_a.udp() as near:
        near.settimeout(30)
        near.connect((host, 9))
        near.send(b"anybody?")
        with pytest.raises(ConnectionRefusedError):
            near.recv(1)


def test_nobody_has_the_address(pair: Pair) -> None:
    with pytest.raises(fastzt.HostUnreachableError) as caught:
        pair.net_a.connect(("2001:db8:1::1:2:3", 80), timeout=30)
    assert caught.value.errno == errno.EHOSTUNREACH
    with pytest.raises(fastzt.NoRouteError):
        pair.net_a.connect(("2001:db8:2::1", 80), timeout=30)


def test_groups(pair: Pair) -> None:
    with pair.net_b.udp() as far, pair.net_a.udp() as near:
        far.join_group("ff05::1234")
        far.settimeout(30)
        near.sendto(b"to all", ("ff05::1234", far.port))
        data, source = far.recvfrom(100)
        assert data == b"to all"
        assert source[1:] == (near.port, 0, 0)
