"""UdpSocket on loopback: the build's own system calls beside the standard library's, message by message."""

from __future__ import annotations

import errno
import select
import socket
import sys
from collections.abc import Iterator

import pytest

from fastzt._core.datagram_batch import DatagramBatch, TransmitBatch
from fastzt._core.endpoint import Endpoint
from fastzt._core.endpoint_cache import MAX_ENDPOINTS, EndpointCache
from fastzt._core.kernels.udp import SOL_UDP, UDP_GRO, UDP_SEGMENT
from fastzt._core.slab import Slab, is_compiled
from fastzt._core.stats import Stats
from fastzt._core.udp_socket import UdpSocket

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="segmentation offload is Linux's")
FAMILIES = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]


def can(family: socket.AddressFamily, host: str) -> bool:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((host, 0))
    except OSError:
        return False
    return True


class Ends:
    """A plain socket outside and a UdpSocket."""

    def __init__(self, family: socket.AddressFamily, host: str, native: bool) -> None:
        self.outside = bound(family, host)
        sock = bound(family, host)
        sock.setblocking(False)
        self.offload = sys.platform == "linux"
        if self.offload:
            sock.setsockopt(SOL_UDP, UDP_GRO, 1)
        self.stats = Stats()
        self.socket = UdpSocket(
            3, sock, self.stats, segment=self.offload, coalesce=self.offload, native=native
        )
        self.batch = DatagramBatch(Slab(8 * 65536))

    def drain(self, most: int = 16) -> list[tuple[bytes, int, int, Endpoint]]:
        """Once something has arrived: (bytes, stride, socket, sender) of each message."""
        assert select.select([self.socket.fileno()], [], [], 5)[0]
        self.batch.clear()
        end = self.socket.drain(self.batch, most, 100)
        found = []
        at = 100
        for i in range(self.batch.count):
            offset, length, stride, number, sender = self.batch.message(i)
            assert offset >= at  # behind the one before
            at = offset + length
            found.append((bytes(self.batch.slab.view[offset:at]), stride, number, sender))
        assert end >= at
        return found

    def close(self) -> None:
        self.socket.close()
        self.outside.close()


def bound(family: socket.AddressFamily, host: str) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.settimeout(5)
    return sock


@pytest.fixture(params=[f for f in FAMILIES if can(*f)], ids=lambda f: f[0].name)
def family(request: pytest.FixtureRequest) -> tuple[socket.AddressFamily, str]:
    found: tuple[socket.AddressFamily, str] = request.param
    return found


@pytest.fixture(params=[True, False], ids=["native", "library"])
def ends(family: tuple[socket.AddressFamily, str], request: pytest.FixtureRequest) -> Iterator[Ends]:
    made = Ends(*family, native=request.param)
    yield made
    made.close()


def endpoint_of(sock: socket.socket) -> Endpoint:
    return Endpoint.parse(*sock.getsockname()[:2])


def run_of(sizes: list[int], to: Endpoint) -> tuple[TransmitBatch, list[bytes]]:
    """One run of those datagrams behind another one of a byte, which is run 0."""
    out = TransmitBatch(Slab(1 << 17))
    datagrams = [bytes((i * 31 + j) & 0xFF for j in range(n)) for i, n in enumerate(sizes)]
    for data in [b"\0", *datagrams]:
        at = out.reserve(len(data))
        out.slab.view[at : at + len(data)] = data
        out.commit(len(data), 0, to)
    return out, datagrams


def test_which_calls_are_made() -> None:
    with bound(socket.AF_INET, "127.0.0.1") as sock:
        assert UdpSocket(0, sock, Stats()).native == (is_compiled() and sys.platform == "linux")
        assert not UdpSocket(0, sock, Stats(), native=False).native


def test_messages_and_their_senders(ends: Ends, family: tuple[socket.AddressFamily, str]) -> None:
    other = bound(*family)
    out = ends.outside
    for sock, data in ((out, b"a"), (out, b"bb" * 700), (other, b"c"), (out, b"d")):
        sock.sendto(data, ends.socket.sock.getsockname())
    a, b = endpoint_of(ends.outside), endpoint_of(other)
    found = ends.drain()
    assert found == [(b"a", 1, 3, a), (b"bb" * 700, 1400, 3, a), (b"c", 1, 3, b), (b"d", 1, 3, a)]
    assert found[0][3] is found[1][3] is found[3][3]  # one object for one sender
    assert ends.socket.drain(ends.batch, 16, 100) == 100
    assert ends.stats.as_dict() == {}
    other.close()


def test_a_drain_is_bounded(ends: Ends) -> None:
    for i in range(5):
        ends.outside.sendto(bytes([i]) * (i + 1), ends.socket.sock.getsockname())
    assert [len(data) for data, *_ in ends.drain(2)] == [1, 2]
    small = DatagramBatch(Slab(65535 + 2))
    assert ends.socket.drain(small, 16, 0) == 3  # then the slab has no room for another message
    assert [len(data) for data, *_ in ends.drain()] == [4, 5]


