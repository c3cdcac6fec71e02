"""Sockets that are made first and then bound, connected or listened on; and what all sockets share."""

from __future__ import annotations

import errno
import gc
import socket
import threading
import warnings

import pytest
from support.nodes import Pair

import fastzt


def listening(pair: Pair) -> fastzt.BerkeleySocket:
    server = pair.net_b.socket()
    server.settimeout(60)
    server.bind(("", 0))
    server.listen()
    return server


def test_made_bound_listening_connected(pair: Pair) -> None:
    with listening(pair) as server, pair.net_a.socket() as client:
        assert server.getsockname()[0] == "0.0.0.0"
        address = (pair.ip(pair.net_b), server.getsockname()[1])
        client.settimeout(60)
        client.bind(("", 0))
        port = client.getsockname()[1]
        client.connect(address)
        assert client.getsockname() == (pair.ip(pair.net_a), port)
        assert client.getpeername() == address
        conn, peer = server.accept()
        with conn:
            assert peer == client.getsockname()
            client.sendall(b"x")
            assert conn.recv(1) == b"x"
        with pytest.raises(OSError) as caught:  # noqa: PT011
            client.connect(address)
        assert caught.value.errno == errno.EISCONN


def test_a_fresh_socket_is_not_connected(pair: Pair) -> None:
    with pair.net_a.socket() as fresh:
        assert fresh.getsockname() == ("0.0.0.0", 0)
        calls = (
            lambda: fresh.recv(1),
            lambda: fresh.send(b"x"),
            fresh.getpeername,
            lambda: fresh.shutdown(socket.SHUT_WR),
        )
        for call in calls:
            with pytest.raises(OSError) as caught:  # noqa: PT011
                call()
            assert caught.value.errno == errno.ENOTCONN
        with pytest.raises(OSError) as caught:  # noqa: PT011
            fresh.accept()
        assert caught.value.errno == errno.EINVAL


def test_connecting_without_blocking(pair: Pair) -> None:
    with listening(pair) as server, pair.net_a.socket() as client:
        address = (pair.ip(pair.net_b), server.getsockname()[1])
        client.setblocking(False)
        assert client.connect_ex(address) in (errno.EINPROGRESS, 0)  # 0: it was answered at once
        assert client.connect_ex(address) in (errno.EALREADY, errno.EISCONN)
        conn, _ = server.accept()
        client.settimeout(60)
        with conn:
            conn.sendall(b"x")
            assert client.recv(1) == b"x"
        assert client.connect_ex(address) == errno.EISCONN


def test_a_refused_socket_can_try_again(pair: Pair) -> None:
    with listening(pair) as server, pair.net_a.socket() as client:
        client.settimeout(60)
        with pytest.raises(ConnectionRefusedError):
            client.connect((pair.ip(pair.net_b), 9))
        client.connect((pair.ip(pair.net_b), server.getsockname()[1]))
        server.accept()[0].close()


def test_a_bound_port_is_taken_but_refuses(pair: Pair) -> None:
    with pair.net_b.socket() as first, pair.net_b.socket() as second:
        first.bind(("", 0))
        port = first.getsockname()[1]
        with pytest.raises(OSError) as caught:  # noqa: PT011
            second.bind(("", port))
        assert caught.value.errno == errno.EADDRINUSE
        with pytest.raises(ConnectionRefusedError):
            pair.net_a.connect((pair.ip(pair.net_b), port), timeout=60)
        first.close()
        second.bind((pair.ip(pair.net_b), port))
    with pair.net_b.socket() as third, pytest.raises(OSError) as caught:  # noqa: PT011
        third.bind((pair.ip(pair.net_a), 0))
    assert caught.value.errno == errno.EADDRNOTAVAIL


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="the system has no SO_REUSEPORT")
def test_sockets_share_a_port(pair: Pair) -> None:
    sharing = [pair.net_b.socket() for _ in range(2)]
    port = 0
    for one in sharing:
        one.settimeout(60)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.bind(("", port))
        one.listen()
        port = one.getsockname()[1]
    for one in sharing:
        with pair.net_a.connect((pair.ip(pair.net_b), port), timeout=60):
            one.accept()[0].close()
        one.close()
    with pytest.raises(ConnectionRefusedError):
        pair.net_a.connect((pair.ip(pair.net_b), port), timeout=60)


