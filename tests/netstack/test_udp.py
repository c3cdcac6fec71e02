"""UDP, echo and ICMP errors between two stacks with a virtual clock."""

from __future__ import annotations

import errno
import random
from typing import Any

import pytest

from fastzt.netstack import icmp
from fastzt.netstack.config import StackConfig

from .bench import SECOND, A, B, Bench, Link
from .wire import internet_sum, ip_packet, v4

V6 = (bytes([0xFD, *range(15)]), bytes([0xFD, *range(14), 99]))
FAMILIES = pytest.mark.parametrize("addresses", [(A, B), V6], ids=["IPv4", "IPv6"])


def bench_of(addresses: tuple[bytes, bytes] = (A, B), link: Link | None = None, **settings: Any) -> Bench:
    return Bench(link or Link(delay=1000), addresses=addresses, config=StackConfig(**settings))


def bound(bench: Bench, side: int, port: int, ip: bytes | None = None) -> Any:
    return bench.sides[side].stack.datagrams.bind(ip, port, bench.now)


def counted(bench: Bench, side: int) -> dict[str, int]:
    return bench.sides[side].stack.stats.as_dict()


@FAMILIES
def test_a_datagram_and_its_answer(addresses: tuple[bytes, bytes]) -> None:
    bench = bench_of(addresses)
    near, far = bound(bench, 0, 0), bound(bench, 1, 9000)
    assert near.send(b"question", (addresses[1], 9000), bench.now)
    assert bench.run(SECOND, lambda: bool(far.incoming))
    assert bench.b.sockets.ready() == [(far.id, 1)]
    data, source = far.receive()
    assert (data, source) == (b"question", (addresses[0], near.port))
    assert far.receive() is None
    assert far.send(b"", source, bench.now)
    assert bench.run(SECOND, lambda: bool(near.incoming))
    assert near.receive() == (b"", (addresses[1], 9000))
    assert counted(bench, 0) == counted(bench, 1) == {}


@FAMILIES
@pytest.mark.parametrize("size", [1, 1351, 1366, 1367, 5000, 65487])
@pytest.mark.parametrize("mtu", [576, 1280, 1394])
def test_sizes_with_and_without_fragments(addresses: tuple[bytes, bytes], size: int, mtu: int) -> None:
    bench = bench_of(addresses, Link(delay=1000, mtu=mtu, reorder=0.3))
    near, far = bound(bench, 0, 0), bound(bench, 1, 9000)
    data = random.Random(size).randbytes(size)
    assert near.send(data, (addresses[1], 9000), bench.now)
    assert bench.run(SECOND, lambda: bool(far.incoming))
    assert far.receive() == (data, (addresses[0], near.port))
    assert counted(bench, 1) == {}
    assert len(bench.b.stack.datagrams.reassembly) == 0
    assert bench.b.stack.datagrams.reassembly.held == 0
    assert bench.wheel.armed == 0


@FAMILIES
def test_the_hop_limit_is_the_users_choice(addresses: tuple[bytes, bytes]) -> None:
    bench = bench_of(addresses)
    near, far = bound(bench, 0, 0), bound(bench, 1, 9000)
    seen: list[int] = []
    bench.spy = lambda side, packet: seen.append(packet[8] if packet[0] >> 4 == 4 else packet[7])
    for hops in (near.hops, 3):
        near.hops = hops
        near.send(b"x", (addresses[1], 9000), bench.now)
        assert bench.run(SECOND, lambda: far.receive() is not None)
    assert seen == [64, 3]


def test_what_is_too_long_is_refused() -> None:
    bench = bench_of()
    near = bound(bench, 0, 0)
    with pytest.raises(OSError, match="long") as caught:
        near.send(bytes(65508), (B, 9000), bench.now)
    assert caught.value.errno == errno.EMSGSIZE


