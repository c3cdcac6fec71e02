"""Socket behaves as socket.socket does."""

from __future__ import annotations

import errno
import hashlib
import random
import socket
import threading
import time

import pytest
from support.nodes import Pair

import fastzt
from fastzt.api.addresses import ip16
from fastzt.api.connecting import Connecting
from fastzt.api.socket import Socket

SIZE = 4 << 20 if fastzt.is_compiled() else 256 << 10


def test_data_goes_both_ways(pair: Pair) -> None:
    near, far = pair.sockets()
    with near, far:
        near.sendall(b"question")
        assert far.recv(100) == b"question"
        assert far.send(b"answer") == 6
        buffer = bytearray(10)
        assert near.recv_into(buffer) == 6
        assert buffer[:6] == b"answer"


def test_the_other_end_is_authenticated(pair: Pair) -> None:
    near, far = pair.sockets()
    with near, far:
        assert near.peer_id == pair.b.id
        assert far.peer_id == pair.a.id
        assert near.getpeername() == far.getsockname()
        assert far.getpeername() == near.getsockname()
        assert near.getpeername()[0] == pair.ip(pair.net_b)
        assert near.family == socket.AF_INET


def test_a_transfer_is_intact(pair: Pair) -> None:
    near, far = pair.sockets()
    data = random.Random(1).randbytes(SIZE)
    digest = hashlib.sha256()

    def receive() -> None:
        buffer = bytearray(1 << 18)
        while n := far.recv_into(buffer):
            digest.update(memoryview(buffer)[:n])

    thread = threading.Thread(target=receive)
    thread.start()
    near.sendall(data)
    near.shutdown(socket.SHUT_WR)
    thread.join(120)
    assert not thread.is_alive()
    assert digest.digest() == hashlib.sha256(data).digest()
    far.sendall(b"done")
    assert near.recv(10) == b"done"
    far.close()
    assert near.recv(10) == b""
    near.close()


def test_timeouts_and_modes(pair: Pair) -> None:
    near, far = pair.sockets()
    with near, far:
        assert near.gettimeout() == near.timeout == 30
        near.settimeout(0.05)
        with pytest.raises(TimeoutError, match="timed out"):
            near.recv(1)
        near.setblocking(False)
        assert near.gettimeout() == 0.0
        assert not near.getblocking()
        with pytest.raises(BlockingIOError) as caught:
            near.recv(1)
        assert caught.value.errno == errno.EAGAIN
        near.settimeout(None)
        assert near.getblocking()
        with pytest.raises(ValueError, match="out of range"):
            near.settimeout(-1)
        with pytest.raises(ValueError, match="negative"):
            near.recv(-1)
        with pytest.raises(ValueError, match="too small"):
            near.recv_into(bytearray(1), 2)


def test_a_full_pipe_blocks_the_sender(pair: Pair) -> None:
    near, far = pair.sockets()
    with near, far:
        near.settimeout(0.2)
        with pytest.raises(TimeoutError):
            near.sendall(bytes(64 << 20))
        near.setblocking(False)
        with pytest.raises(BlockingIOError):
            near.sendall(bytes(64 << 20))


def test_close_wakes_a_blocked_reader(pair: Pair) -> None:
    near, far = pair.sockets()
    results: list[object] = []

    def read() -> None:
        try:
            near.settimeout(60)
            results.append(near.recv(1))
        except OSError as error:
            results.append(error.errno)

    thread = threading.Thread(target=read)
    thread.start()
    deadline = time.monotonic() + 30
    while not len(pair.a._driver.waiters) and time.monotonic() < deadline:
        threading.Event().wait(0.002)
    near.close()
    thread.join(30)
    assert results == [errno.EBADF]
    with pytest.raises(OSError, match="Bad file"):
        near.send(b"x")
    near.close()
    far.close()


def test_shutdown(pair: Pair) -> None:
    near, far = pair.sockets()
    with near, far:
        near.shutdown(socket.SHUT_RD)
        assert near.recv(1) == b""
        far.shutdown(socket.SHUT_RDWR)
        with pytest.raises(BrokenPipeError):
            far.send(b"x")
        with pytest.raises(OSError, match="Invalid"):
            near.shutdown(7)


def test_makefile(pair: Pair) -> None:
    near, far = pair.sockets()
    with near.makefile("rw", newline="\n") as text, far.makefile("rwb") as binary:
        near.close()
        text.write("GET /\n")
        text.flush()
        assert binary.readline() == b"GET /\n"
        binary.write(b"200\nbody")
        binary.flush()
        assert text.readline() == "200\n"
        far.close()
    with pytest.raises(OSError, match="Bad file"):
        near.recv(1)
    with pytest.raises(ValueError, match="invalid mode"):
        near.makefile("x")


