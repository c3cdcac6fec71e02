"""The TCP relay on loopback: what it forwards, what it refuses, its caps; and a tunnel through it."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from fastzt._core.datagram_batch import DatagramBatch, TransmitBatch
from fastzt._core.endpoint import Endpoint
from fastzt._core.slab import Slab
from fastzt.io.relay_server import RelayLimits, RelayServer
from fastzt.io.tunnel import Tunnel
from fastzt.wire import tcp_relay

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]
PACKET = bytes(8) + b"\x01\x02\x03\x04\x05" + b"\x06\x07\x08\x09\x0a" + b"\x18" + bytes(20)
PATIENCE = 20.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def far() -> Iterator[socket.socket]:
    """The UDP socket of a node beyond the relay."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(PATIENCE)
        yield sock


def place(sock: socket.socket) -> Endpoint:
    return Endpoint.parse(*sock.getsockname()[:2])


class Relay:
    """A relay served by whoever waits for something."""

    def __init__(self, limits: RelayLimits, allowed: list[ipaddress.IPv4Network]) -> None:
        self.clock = Clock()
        self.server = RelayServer([("127.0.0.1", 0)], list(allowed), limits, self.clock)

    def client(self, greet: bool = True) -> socket.socket:
        at = self.server.endpoints[0]
        sock = socket.create_connection((str(at.address), at.port), PATIENCE)
        if greet:
            sock.sendall(tcp_relay.greeting((1, 14, 1)))
        return sock

    def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(2000):
            if condition():
                return
            self.server.serve_once(0.01)
        raise AssertionError(self.server.counts)

    def counted(self, what: str, n: int = 1) -> None:
        self.until(lambda: self.server.counts.get(what, 0) >= n)
        assert self.server.counts[what] == n


@pytest.fixture
def make() -> Iterator[Callable[..., Relay]]:
    made: list[Relay] = []

    def build(limits: RelayLimits | None = None, allowed: list[ipaddress.IPv4Network] = LOOPBACK) -> Relay:  # type: ignore[assignment]
        made.append(Relay(limits or RelayLimits(), allowed))
        return made[-1]

    yield build
    for relay in made:
        relay.server.close()


def test_datagrams_go_both_ways(make: Callable[..., Relay], far: socket.socket) -> None:
    relay = make()
    with relay.client() as near:
        near.sendall(tcp_relay.datagram(place(far), PACKET))
        relay.counted("to_udp")
        data, source = far.recvfrom(4096)
        assert data == PACKET
        far.sendto(PACKET + b"back", source)
        relay.counted("to_tcp")
        assert near.recv(4096) == tcp_relay.datagram(place(far), PACKET + b"back")
    relay.until(lambda: not relay.server.connections)


@pytest.mark.parametrize(
    ("target", "allowed", "served"),
    [
        (("8.8.8.8", 9993), [], True),
        (("8.8.8.8", 1025), [], True),
        (("8.8.8.8", 1024), [], False),
        (("8.8.8.8", 53), [], False),
        (("127.0.0.1", 9993), [], False),
        (("127.0.0.1", 9993), LOOPBACK, True),
        (("127.0.0.1", 22), LOOPBACK, False),
        (("10.0.0.1", 9993), LOOPBACK, False),
        (("192.168.1.1", 9993), [], False),
        (("169.254.169.254", 9993), [], False),
        (("224.0.0.1", 9993), [], False),
        (("255.255.255.255", 9993), [], False),
        (("0.0.0.0", 9993), [], False),
        (("100.64.0.1", 9993), [], False),
    ],
)
def test_targets(
    make: Callable[..., Relay], target: tuple[str, int], allowed: list[ipaddress.IPv4Network], served: bool
) -> None:
    assert make(None, allowed).server.may_send(Endpoint.parse(*target)) == served


def test_what_is_no_packet_or_has_no_allowed_target_is_dropped(
    make: Callable[..., Relay], far: socket.socket
) -> None:
    relay = make()
    with relay.client() as near:
        near.sendall(tcp_relay.datagram(place(far), b"\x12\x34\x01\x00" + bytes(60)))
        near.sendall(tcp_relay.datagram(Endpoint.parse("127.0.0.1", 53), PACKET))
        near.sendall(tcp_relay.datagram(Endpoint.parse("::1", 9993), PACKET))
        near.sendall(tcp_relay.datagram(place(far), PACKET))
        relay.counted("to_udp")
        relay.counted("unwanted", 3)
        assert far.recv(4096) == PACKET


@pytest.mark.parametrize(
    "said", [b"GET / HTTP/1.1\r\n\r\n", tcp_relay.datagram(Endpoint.parse("127.0.0.1", 9993), PACKET)]
)
def test_who_does_not_greet_is_put_out(make: Callable[..., Relay], said: bytes) -> None:
    relay = make()
    with relay.client(greet=False) as near:
        near.sendall(said)
        relay.counted("broken")
        assert near.recv(1) == b""


