"""UdpSockets on loopback: messages and runs, offload and without, failures of single sends, ports."""

from __future__ import annotations

import errno
import select
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from fastzt._core.datagram_batch import DatagramBatch, TransmitBatch
from fastzt._core.endpoint import Endpoint
from fastzt._core.slab import Slab
from fastzt._core.udp_socket import UdpSocket
from fastzt.errors import InputError
from fastzt.io import endpoints as module
from fastzt.io.binding import bind_hosts, has_family
from fastzt.io.endpoints import UdpSockets
from fastzt.io.interfaces import addresses

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="segmentation offload is Linux's")
MAX_MESSAGE = 65535
HOSTS = ["127.0.0.1", *(["::1"] if has_family(socket.AF_INET6) else [])]


@pytest.fixture(params=["offload", "plain"])
def offload(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setenv("FASTZT_UDP_OFFLOAD", "1" if request.param == "offload" else "0")
    return bool(request.param == "offload")


@pytest.fixture
def pair(offload: bool) -> Iterator[tuple[UdpSockets, UdpSockets]]:
    a, b = UdpSockets.open(bind=HOSTS), UdpSockets.open(bind=HOSTS)
    yield a, b
    a.close()
    b.close()


def payload(i: int, n: int) -> bytes:
    return bytes((i * 31 + j) & 0xFF for j in range(n))


def fill(out: TransmitBatch, sizes: list[int], number: int, to: Endpoint) -> list[bytes]:
    """Datagrams of those sizes, each with bytes of its own."""
    datagrams = [payload(i, n) for i, n in enumerate(sizes)]
    for data in datagrams:
        at = out.reserve(len(data))
        out.slab.view[at : at + len(data)] = data
        out.commit(len(data), number, to)
    return datagrams


def datagrams_of(batch: DatagramBatch) -> list[tuple[bytes, int, Endpoint]]:
    found = []
    for i in range(batch.count):
        offset, length, stride, number, sender = batch.message(i)
        view = batch.slab.view[offset : offset + length]
        found += [(bytes(view[at : at + stride]), number, sender) for at in range(0, length, stride)]
    return found


def receive(sockets: UdpSockets, wanted: int, most: int = 16) -> list[tuple[bytes, int, Endpoint]]:
    """Drain until that many datagrams have come, at most 5 s between two."""
    found: list[tuple[bytes, int, Endpoint]] = []
    batch = DatagramBatch(Slab(16 * 65536))
    while len(found) < wanted and select.select(sockets.filenos(), [], [], 5)[0]:
        assert sockets.drain(batch, most) <= most
        found += datagrams_of(batch)
        batch.clear()
    return found


@pytest.mark.parametrize("number", range(len(HOSTS)))
def test_runs_arrive_whole(pair: tuple[UdpSockets, UdpSockets], offload: bool, number: int) -> None:
    a, b = pair
    to = b.local()[number].endpoint
    out = TransmitBatch(Slab(1 << 20))
    sent = fill(out, [1432] * 45 + [600] + [1432] * 3 + [17], number, to)
    assert a.send(out) == out.count
    found = receive(b, len(sent))
    assert [data for data, _, _ in found] == sent
    assert {(n, sender) for _, n, sender in found} == {(number, a.local()[number].endpoint)}
    assert a.stats.as_dict() == b.stats.as_dict() == {}
    assert a.capabilities.segment == b.capabilities.coalesce == (offload and sys.platform == "linux")
    assert a.blocked() == a.take_too_big() == []


@LINUX
def test_one_message_carries_many_datagrams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTZT_UDP_OFFLOAD", "1")
    a, b = UdpSockets.open(bind=["127.0.0.1"]), UdpSockets.open(bind=["127.0.0.1"])
    if not (a.capabilities.segment and b.capabilities.coalesce):
        pytest.skip("the kernel has no segmentation offload")
    out = TransmitBatch(Slab(1 << 17))
    sent = fill(out, [1432] * 20 + [100], 0, b.local()[0].endpoint)
    assert (out.count, a.send(out)) == (1, 1)
    assert select.select(b.filenos(), [], [], 5)[0]
    batch = DatagramBatch(Slab(1 << 20))
    assert b.drain(batch, 16) == 1
    assert batch.message(0)[1:3] == (20 * 1432 + 100, 1432)
    assert [data for data, _, _ in datagrams_of(batch)] == sent
    a.close()
    b.close()


@LINUX
def test_a_message_whose_stride_is_lost_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTZT_UDP_OFFLOAD", "1")
    a, b = UdpSockets.open(bind=["127.0.0.1"]), UdpSockets.open(bind=["127.0.0.1"])
    if not b.capabilities.coalesce:
        pytest.skip("the kernel has no segmentation offload")
    b.sockets[0].control_space = 0  # the kernel then marks every message that has a stride as truncated
    out = TransmitBatch(Slab(1 << 17))
    fill(out, [1432] * 20, 0, b.local()[0].endpoint)
    a.send(out)
    assert select.select(b.filenos(), [], [], 5)[0]
    batch = DatagramBatch(Slab(1 << 20))
    assert b.drain(batch, 16) == 0
    assert b.stats.as_dict() == {"io.truncated": 1}
    a.close()
    b.close()


@LINUX
def test_what_the_kernel_drops_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTZT_UDP_OFFLOAD", "1")
    monkeypatch.setattr(module, "RECEIVE_BUFFER", 1)
    a, b = UdpSockets.open(bind=["127.0.0.1"]), UdpSockets.open(bind=["127.0.0.1"])
    if not b.capabilities.coalesce:
        pytest.skip("the kernel has no overflow count")
    b.sockets[0].sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    out = TransmitBatch(Slab(1 << 20))
    sent = fill(out, [1000 + i for i in range(40)], 0, b.local()[0].endpoint)
    assert a.send(out) == out.count == 40
    arrived = len(receive(b, 1))
    out.clear()
    fill(out, [50], 0, b.local()[0].endpoint)
    a.send(out)
    arrived += len(receive(b, 1))
    assert b.stats.as_dict() == {"io.receive_buffer_overflow": len(sent) + 1 - arrived}
    assert arrived < len(sent)
    a.close()
    b.close()


def test_drain_is_bounded_and_fair(pair: tuple[UdpSockets, UdpSockets]) -> None:
    a, b = pair
    if len(HOSTS) == 1:
        pytest.skip("one family only")
    out = TransmitBatch(Slab(1 << 17))
    for number, n in ((0, 8), (1, 1)):
        for i in range(n):
            fill(out, [100 + i], number, b.local()[number].endpoint)
    assert a.send(out) == out.count == 9
    batch = DatagramBatch(Slab(16 * 65536))
    assert b.drain(batch, 4) == 4
    assert {number for _, number, _ in datagrams_of(batch)} == {0, 1}
    assert b.drain(batch, 100) == 5  # appended behind what is there
    assert sorted(len(data) for data, _, _ in datagrams_of(batch)) == sorted([*range(100, 108), 100])
    assert b.drain(batch, 4) == 0


def test_drain_stops_at_the_end_of_the_slab(pair: tuple[UdpSockets, UdpSockets]) -> None:
    a, b = pair
    out = TransmitBatch(Slab(1 << 17))
    sent = fill(out, [9000, 9001, 9002], 0, b.local()[0].endpoint)
    assert a.send(out) == 3
    batch = DatagramBatch(Slab(MAX_MESSAGE + 100))
    found = []
    for _ in sent:
        assert b.drain(batch, 16) >= 1
        found += [data for data, _, _ in datagrams_of(batch)]
        batch.clear()
        if len(found) == 3:
            break
    assert found == sent


def test_unreachable_costs_nothing(pair: tuple[UdpSockets, UdpSockets]) -> None:
    a, b = pair
    out = TransmitBatch(Slab(1 << 16))
    sent = fill(out, [100], 0, b.local()[0].endpoint)
    fill(out, [100, 100, 100], 0, Endpoint.parse("255.255.255.255", 9))  # EACCES without SO_BROADCAST
    fill(out, [100], 0, Endpoint.parse("2001:db8::1", 9))  # not of the socket's family
    fill(out, [100], 7, b.local()[0].endpoint)
    sent += fill(out, [101], 0, b.local()[0].endpoint)
    assert a.send(out) == out.count
    assert [data for data, _, _ in receive(b, 2)] == sent
    counted = a.stats.as_dict()
    assert counted.pop("io.no_socket") == 2
    assert set(counted) == {"io.unreachable"}
    assert a.take_too_big() == []


def test_refused_by_icmp_is_survived(pair: tuple[UdpSockets, UdpSockets]) -> None:
    a, b = pair
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        nobody = Endpoint.parse(*gone.getsockname())
    out = TransmitBatch(Slab(1 << 16))
    for size in (100, 200, 300):
        fill(out, [size], 0, nobody)
    sent = fill(out, [400], 0, b.local()[0].endpoint)
    assert a.send(out) == out.count
    assert a.drain(DatagramBatch(Slab(1 << 18)), 4) == 0
    assert [data for data, _, _ in receive(b, 1)] == sent


class Failing(UdpSocket):
    """A socket whose sends fail as scripted: `errors` for the next sends, 0 lets one through."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.errors: list[int] = []
        self.segmented: list[int] = []

    def send(self, out: TransmitBatch, i: int, start: int, length: int) -> int:
        if length > out.run(i)[2]:
            self.segmented.append(length)
        scripted = self.errors.pop(0) if self.errors else 0
        return scripted or super().send(out, i, start, length)


@pytest.fixture
def failing(offload: bool) -> Iterator[tuple[UdpSockets, Failing, UdpSockets]]:
    a, b = UdpSockets(bind_hosts(0, ["127.0.0.1"]), Failing), UdpSockets.open(bind=["127.0.0.1"])
    sock = a.sockets[0]
    assert isinstance(sock, Failing)
    yield a, sock, b
    a.close()
    b.close()


def test_a_blocked_run_goes_on_where_it_stopped(failing: tuple[UdpSockets, Failing, UdpSockets]) -> None:
    a, sock, b = failing
    out = TransmitBatch(Slab(1 << 17))
    sent = fill(out, [500] + [1000] * 6 + [300], 0, b.local()[0].endpoint)
    sock.errors = [0, 0, 0, errno.EAGAIN, errno.EAGAIN, 0, errno.EAGAIN]
    assert out.count == 2
    at, calls = 0, 0
    while at < out.count:
        at = a.send(out, at)
        assert a.blocked() == ([] if at == out.count else a.filenos())
        calls += 1
        assert calls < 6
    assert calls > 1 or a.capabilities.segment
    assert [data for data, _, _ in receive(b, len(sent))] == sent
    assert a.stats.as_dict() == {}


@LINUX
@pytest.mark.parametrize("number", [errno.EMSGSIZE, errno.EINVAL])
def test_a_segment_too_big_for_its_route_is_reported(
    failing: tuple[UdpSockets, Failing, UdpSockets], number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, sock, b = failing
    monkeypatch.setattr(module, "route_payload", lambda endpoint: 1372)
    if not a.capabilities.segment:
        pytest.skip("segments are not sent by the kernel here")
    to = b.local()[0].endpoint
    out = TransmitBatch(Slab(1 << 17))
    sent = fill(out, [1432] * 5, 0, to)
    sock.errors = [number]
    assert a.send(out) == 1
    assert a.take_too_big() == [(0, to, 1373)]
    assert a.take_too_big() == []
    out.clear()
    sent += fill(out, [1372] * 5, 0, to)
    assert a.send(out) == 1
    assert sock.segmented == [5 * 1432, 5 * 1372]  # segmentation is not given up
    assert [data for data, _, _ in receive(b, 10)] == sent
    assert a.stats.as_dict() == {"io.too_big": 1}


@LINUX
@pytest.mark.parametrize("number", [errno.EINVAL, errno.EIO])
def test_segmentation_is_given_up_when_a_fitting_segment_fails(
    failing: tuple[UdpSockets, Failing, UdpSockets], number: int
) -> None:
    a, sock, b = failing
    if not a.capabilities.segment:
        pytest.skip("segments are not sent by the kernel here")
    out = TransmitBatch(Slab(1 << 17))
    sent = fill(out, [1432] * 5, 0, b.local()[0].endpoint)
    sock.errors = [number]
    assert a.send(out) == 1
    assert a.send(out) == 1
    assert sock.segmented == [5 * 1432]
    assert [data for data, _, _ in receive(b, 10)] == sent * 2
    assert (a.take_too_big(), a.stats.as_dict()) == ([], {"io.segmentation_given_up": 1})


def test_a_single_datagram_too_big_is_reported(failing: tuple[UdpSockets, Failing, UdpSockets]) -> None:
    a, sock, b = failing
    to = b.local()[0].endpoint
    out = TransmitBatch(Slab(1 << 17))
    fill(out, [1432], 0, to)
    sock.errors = [errno.EMSGSIZE]
    assert a.send(out) == 1
    assert a.take_too_big() == [(0, to, 1432)]
    sock.errors = [errno.ECONNREFUSED]  # of an earlier datagram: this one is sent on the second try
    assert a.send(out) == 1
    assert len(receive(b, 1)) == 1
    sock.errors = [errno.ECONNREFUSED, errno.ECONNREFUSED]
    assert a.send(out) == 1
    sock.errors = [errno.ENOMEM]
    assert a.send(out) == 1
    assert a.stats.as_dict() == {"io.too_big": 1, "io.unreachable": 1, "io.send_error": 1}
    assert sock.segmented == []  # one datagram is never sent as a segmented message


def test_reports_are_capped(failing: tuple[UdpSockets, Failing, UdpSockets]) -> None:
    a, sock, _ = failing
    out = TransmitBatch(Slab(1 << 20))
    for round_ in range(3):
        for i in range(40):
            fill(out, [100], 0, Endpoint.parse("127.0.0.1", 1000 + 40 * round_ + i))
        sock.errors = [errno.EMSGSIZE] * 40
        assert a.send(out) == 40
        out.clear()
    assert len(a.take_too_big()) == module.MAX_TOO_BIG


def test_ports() -> None:
    a = UdpSockets.open()
    assert {s.endpoint.port for s in a.local()} == {a.port}
    assert len(a.local()) == len(HOSTS)
    assert all(not any(s.endpoint.packed) for s in a.local())
    assert all(e.port == a.port and any(e.packed) for e in a.reachable_at(addresses()))
    with pytest.raises(OSError, match="in use"):
        UdpSockets.open(a.port, fixed=True)
    b = UdpSockets.open(a.port)
    assert b.port not in (0, a.port)
    port = b.port
    b.close()
    b.close()
    c = UdpSockets.open(port, fixed=True)
    assert c.port == port
    for sockets in (a, c):
        sockets.close()


def test_a_secondary_port() -> None:
    a = UdpSockets.open(bind=HOSTS, secondary=0)
    ports = [s.endpoint.port for s in a.local()]
    assert len(ports) == 2 * len(HOSTS)
    assert set(ports[: len(HOSTS)]) == {a.port}
    assert len(set(ports)) == 2
    b = UdpSockets.open(bind=HOSTS, secondary=a.port)
    assert a.port not in {s.endpoint.port for s in b.local()}
    for sockets in (a, b):
        sockets.close()


def test_bind_refuses_what_is_no_address() -> None:
    with pytest.raises(InputError, match="'localhost'"):
        UdpSockets.open(bind=["127.0.0.1", "localhost"])
    with pytest.raises(OSError, match=r"(?i)assign|address"):
        UdpSockets.open(bind=["192.0.2.77"])


def test_buffers_are_raised() -> None:
    a = UdpSockets.open(bind=["127.0.0.1"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        assert a.capabilities.receive_buffer >= plain.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    own = a.sockets[0].sock
    assert a.capabilities.receive_buffer == own.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    assert a.capabilities.send_buffer == own.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    a.close()


@pytest.mark.parametrize("most", [65536, 212_992])
def test_the_receive_buffer_can_be_limited(most: int) -> None:
    a = UdpSockets.open(bind=HOSTS, receive_buffer=most)
    sizes = [s.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) for s in a.sockets]
    assert a.capabilities.receive_buffer == min(sizes)
    assert max(sizes) <= most
    assert min(sizes) >= most // 2
    a.close()
