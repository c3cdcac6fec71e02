"""A node's own address: connections, datagrams and echoes that never leave it."""

from __future__ import annotations

import hashlib
import random
import socket
import threading
from collections.abc import Iterator

import pytest
from support.nodes import Pair

import fastzt

SIZE = 8 << 20 if fastzt.is_compiled() else 512 << 10


@pytest.fixture
def ends(pair: Pair) -> Iterator[tuple[fastzt.Socket, fastzt.Socket]]:
    with pair.net_a.listen(0) as listener:
        listener.settimeout(30)
        near = pair.net_a.connect((pair.ip(pair.net_a), listener.port), timeout=30)
        far, address = listener.accept()
    far.settimeout(60)
    assert address == near.getsockname()
    with near, far:
        yield near, far


def test_a_node_talks_to_itself(pair: Pair, ends: tuple[fastzt.Socket, fastzt.Socket]) -> None:
    near, far = ends
    assert near.peer_id == far.peer_id == pair.a.id
    assert near.getpeername() == far.getsockname()
    assert near.getpeername()[0] == near.getsockname()[0] == pair.ip(pair.net_a)
    near.sendall(b"question")
    assert far.recv(100) == b"question"
    far.sendall(b"answer")
    assert near.recv(100) == b"answer"
    near.shutdown(socket.SHUT_WR)
    assert far.recv(1) == b""
    far.sendall(b"late")
    assert near.recv(100) == b"late"
    far.close()
    assert near.recv(1) == b""


def test_a_transfer_to_oneself_is_intact(ends: tuple[fastzt.Socket, fastzt.Socket]) -> None:
    near, far = ends
    data = random.Random(5).randbytes(SIZE)
    digest = hashlib.sha256()

    def receive() -> None:
        buffer = bytearray(1 << 18)
        while n := far.recv_into(buffer):
            digest.update(memoryview(buffer)[:n])

    thread = threading.Thread(target=receive)
    thread.start()
    near.settimeout(120)
    near.sendall(data)
    near.shutdown(socket.SHUT_WR)
    thread.join(120)
    assert not thread.is_alive()
    assert digest.digest() == hashlib.sha256(data).digest()


def test_nobody_listens_at_home(pair: Pair) -> None:
    for port in (9, *range(49152, 49162)):  # among those that the system chooses from, too
        with pytest.raises(ConnectionRefusedError):
            pair.net_a.connect((pair.ip(pair.net_a), port), timeout=30)


def test_a_reset_reaches_the_other_end(ends: tuple[fastzt.Socket, fastzt.Socket]) -> None:
    near, far = ends
    near.sendall(b"unread")
    assert far.is_readable()
    far.close()
    with pytest.raises(ConnectionResetError):
        near.recv(1)


def test_datagrams_and_echoes(pair: Pair) -> None:
    with pair.net_a.udp() as one, pair.net_a.udp() as two:
        one.settimeout(30)
        two.settimeout(30)
        one.sendto(b"x", (pair.ip(pair.net_a), two.port))
        data, address = two.recvfrom(10)
        assert (data, address) == (b"x", (pair.ip(pair.net_a), one.port))
    assert pair.net_a.ping(pair.ip(pair.net_a), count=1).received == 1
