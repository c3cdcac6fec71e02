"""Bridges: connections of a node carried to sockets of the system by whoever drives."""

from __future__ import annotations

import contextlib
import hashlib
import random
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from support.nodes import Pair, lab

import fastzt
from fastzt.io.bridge import Bridge

LONG = 60.0
POLLERS = ["epoll", "select"]
VOLUME = (24 if fastzt.is_compiled() else 1) << 20


@pytest.fixture(scope="module", params=POLLERS)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FASTZT_POLLER", request.param)
        with lab() as made:
            nwid = made.network()
            a, b = made.node(1), made.node(2)
            made.authorize(nwid, a, b)
            yield Pair(made, nwid, a, b, a.join(nwid), b.join(nwid))


class Bridged:
    """A connection whose near end is bridged to one end of a socket pair, `near`; `far` is a Socket."""

    def __init__(self, pair: Pair) -> None:
        inner, self.far = pair.sockets()
        self.near, outer = socket.socketpair()
        self.near.settimeout(LONG)
        self.ended = threading.Event()
        self.bridges = inner._driver.bridges
        self.bridge: Bridge = inner.hand_over(outer, self._end)

    def _end(self, bridge: Bridge) -> None:
        self.ended.set()

    def close(self) -> None:
        self.near.close()
        self.far.close()


@pytest.fixture
def bridged(pair: Pair) -> Iterator[Bridged]:
    made = Bridged(pair)
    yield made
    made.close()


def digest_of(receive: Callable[[int], bytes]) -> str:
    found = hashlib.sha256()
    while data := receive(1 << 16):
        found.update(data)
    return found.hexdigest()


def beside(action: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=action)
    thread.start()
    return thread


def test_both_ways_and_half_close(bridged: Bridged) -> None:
    data = random.Random(1).randbytes(VOLUME)
    back = random.Random(2).randbytes(VOLUME)
    found: dict[str, str] = {}

    def far() -> None:
        found["there"] = digest_of(bridged.far.recv)
        bridged.far.sendall(back)
        bridged.far.shutdown(socket.SHUT_WR)

    thread = beside(far)
    bridged.near.sendall(data)
    bridged.near.shutdown(socket.SHUT_WR)
    found["back"] = digest_of(bridged.near.recv)
    thread.join(LONG)
    assert found == {"there": hashlib.sha256(data).hexdigest(), "back": hashlib.sha256(back).hexdigest()}
    assert bridged.ended.wait(LONG)
    assert (bridged.bridge.inward, bridged.bridge.outward, bridged.bridge.failed) == (VOLUME, VOLUME, False)
    assert bridged.bridges.count == 0


def test_two_floods_at_once(bridged: Bridged) -> None:
    data = random.Random(3).randbytes(VOLUME)
    found: list[str] = []
    threads = [
        beside(lambda: (bridged.near.sendall(data), bridged.near.shutdown(socket.SHUT_WR))),
        beside(lambda: (bridged.far.sendall(data), bridged.far.shutdown(socket.SHUT_WR))),
        beside(lambda: found.append(digest_of(bridged.near.recv))),
        beside(lambda: found.append(digest_of(bridged.far.recv))),
    ]
    for thread in threads:
        thread.join(LONG)
    assert found == [hashlib.sha256(data).hexdigest()] * 2
    assert bridged.ended.wait(LONG)


def test_back_pressure_reaches_the_sender(bridged: Bridged) -> None:
    """Nobody reads: what is sent stops, for nothing is kept in between."""
    chunk = bytes(1 << 16)
    bridged.far.settimeout(1.0)
    sent = 0
    with contextlib.suppress(TimeoutError):
        for _ in range(1 << 10):
            sent += bridged.far.send(chunk)
    assert sent < len(chunk) << 10
    bridged.far.shutdown(socket.SHUT_WR)
    taken = 0
    while data := bridged.near.recv(1 << 16):
        taken += len(data)
    assert taken == sent


def test_ping_pong(bridged: Bridged) -> None:
    bridged.far.settimeout(LONG)
    for number in range(50):
        bridged.near.sendall(b"%d\n" % number)
        assert bridged.far.recv(100) == b"%d\n" % number
        bridged.far.sendall(b"%d!" % number)
        assert bridged.near.recv(100) == b"%d!" % number


def test_a_reset_of_the_peer_closes_the_socket(bridged: Bridged) -> None:
    bridged.far.sendall(b"last words")
    assert bridged.near.recv(100) == b"last words"
    bridged.near.sendall(b"never read")
    assert bridged.far._driver.wait(
        bridged.far._connection.id, lambda now: True if bridged.far._connection.readable else None, LONG
    )
    bridged.far.close()  # with unread data: RST
    assert bridged.ended.wait(LONG)
    assert bridged.bridge.failed
    with contextlib.suppress(ConnectionResetError):  # as the system tells it when something was unread
        assert bridged.near.recv(100) == b""


def test_a_closed_socket_ends_the_connection(bridged: Bridged) -> None:
    bridged.near.sendall(b"whole")
    bridged.near.close()
    bridged.far.settimeout(LONG)
    assert bridged.far.recv(100) == b"whole"
    assert bridged.far.recv(100) == b""
    bridged.far.close()
    assert bridged.ended.wait(LONG)


def test_a_closed_node_closes_the_socket(pair: Pair) -> None:
    node = pair.lab.node(3)
    pair.lab.authorize(pair.nwid, node)
    net = node.join(pair.nwid)
    with pair.net_b.listen(0) as listener:
        inner = net.connect((pair.ip(pair.net_b), listener.port), timeout=30)
    near, outer = socket.socketpair()
    near.settimeout(LONG)
    inner.hand_over(outer)
    node.close(linger=0)
    assert near.recv(100) == b""
    near.close()