def test_options(pair: Pair) -> None:
    near, far = pair.sockets()
    with near, far:
        for level, option, value in (
            (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
            (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 20),
        ):
            near.setsockopt(level, option, value)
            assert near.getsockopt(level, option) == value
        near.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        assert near.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM
        assert near.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        assert near.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) > 0
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 50_000)
        assert near.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 50_000
        assert near.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) == 1342
        with pytest.raises(OSError, match="not available") as caught:
            near.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        assert caught.value.errno == errno.ENOPROTOOPT


@pytest.mark.skipif(not hasattr(socket, "TCP_CONGESTION"), reason="the system has no TCP_CONGESTION")
def test_the_congestion_control_of_a_socket(pair: Pair) -> None:
    near, far = pair.sockets()
    tcp, option = socket.IPPROTO_TCP, socket.TCP_CONGESTION
    with near, far:
        for name in (b"newreno", b"cubic", b"bbr\0"):
            near.setsockopt(tcp, option, name)
            assert near.getsockopt(tcp, option, 16) == name.ljust(16, b"\0")
            near.sendall(name)
            assert far.recv(16) == name
        near.setsockopt(tcp, option, b"reno")  # what Linux calls it
        assert near.getsockopt(tcp, option, 7) == b"newreno"
        for name in (b"vegas", b"\xff"):
            with pytest.raises(FileNotFoundError):
                near.setsockopt(tcp, option, name)
        with pytest.raises(OSError, match="Invalid argument"):
            near.getsockopt(tcp, option)


def test_a_closed_port_refuses(pair: Pair) -> None:
    with pytest.raises(ConnectionRefusedError, match=pair.ip(pair.net_b)):
        pair.net_a.connect((pair.ip(pair.net_b), 9), timeout=30)


def test_an_unused_address_is_unreachable(pair: Pair) -> None:
    with pytest.raises(fastzt.HostUnreachableError, match=r"10\.121\.15\.200"):
        pair.net_a.connect(("10.121.15.200", 80), timeout=60)


def test_an_address_without_a_route(pair: Pair) -> None:
    with pytest.raises(fastzt.NoRouteError, match=r"192\.0\.2\.1"):
        pair.net_a.connect(("192.0.2.1", 80))
    with pytest.raises(fastzt.NoRouteError):
        pair.a.connect(("192.0.2.1", 80))


def test_a_connect_times_out_and_leaves_nothing(pair: Pair) -> None:
    sockets = pair.a._parts.core.sockets
    before = len(sockets)
    with pytest.raises(TimeoutError):
        pair.net_a.connect(("10.121.15.201", 80), timeout=0.05)
    assert len(sockets) == before


def test_connections_that_nobody_accepts_leave_nothing(pair: Pair) -> None:
    sockets = pair.b._parts.core.sockets
    before = len(sockets)
    listener = pair.net_b.listen(0)
    with pair.net_a.connect((pair.ip(pair.net_b), listener.port), timeout=30) as near:
        deadline = time.monotonic() + 30
        while not listener._listener.pending and time.monotonic() < deadline:
            threading.Event().wait(0.002)
        listener.close()
        with pytest.raises(ConnectionResetError):
            near.recv(1)
    assert len(sockets) == before


@pytest.mark.parametrize(
    "address", ["10.0.0.1", ("10.0.0.1",), ("10.0.0.1", 0), ("10.0.0.1", 70000), ("10.0.0.300", 80)]
)
def test_a_malformed_address_is_refused(pair: Pair, address: object) -> None:
    with pytest.raises(fastzt.InputError):
        pair.net_a.connect(address)  # type: ignore[arg-type]


def test_accept_follows_the_listeners_mode(pair: Pair) -> None:
    with pair.net_b.listen(0) as listener:
        listener.settimeout(0.05)
        with pytest.raises(TimeoutError):
            listener.accept()
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
        with pytest.raises(OSError, match="in use"):
            pair.net_b.listen(listener.port)
    with pytest.raises(OSError, match="Bad file"):
        listener.accept()


def test_listening_on_one_address(pair: Pair) -> None:
    with pair.net_b.listen(0, pair.ip(pair.net_b)) as listener:
        assert listener.getsockname() == (pair.ip(pair.net_b), listener.port)
    with pytest.raises(fastzt.InputError, match="not an address of this node"):
        pair.net_b.listen(0, "10.9.9.9")


def test_a_reset_before_anybody_looked_is_no_failure_to_connect(pair: Pair) -> None:
    """As with the system's sockets, it is whoever reads that hears of it."""
    driver = pair.a._driver
    with pair.net_b.listen(0) as listener:
        listener.settimeout(30)
        connecting = Connecting(driver, int(pair.nwid, 16), ip16(pair.ip(pair.net_b)), listener.port)
        far, _ = listener.accept()
        pair.b._driver.run(far._connection.abort)
        far.close()
        deadline = time.monotonic() + 30
        while not connecting.connection.error and time.monotonic() < deadline:
            threading.Event().wait(0.002)
    assert driver.run(connecting.attempt) is True
    with Socket(driver, connecting.connection, 30) as near, pytest.raises(ConnectionResetError):
        near.recv(1)