def test_options_before_the_connection(pair: Pair) -> None:
    tcp = socket.IPPROTO_TCP
    with listening(pair) as server, pair.net_a.socket() as client, pair.net_a.socket() as other:
        client.settimeout(60)
        client.setsockopt(tcp, socket.TCP_NODELAY, 1)
        assert client.getsockopt(tcp, socket.TCP_NODELAY) == 1
        assert other.getsockopt(tcp, socket.TCP_NODELAY) == 0
        client.connect((pair.ip(pair.net_b), server.getsockname()[1]))
        assert client.getsockopt(tcp, socket.TCP_NODELAY) == 1
        server.accept()[0].close()
        with pytest.raises(OSError, match="not available"):
            other.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)


def test_closing_wakes_who_accepts_and_who_connects(pair: Pair) -> None:
    server, client = listening(pair), pair.net_a.socket()
    results: list[object] = []

    def run(call: object) -> None:
        try:
            results.append(call())  # type: ignore[operator]
        except OSError as error:
            results.append(error.errno)

    threads = [
        threading.Thread(target=run, args=(server.accept,)),
        threading.Thread(target=run, args=(lambda: client.connect(("10.121.15.98", 80)),)),
    ]
    for thread in threads:
        thread.start()
    for node in (pair.a, pair.b):
        while not len(node._driver.waiters):
            threading.Event().wait(0.002)
    server.close()
    client.close()
    for thread in threads:
        thread.join(60)
    assert results == [errno.EBADF, errno.EBADF]


def test_datagrams(pair: Pair) -> None:
    with (
        pair.net_a.socket(type=socket.SOCK_DGRAM) as one,
        pair.net_b.socket(type=socket.SOCK_DGRAM) as two,
    ):
        for each in (one, two):
            each.settimeout(60)
        assert one.getsockname() == ("0.0.0.0", 0)
        two.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 100_000)
        two.bind((pair.ip(pair.net_b), 0))
        assert two.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 100_000
        assert one.sendmsg([b"a", b"bc"], [], 0, two.getsockname()) == 3
        data, ancillary, flags, source = two.recvmsg(2)
        assert (data, ancillary, flags) == (b"ab", [], socket.MSG_TRUNC)
        assert source == (pair.ip(pair.net_a), one.getsockname()[1])
        with pytest.raises(BlockingIOError):
            two.recv(1, socket.MSG_DONTWAIT)
        with pytest.raises(OSError) as caught:  # noqa: PT011
            two.bind(("", 0))
        assert caught.value.errno == errno.EINVAL


def test_what_is_no_socket_of_a_network(pair: Pair) -> None:
    for arguments, number in (
        ((socket.AF_UNIX,), errno.EAFNOSUPPORT),
        ((socket.AF_INET, socket.SOCK_RAW), errno.EPROTONOSUPPORT),
        ((socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_UDP), errno.EPROTONOSUPPORT),
    ):
        with pytest.raises(OSError) as caught:  # noqa: PT011
            pair.net_a.socket(*arguments)
        assert caught.value.errno == number


def test_flags(pair: Pair) -> None:
    near, far = pair.sockets()
    with near, far:
        with pytest.raises(BlockingIOError):
            far.recv(10, socket.MSG_DONTWAIT)
        near.sendall(b"abc", socket.MSG_NOSIGNAL)
        assert far.recv(2, socket.MSG_PEEK) == b"ab"
        near.send(b"def")
        assert far.recv(6, socket.MSG_WAITALL) == b"abcdef"
        with pytest.raises(OSError, match="not supported"):
            far.recv(1, socket.MSG_OOB)
        near.shutdown(socket.SHUT_WR)
        assert far.recv(6, socket.MSG_WAITALL) == b""
        with pytest.raises(OSError, match="not supported"):
            near.sendmsg([b"x"], [(socket.SOL_SOCKET, 1, b"")])


def test_two_sockets_of_one_connection(pair: Pair) -> None:
    near, far = pair.sockets()
    with far:
        other = near.dup()
        near.close()
        other.sendall(b"still there")
        assert far.recv(100) == b"still there"
        with pytest.raises(OSError, match="Bad file"):
            near.send(b"x")
        other.close()
        assert far.recv(1) == b""


def test_a_lost_socket_warns_and_is_closed(pair: Pair) -> None:
    near, far = pair.sockets()
    with far, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del near
        gc.collect()
        assert far.recv(1) == b""
        server = listening(pair)
        port = server.getsockname()[1]
        del server
        gc.collect()
    assert [warning.category for warning in caught] == [ResourceWarning, ResourceWarning]
    assert "unclosed <fastzt.Socket" in str(caught[0].message)
    assert pair.b._driver.worker.complete(lambda: None, 60)
    with pytest.raises(ConnectionRefusedError):
        pair.net_a.connect((pair.ip(pair.net_b), port), timeout=60)