def test_ports_are_taken_once() -> None:
    bench = bench_of()
    first = bound(bench, 0, 9000, A)
    for ip in (A, None):
        with pytest.raises(OSError, match="in use") as caught:
            bound(bench, 0, 9000, ip)
        assert caught.value.errno == errno.EADDRINUSE
    first.close(bench.now)
    second = bound(bench, 0, 9000)
    with pytest.raises(OSError, match="in use"):
        bound(bench, 0, 9000, A)
    first.close(bench.now)  # of no effect on the port's next owner
    assert bench.a.stack.datagrams.endpoint_for(A, 9000) is second
    with pytest.raises(OSError, match="assign") as caught:
        bound(bench, 0, 1, B)
    assert caught.value.errno == errno.EADDRNOTAVAIL


def test_the_number_of_sockets_is_bounded() -> None:
    bench = bench_of(max_udp_sockets=2)
    bound(bench, 0, 1)
    bound(bench, 0, 2)
    with pytest.raises(OSError, match="buffer") as caught:
        bound(bench, 0, 3)
    assert caught.value.errno == errno.ENOBUFS


@FAMILIES
def test_a_connected_socket_hears_that_nobody_listens(addresses: tuple[bytes, bytes]) -> None:
    bench = bench_of(addresses)
    near, loose = bound(bench, 0, 5000), bound(bench, 0, 5001)
    near.connect((addresses[1], 9), bench.now)
    for socket in (near, loose):
        socket.send(b"x", (addresses[1], 9), bench.now)
    bench.run(SECOND)
    assert counted(bench, 1) == {"netstack.no_socket": 2}
    with pytest.raises(ConnectionRefusedError):
        near.receive()
    assert near.receive() is None
    assert loose.receive() is None


def test_a_long_datagram_that_nobody_takes_is_quoted_in_part() -> None:
    for addresses in ((A, B), V6):
        bench = bench_of(addresses)
        near = bound(bench, 0, 5000)
        near.connect((addresses[1], 9), bench.now)
        near.send(bytes(9000), None, bench.now)
        bench.run(SECOND)
        with pytest.raises(ConnectionRefusedError):
            near.send(b"", None, bench.now)


