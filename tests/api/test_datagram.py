"""DatagramSocket behaves as socket.socket does, between real nodes; ping beside it."""

from __future__ import annotations

import errno
import random
import socket
import threading

import pytest
from support.nodes import Pair

import fastzt
from fastzt.api.datagram import DatagramSocket

COUNT = 2000 if fastzt.is_compiled() else 100


def both(pair: Pair, port: int = 0) -> tuple[DatagramSocket, DatagramSocket]:
    """Sockets of a and b; b's address is `target(pair, far)`."""
    near, far = pair.net_a.udp(), pair.net_b.udp(port)
    near.settimeout(30)
    far.settimeout(30)
    return near, far


def target(pair: Pair, far: DatagramSocket) -> tuple[str, int]:
    return pair.ip(pair.net_b), far.port


def test_both_ways(pair: Pair) -> None:
    near, far = both(pair, 9000)
    with near, far:
        assert near.sendto(b"question", target(pair, far)) == 8
        data, address = far.recvfrom(100)
        assert (data, address) == (b"question", (pair.ip(pair.net_a), near.port))
        assert far.getsockname() == ("0.0.0.0", 9000)
        assert far.sendto(b"answer", 0, address) == 6
        buffer = bytearray(10)
        assert near.recvfrom_into(buffer) == (6, target(pair, far))
        assert buffer[:6] == b"answer"
        assert near.family == socket.AF_INET
        assert near.type == socket.SOCK_DGRAM


@pytest.mark.parametrize("size", [0, 1, 1366, 2772, 2773, 65507])
def test_sizes(pair: Pair, size: int) -> None:
    near, far = both(pair)
    data = random.Random(size).randbytes(size)
    with near, far:
        near.sendto(data, target(pair, far))
        assert far.recv(65535) == data


def test_too_long(pair: Pair) -> None:
    near, far = both(pair)
    with near, far:
        with pytest.raises(OSError, match="long") as caught:
            near.sendto(bytes(65508), target(pair, far))
        assert caught.value.errno == errno.EMSGSIZE


def test_a_short_buffer_and_a_peek(pair: Pair) -> None:
    near, far = both(pair)
    with near, far:
        near.sendto(b"0123456789", target(pair, far))
        near.sendto(b"next", target(pair, far))
        assert far.recv(4, socket.MSG_PEEK) == b"0123"
        assert far.recv(4) == b"0123"
        buffer = bytearray(8)
        assert far.recv_into(buffer, 2) == 2
        assert bytes(buffer) == b"ne" + bytes(6)
        with pytest.raises(ValueError, match="negative"):
            far.recv(-1)
        with pytest.raises(ValueError, match="greater"):
            far.recv_into(buffer, 9)
        with pytest.raises(OSError, match="support"):
            far.recv(1, socket.MSG_OOB)


def test_connected(pair: Pair) -> None:
    near, far = both(pair)
    with near, far, pair.net_b.udp() as stranger:
        with pytest.raises(OSError, match=r"[Dd]estination address") as unset:
            near.send(b"x")
        assert unset.value.errno == errno.EDESTADDRREQ
        with pytest.raises(OSError, match="not connected"):
            near.getpeername()
        near.connect(target(pair, far))
        assert near.getpeername() == target(pair, far)
        assert near.getsockname() == (pair.ip(pair.net_a), near.port)
        near.send(b"question")
        _, address = far.recvfrom(100)
        stranger.sendto(b"me", address)
        far.sendto(b"you", address)
        assert near.recv(100) == b"you"
        near.disconnect()
        stranger.sendto(b"me", address)
        assert near.recv(100) == b"me"