def test_time_limits(make: Callable[..., Relay]) -> None:
    relay = make()
    with relay.client(greet=False), relay.client() as polite:
        relay.counted("accepted", 2)
        relay.until(lambda: any(connection.greeted for connection in relay.server.connections))
        relay.clock.now += relay.server.limits.greeting
        relay.counted("timed_out")
        relay.clock.now += relay.server.limits.idle
        relay.counted("timed_out", 2)
        assert polite.recv(1) == b""


def test_connections_are_capped(make: Callable[..., Relay]) -> None:
    relay = make(RelayLimits(connections=3, per_address=2))
    clients = [relay.client() for _ in range(3)]
    relay.counted("refused")
    assert len(relay.server.connections) == 2
    for client in clients:
        client.close()


def test_rates_are_capped(make: Callable[..., Relay], far: socket.socket) -> None:
    relay = make(RelayLimits(rate=5 * len(PACKET)))
    with relay.client() as near:
        for _ in range(8):
            near.sendall(tcp_relay.datagram(place(far), PACKET))
        relay.counted("over_rate", 3)
        relay.clock.now += 1
        near.sendall(tcp_relay.datagram(place(far), PACKET))
        relay.counted("to_udp", 6)


def test_a_client_that_does_not_read_costs_bounded_memory(
    make: Callable[..., Relay], far: socket.socket
) -> None:
    relay = make(RelayLimits(rate=1 << 30, total_rate=1 << 30))
    with relay.client() as near:
        near.sendall(tcp_relay.datagram(place(far), PACKET))
        relay.counted("to_udp")
        _, source = far.recvfrom(4096)
        big = PACKET + bytes(1400)
        for _ in range(100_000):
            far.sendto(big, source)
            relay.server.serve_once(0.0)
            if relay.server.counts.get("client_slow"):
                break
        [connection] = relay.server.connections
        assert relay.server.counts["client_slow"]
        assert len(connection.pending) < (128 << 10) + 4096


def batch_of(endpoint: Endpoint, *datagrams: bytes) -> TransmitBatch:
    out = TransmitBatch(Slab(1 << 16))
    for data in datagrams:
        at = out.reserve(len(data))
        out.slab.view[at : at + len(data)] = data
        out.commit(len(data), 7, endpoint)
    return out


def test_a_tunnel_is_a_local_socket(make: Callable[..., Relay], far: socket.socket) -> None:
    relay = make()
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            relay.server.serve_once(0.05)

    server = threading.Thread(target=serve)
    server.start()
    arrived: queue.Queue[tuple[int, Endpoint, bytes]] = queue.Queue()
    states: queue.Queue[bool] = queue.Queue()

    def receive(batch: DatagramBatch) -> None:
        for i in range(batch.count):
            offset, length, _, number, endpoint = batch.message(i)
            arrived.put((number, endpoint, bytes(batch.slab.view[offset : offset + length])))

    tunnel = Tunnel(relay.server.endpoints[0], 7, receive, states.put)
    try:
        tunnel.send(batch_of(place(far), PACKET), 0)
        assert (tunnel.is_up, tunnel.lost) == (False, 1)
        tunnel.want(True)
        assert states.get(timeout=PATIENCE) is True
        tunnel.send(batch_of(place(far), PACKET + b"one", PACKET + b"two"), 0)
        data, source = far.recvfrom(4096)
        assert [data, far.recv(4096)] == [PACKET + b"one", PACKET + b"two"]
        far.sendto(PACKET + b"back", source)
        assert arrived.get(timeout=PATIENCE) == (7, place(far), PACKET + b"back")
        tunnel.want(False)
        assert states.get(timeout=PATIENCE) is False
        tunnel.want(True)
        assert states.get(timeout=PATIENCE) is True
    finally:
        tunnel.close()
        tunnel.close()
        stop.set()
        server.join()
    assert states.get(timeout=PATIENCE) is False


def test_a_tunnel_whose_relay_is_gone_tries_again_and_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        at = Endpoint.parse(*listener.getsockname()[:2])
        states: queue.Queue[bool] = queue.Queue()
        tunnel = Tunnel(at, 1, lambda batch: None, states.put)
        tunnel.want(True)
        accepted, _ = listener.accept()
        assert states.get(timeout=PATIENCE) is True
        accepted.close()
        assert states.get(timeout=PATIENCE) is False
        again, _ = listener.accept()
        assert states.get(timeout=PATIENCE) is True
        again.close()
    assert states.get(timeout=PATIENCE) is False
    tunnel.close()
    assert not tunnel.is_up