def test_icmp_errors_are_limited() -> None:
    bench = bench_of(icmp_errors_per_second=3)
    near = bound(bench, 0, 5000)
    for _ in range(10):
        near.send(b"x", (B, 9), bench.now)
    bench.run(SECOND // 2)
    assert counted(bench, 1) == {"netstack.no_socket": 10, "netstack.icmp_limit": 7}


def test_a_connected_socket_receives_from_its_remote_alone() -> None:
    bench = bench_of()
    near = bound(bench, 0, 5000)
    right, wrong = bound(bench, 1, 9000), bound(bench, 1, 9001)
    wrong.send(b"early", (A, 5000), bench.now)
    bench.run(SECOND)
    near.connect((B, 9000), bench.now)
    assert near.local_address == (A, 5000)
    assert near.receive() is None
    wrong.send(b"wrong", (A, 5000), bench.now)
    right.send(b"right", (A, 5000), bench.now)
    bench.run(SECOND)
    assert near.receive() == (b"right", (B, 9000))
    assert near.receive() is None
    near.connect(None, bench.now)
    wrong.send(b"again", (A, 5000), bench.now)
    bench.run(SECOND)
    assert near.receive() == (b"again", (B, 9001))


def test_another_node_is_not_taken_for_the_remote() -> None:
    bench = bench_of()
    near = bound(bench, 0, 5000)
    near.connect((B, 9000), bench.now)
    far = bound(bench, 1, 9000)
    packets: list[bytes] = []
    bench.spy = lambda side, packet: packets.append(packet)
    far.send(b"data", (A, 5000), bench.now)
    bench.run(SECOND)
    assert near.receive() == (b"data", (B, 9000))
    bench.a.take(packets[0], bench.now, peer="somebody else")
    assert near.receive() is None
    assert counted(bench, 0) == {"netstack.wrong_peer": 1}
    neighbor = bench.a.egress.neighbor
    bench.a.egress.neighbor = None  # the address is being resolved anew
    bench.a.take(packets[0], bench.now, peer=neighbor)
    assert near.receive() == (b"data", (B, 9000))


def test_an_error_from_another_node_is_not_believed() -> None:
    bench = bench_of()
    near = bound(bench, 0, 5000)
    near.connect((B, 9), bench.now)
    errors: list[bytes] = []
    bench.spy = lambda side, packet: errors.append(packet) if side == 1 else None
    near.send(b"x", None, bench.now)
    bench.run(SECOND)
    assert near.take_error() == errno.ECONNREFUSED
    bench.a.take(errors[0], bench.now, peer="somebody else")
    broken = errors[0][:-1] + bytes((errors[0][-1] ^ 1,))
    bench.a.take(broken, bench.now)
    assert near.take_error() == 0
    assert counted(bench, 0) == {"netstack.icmp_ignored": 2}
    bench.a.take(errors[0], bench.now)
    assert near.take_error() == errno.ECONNREFUSED


@pytest.mark.parametrize(
    ("code", "number"), [(0, errno.ENETUNREACH), (1, errno.EHOSTUNREACH), (13, errno.EHOSTUNREACH), (4, 0)]
)
def test_what_a_router_says(code: int, number: int) -> None:
    bench = bench_of()
    near = bound(bench, 0, 5000)
    near.connect((B, 9), bench.now)
    sent: list[bytes] = []
    bench.spy = lambda side, packet: sent.append(packet)
    bench.a.egress.link.dark = True
    near.send(b"x", None, bench.now)
    bench.run(SECOND)
    body = bytes((3, code)) + bytes(6) + sent[0][:28]
    body = body[:2] + internet_sum(body).to_bytes(2, "big") + body[4:]
    bench.a.take(ip_packet(v4("10.0.0.254"), A, 1, body), bench.now)
    assert near.take_error() == number


def test_nobody_answers_for_the_neighbor() -> None:
    bench = bench_of()
    bench.a.egress.neighbor = None
    near, loose = bound(bench, 0, 5000), bound(bench, 0, 5001)
    near.connect((B, 9), bench.now)
    near.send(b"x", None, bench.now)
    loose.send(b"x", (B, 9), bench.now)
    bench.a.stack.unreachable(B, bench.now)
    with pytest.raises(OSError, match="route to host") as caught:
        near.receive()
    assert caught.value.errno == errno.EHOSTUNREACH
    assert loose.receive() is None
    assert near.outgoing.used == loose.outgoing.used == 0
    assert counted(bench, 0) == {"netstack.neighbor_unreachable": 2}


def test_datagrams_wait_for_their_neighbor() -> None:
    bench = bench_of()
    bench.a.egress.neighbor = None
    near, far = bound(bench, 0, 5000), bound(bench, 1, 9000)
    for number in range(3):
        assert near.send(bytes((number,)), (B, 9000), bench.now)
    bench.run(SECOND)
    assert not far.incoming
    bench.a.egress.neighbor = "neighbor 1"
    bench.a.stack.resolved(B, "neighbor 1", bench.now)
    bench.run(SECOND)
    assert [far.receive()[0] for _ in range(3)] == [b"\0", b"\1", b"\2"]
    assert bench.a.stack.datagrams.awaited == {}


def test_no_route() -> None:
    bench = bench_of()
    near = bound(bench, 0, 5000)
    for ip in (v4("192.0.2.1"), V6[0], v4("127.0.0.1")):
        with pytest.raises(OSError, match="unreachable") as caught:
            near.send(b"x", (ip, 9), bench.now)
        assert caught.value.errno == errno.ENETUNREACH


def test_a_full_send_buffer_says_when_there_is_room() -> None:
    bench = bench_of(udp_send_buffer=4096)
    near, far = bound(bench, 0, 5000), bound(bench, 1, 9000)
    sent = 0
    while near.send(bytes(500), (B, 9000), bench.now):
        sent += 1
    assert 3 <= sent <= 8
    bench.a.sockets.ready()
    bench.run(SECOND)
    assert bench.a.sockets.ready() == [(near.id, 2)]
    assert len(far.incoming) == sent
    assert near.outgoing.used == 0


def test_a_full_receive_buffer_loses_what_comes_last() -> None:
    bench = bench_of(udp_receive_buffer=3000)
    near, far = bound(bench, 0, 5000), bound(bench, 1, 9000)
    for _ in range(6):
        near.send(bytes(700), (B, 9000), bench.now)
    bench.run(SECOND)
    assert (len(far.incoming), far.dropped) == (3, 3)
    assert counted(bench, 1) == {"netstack.udp_buffer_full": 3}
    while far.receive():
        pass
    assert far.held == 0


def test_to_oneself() -> None:
    bench = bench_of()
    near, far = bound(bench, 0, 5000), bound(bench, 0, 5001)
    near.send(b"x", (A, 5001), bench.now)
    assert far.receive() == (b"x", (A, 5000))
    near.connect((A, 1), bench.now)
    near.send(b"x", None, bench.now)
    with pytest.raises(ConnectionRefusedError):
        near.receive()


def test_malformed_datagrams() -> None:
    bench = bench_of()
    near = bound(bench, 0, 5000)
    good = (7).to_bytes(2, "big") + (5000).to_bytes(2, "big") + (9).to_bytes(2, "big") + b"\0\0x"
    for body in (
        b"",
        good[:7],
        good[:4] + b"\0\7" + good[6:],
        good[:4] + b"\0\x0a" + good[6:],
        good[:6] + b"\1\1x",
    ):
        bench.a.take(ip_packet(B, A, 17, body), bench.now)
    assert counted(bench, 0) == {"netstack.malformed_udp": 5}
    bench.a.take(ip_packet(B, A, 17, good + b"behind it"), bench.now)
    assert near.receive() == (b"x", (B, 7))
    bench.a.take(ip_packet(B, v4("10.0.0.9"), 17, good), bench.now)
    assert counted(bench, 0)["netstack.not_our_address"] == 1
    six = Bench(addresses=V6)
    bound(six, 0, 5000)
    six.a.take(ip_packet(V6[1], V6[0], 17, good), six.now)  # without a checksum
    assert counted(six, 0) == {"netstack.malformed_udp": 1}


def test_the_network_is_left() -> None:
    bench = bench_of()
    near = bound(bench, 0, 5000)
    bench.a.stack.close(bench.now)
    assert bench.a.sockets.ready() == [(near.id, 3)]
    for _ in range(2):
        with pytest.raises(OSError, match="down") as caught:
            near.receive()
        assert caught.value.errno == errno.ENETDOWN
    near.close(bench.now)
    assert len(bench.a.sockets) == 0


@FAMILIES
@pytest.mark.parametrize("size", [0, 4, 56, 1400, 8900])
def test_echo(addresses: tuple[bytes, bytes], size: int) -> None:
    bench = bench_of(addresses)
    pinger = bench.a.stack.datagrams.pinger(addresses[1])
    assert pinger.send(size, bench.now) == 0
    assert pinger.send(size, bench.now) == 1
    bench.run(SECOND)
    outcomes = [pinger.take(), pinger.take()]
    assert [(o.sequence, o.microseconds, o.error) for o in outcomes if o] == [(0, 2000, 0), (1, 2000, 0)]
    assert pinger.take() is None
    assert counted(bench, 0) == counted(bench, 1) == {}
    pinger.close(bench.now)
    assert bench.a.stack.datagrams.pingers == {}


def test_replies_that_are_none() -> None:
    bench = bench_of()
    pinger = bench.a.stack.datagrams.pinger(B)
    replies: list[bytes] = []
    bench.spy = lambda side, packet: replies.append(packet) if side == 1 else None
    pinger.send(56, bench.now)
    bench.run(SECOND)
    assert pinger.take() is not None
    pinger.send(56, bench.now)
    bench.a.take(replies[0], bench.now)  # an old one
    bench.run(SECOND)
    assert pinger.take() is not None
    pinger.outstanding[1] = (bench.now, b"")
    bench.a.take(replies[1], bench.now, peer="somebody else")
    bench.a.take(replies[1], bench.now)  # other data
    assert pinger.take() is None
    assert counted(bench, 0) == {"netstack.icmp_ignored": 3}


def test_echo_of_an_unreachable_host() -> None:
    bench = bench_of()
    bench.a.egress.neighbor = None
    pinger = bench.a.stack.datagrams.pinger(B)
    pinger.send(56, bench.now)
    bench.a.stack.unreachable(B, bench.now)
    outcome = pinger.take()
    assert outcome is not None
    assert outcome.error == errno.EHOSTUNREACH
    assert bench.a.stack.datagrams.pinger(A).send(56, bench.now) == 0


def test_echo_clients_are_bounded() -> None:
    bench = bench_of(max_pingers=2)
    for _ in range(2):
        bench.a.stack.datagrams.pinger(B)
    with pytest.raises(OSError, match="buffer"):
        bench.a.stack.datagrams.pinger(B)


def test_outstanding_requests_are_bounded() -> None:
    bench = bench_of(link=Link(dark=True))
    pinger = bench.a.stack.datagrams.pinger(B)
    for _ in range(1000):
        assert pinger.send(8, bench.now) is not None
        bench.transmit()
    assert len(pinger.outstanding) == 256


def echo_from(bench: Bench, peer: object, number: int) -> None:
    """An echo request to a."""
    bench.a.take(icmp.echo(B, A, 1, number, b"x" * 8), bench.now, peer=peer)


def test_answers_to_a_node_without_a_path_hold_nothing_up() -> None:
    bench = bench_of()
    gone = bench.a.egress.unreached = object()
    for number in range(300):
        echo_from(bench, gone, number)
    assert len(bench.a.stack.replies) == bench.a.stack.config.max_replies
    bench.run(SECOND // 2)
    bench.now += 2 * SECOND
    bench.transmit()
    assert not bench.a.stack.replies
    assert counted(bench, 0) == {"netstack.replies_full": 44, "netstack.reply_expired": 256}


def test_an_answer_passes_those_that_wait() -> None:
    bench = bench_of()
    gone = bench.a.egress.unreached = object()
    echo_from(bench, gone, 1)
    echo_from(bench, bench.a.egress.neighbor, 2)
    packets: list[bytes] = []
    bench.spy = lambda side, packet: packets.append(packet)
    bench.transmit()
    assert [packet[26:28] for packet in packets] == [b"\0\2"]
    bench.a.egress.unreached = None
    bench.transmit()
    assert [packet[26:28] for packet in packets] == [b"\0\2", b"\0\1"]


def test_datagrams_for_a_node_without_a_path_expire_and_hold_nothing_up() -> None:
    bench = bench_of()
    near = bound(bench, 0, 5000)
    right = bench.a.egress.neighbor
    bench.a.egress.unreached = bench.a.egress.neighbor = object()
    near.send(b"lost", (B, 9), bench.now)
    bench.transmit()
    bench.a.egress.neighbor = right
    near.send(b"sent", (B, 9), bench.now)
    bench.transmit()
    assert bench.count == 1
    assert bench.a.stack.datagrams.busy
    bench.now += 6 * SECOND
    bench.transmit()
    assert counted(bench, 0) == {"netstack.datagram_expired": 1}
    assert not bench.a.stack.datagrams.busy