def test_nobody_listens(pair: Pair) -> None:
    near, far = both(pair)
    with near, far:
        port = far.port
        far.close()
        near.connect((pair.ip(pair.net_b), port))
        near.send(b"x")
        with pytest.raises(ConnectionRefusedError):
            near.recv(1)
        near.settimeout(0.05)
        with pytest.raises(TimeoutError):
            near.recv(1)
        near.send(b"x")
        while not (number := near.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
            pair.a.events(timeout=0.05)
        assert number == errno.ECONNREFUSED


def test_nobody_has_the_address(pair: Pair) -> None:
    with pair.net_a.udp() as near:
        near.settimeout(60)
        near.connect(("10.121.15.98", 9))
        near.send(b"x")
        with pytest.raises(fastzt.HostUnreachableError) as caught:
            near.recv(1)
        assert caught.value.errno == errno.EHOSTUNREACH


def test_no_route(pair: Pair) -> None:
    with pair.net_a.udp() as near:
        for call in (near.connect, lambda address: near.sendto(b"x", address)):
            with pytest.raises(fastzt.NoRouteError) as caught:
                call(("192.0.2.1", 9))
            assert caught.value.errno == errno.ENETUNREACH
        assert near.connect_ex(("192.0.2.1", 9)) == errno.ENETUNREACH
        with pytest.raises(fastzt.InputError):
            near.sendto(b"x", ("10.121.15.1", 70000))


def test_modes(pair: Pair) -> None:
    with pair.net_a.udp() as near:
        near.settimeout(0.05)
        with pytest.raises(TimeoutError, match="timed out"):
            near.recvfrom(1)
        near.setblocking(False)
        with pytest.raises(BlockingIOError) as caught:
            near.recvfrom(1)
        assert caught.value.errno == errno.EAGAIN


def test_close_wakes_and_frees_the_port(pair: Pair) -> None:
    near = pair.net_a.udp(9100)
    raised: list[OSError] = []

    def receive() -> None:
        try:
            near.recv(1)
        except OSError as error:
            raised.append(error)

    thread = threading.Thread(target=receive)
    thread.start()
    while not len(pair.a._driver.waiters):
        pair.a.events(timeout=0.01)
    near.close()
    thread.join(30)
    assert [error.errno for error in raised] == [errno.EBADF]
    with pytest.raises(OSError, match="descriptor"):
        near.getsockname()
    with pair.net_a.udp(9100, pair.ip(pair.net_a)) as again:
        assert again.getsockname() == (pair.ip(pair.net_a), 9100)
        with pytest.raises(OSError, match="in use") as caught:
            pair.net_a.udp(9100)
        assert caught.value.errno == errno.EADDRINUSE
    with pytest.raises(fastzt.InputError, match="not an address of this node"):
        pair.net_a.udp(0, "10.121.15.99")


def test_options(pair: Pair) -> None:
    with pair.net_a.udp() as near:
        near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        assert near.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 1 << 22
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        assert near.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 2048
        assert near.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_DGRAM
        near.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 3)
        assert near.getsockopt(socket.IPPROTO_IP, socket.IP_TTL) == 3
        near.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, -1)
        assert near.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS) == 64
        for wrong in (0, 256):
            with pytest.raises(OSError, match="nvalid"):
                near.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, wrong)
        with pytest.raises(OSError, match="rotocol not available"):
            near.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def test_many_datagrams(pair: Pair) -> None:
    near, far = both(pair)
    with near, far:
        far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
        near.connect(target(pair, far))
        for number in range(COUNT):
            near.send(number.to_bytes(4, "big") * 300)
            if number % 50 == 49:  # as fast as it is read: the kernel's buffers are not under test
                for earlier in range(number - 49, number + 1):
                    assert far.recv(2000) == earlier.to_bytes(4, "big") * 300


def test_ping(pair: Pair) -> None:
    result = pair.net_a.ping(pair.ip(pair.net_b), count=3, timeout=30, interval=0.01, size=2700)
    assert (result.address, result.sent, result.received) == (pair.ip(pair.net_b), 3, 3)
    assert [echo.sequence for echo in result.echoes] == [0, 1, 2]
    assert all(0 < seconds < 30 for seconds in result.times)
    own = pair.net_a.ping(pair.ip(pair.net_a), count=1)
    assert own.received == 1


def test_ping_of_nobody(pair: Pair) -> None:
    result = pair.net_a.ping("10.121.15.97", count=1, timeout=60)
    assert result.received == 0
    assert "route to host" in result.echoes[0].error
    short = pair.net_a.ping("10.121.15.96", count=1, timeout=0.05)
    assert (short.received, short.echoes[0].error) == (0, "")
    with pytest.raises(fastzt.NoRouteError):
        pair.net_a.ping("192.0.2.1")
    with pytest.raises(fastzt.InputError):
        pair.net_a.ping(pair.ip(pair.net_b), count=0)
    with pytest.raises(OSError, match="long"):
        pair.net_a.ping(pair.ip(pair.net_b), size=70000)


def test_leaving_ends_a_blocked_call(pair: Pair) -> None:
    nwid = pair.lab.network(subnet="10.77.1", private=False)
    net = pair.a.join(nwid, timeout=60)
    raised: list[OSError] = []

    def receive() -> None:
        try:
            near.recv(1)
        except OSError as error:
            raised.append(error)

    with net.udp() as near:
        thread = threading.Thread(target=receive)
        thread.start()
        while not len(pair.a._driver.waiters):
            pair.a.events(timeout=0.01)
        pair.a.leave(nwid)
        thread.join(30)
        assert [error.errno for error in raised] == [errno.ENETDOWN]


def test_a_group_and_everybody(pair: Pair) -> None:
    near, far = both(pair, 9353)
    with near, far:
        request = socket.inet_aton("239.7.7.7") + bytes(4)
        far.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
        for host in ("239.7.7.7", "255.255.255.255", "10.121.15.255"):
            near.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            near.sendto(host.encode(), (host, 9353))
            assert far.recvfrom(100) == (host.encode(), (pair.ip(pair.net_a), near.port))
        far.leave_group("239.7.7.7")
        near.sendto(b"nobody", ("239.7.7.7", 9353))
        near.sendto(b"end", (pair.ip(pair.net_b), 9353))
        assert far.recv(100) == b"end"
        with pytest.raises(OSError, match="assign"):
            far.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, request)
        with pytest.raises(OSError, match="nvalid"):
            far.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, b"123")
        far.join_group("ff02::fb")
        assert far.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL) == 1


def test_everybody_is_asked_for(pair: Pair) -> None:
    with pair.net_a.udp() as near, pytest.raises(PermissionError):
        near.sendto(b"x", ("255.255.255.255", 9))