def test_a_full_batch_takes_no_more(ends: Ends) -> None:
    while ends.batch.count < 64:
        assert ends.batch.add(0, 1, 1, 0, endpoint_of(ends.outside))
    ends.outside.sendto(b"x", ends.socket.sock.getsockname())
    assert select.select([ends.socket.fileno()], [], [], 5)[0]
    assert ends.socket.drain(ends.batch, 1, 0) == 0
    assert ends.batch.count == 64


@LINUX
def test_coalesced_datagrams_come_as_one_message(ends: Ends) -> None:
    data = bytes(i & 0xFF for i in range(20 * 1000 + 17))
    segment = (SOL_UDP, UDP_SEGMENT, (1000).to_bytes(2, sys.byteorder))
    ends.outside.sendmsg([data], [segment], 0, ends.socket.sock.getsockname())
    assert ends.drain() == [(data, 1000, 3, endpoint_of(ends.outside))]
    ends.socket.control_space = 0  # the kernel then marks a message that has a stride as truncated
    ends.outside.sendmsg([data], [segment], 0, ends.socket.sock.getsockname())
    assert ends.drain() == []
    assert ends.stats.as_dict() == {"io.truncated": 1}


def test_datagrams_and_runs_are_sent(ends: Ends) -> None:
    out, datagrams = run_of([700] * 5 + [300], endpoint_of(ends.outside))
    assert out.count == 2
    assert ends.socket.send(out, 1, 0, 700) == 0
    sent = datagrams[:1]
    if ends.offload:
        assert ends.socket.send(out, 1, 700, 4 * 700 + 300) == 0
        sent = datagrams
    assert [ends.outside.recvfrom(2000) for _ in sent] == [(d, ends.socket.sock.getsockname()) for d in sent]
    assert ends.socket.send(out, 0, 0, 1) == 0
    assert ends.outside.recv(2000) == b"\0"


def test_what_is_not_of_the_run_is_not_sent(ends: Ends) -> None:
    out, _ = run_of([100], endpoint_of(ends.outside))
    for i, start, length in ((-1, 0, 1), (2, 0, 1), (1, -1, 5), (1, 0, 0), (1, 0, 101), (1, 100, 1)):
        assert ends.socket.send(out, i, start, length) == errno.EINVAL
    ends.outside.setblocking(False)
    with pytest.raises(BlockingIOError):
        ends.outside.recv(100)


def test_errors_are_numbers(ends: Ends) -> None:
    out = TransmitBatch(Slab(1 << 17))
    out.commit(65536, 0, endpoint_of(ends.outside))
    out.commit(1, 0, Endpoint.parse("255.255.255.255", 9))
    assert ends.socket.send(out, 0, 0, 65536) == errno.EMSGSIZE
    if ends.socket.endpoint.is_v4:
        assert ends.socket.send(out, 1, 0, 1) == errno.EACCES  # without SO_BROADCAST
    ends.socket.close()
    ends.socket.close()
    assert ends.socket.fileno() == -1
    assert ends.socket.send(out, 0, 0, 1) == errno.EBADF
    assert ends.socket.drain(ends.batch, 4, 0) == 0
    assert ends.stats.as_dict() == {"io.receive_error": 4}


def test_many_senders_are_told_apart(ends: Ends, family: tuple[socket.AddressFamily, str]) -> None:
    """More of them than are remembered, each twice."""
    senders = []
    wanted = []
    for _ in range(2):
        for i in range(300):
            if len(senders) <= i:
                senders.append(bound(*family))
            senders[i].sendto(b"%d" % i, ends.socket.sock.getsockname())
            ((data, _, _, sender),) = ends.drain()
            wanted.append((data, sender) == (b"%d" % i, endpoint_of(senders[i])))
    assert wanted == [True] * 600
    for sock in senders:
        sock.close()


def test_endpoints_are_interned_and_the_cache_is_capped() -> None:
    cache = EndpointCache()
    first = cache.endpoint(("127.0.0.1", 0))
    assert cache.endpoint(("127.0.0.1", 0)) is first
    assert cache.endpoint(("fe80::1%lo", 5, 0, 1)) == Endpoint.parse("fe80::1", 5)
    assert cache.address(first) == ("127.0.0.1", 0)
    for i in range(MAX_ENDPOINTS + 10):
        endpoint = cache.endpoint(("127.0.0.2", i))
        assert cache.address(endpoint) == ("127.0.0.2", i)
    assert (len(cache.by_address), len(cache.by_endpoint)) == (MAX_ENDPOINTS, MAX_ENDPOINTS)
    assert cache.evicted > 20
    assert cache.endpoint(("127.0.0.1", 0)) is not first
