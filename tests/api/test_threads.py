"""Many threads use one node, and several one socket: nothing is lost, nothing is damaged, nobody hangs.

Meant for interpreters without a GIL above all, where their calls run at the same time.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from support.nodes import Pair

import fastzt
from fastzt.api.datagram import DatagramSocket

LONG = 120.0
THREADS = 4
NODES = (3, 4, 5)
CALLS = 50 if fastzt.is_compiled() else 8
REST = 0 if fastzt.is_compiled() else 0.001  # seconds: interpreted nodes need the GIL
VOLUME = 1 << 20 if fastzt.is_compiled() else 1 << 16
DATAGRAMS = 400 if fastzt.is_compiled() else 50


def together(*tasks: Callable[[], Any]) -> list[Any]:
    """Run each on a thread of its own, beginning at once; what they return, or the first exception."""
    results: list[Any] = [None] * len(tasks)
    errors: list[BaseException] = []
    begin = threading.Barrier(len(tasks))

    def run(number: int) -> None:
        try:
            begin.wait(LONG)
            results[number] = tasks[number]()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(len(tasks))]
    for thread in threads:
        thread.start()
    end = time.monotonic() + LONG
    while not errors and time.monotonic() < end and (alive := [t for t in threads if t.is_alive()]):
        alive[0].join(0.05)
    if errors:
        raise errors[0]
    assert not any(thread.is_alive() for thread in threads)
    return results


def until_set(event: threading.Event, action: Callable[[], Any]) -> Callable[[], int]:
    """A task that repeats an action until the event is set; how often it did."""

    def repeat() -> int:
        times = 0
        while not event.wait(REST):
            action()
            times += 1
        return times

    return repeat


def echo(listener: fastzt.Listener, count: int) -> None:
    """Serve connections one after another."""
    for _ in range(count):
        conn, _ = listener.accept()
        with conn:
            while data := conn.recv(1 << 14):
                conn.sendall(data)


def test_connections_by_many_threads(pair: Pair) -> None:
    """Each thread opens, uses and closes connections, others ask the node about itself meanwhile."""
    over = threading.Event()
    address = (pair.ip(pair.net_b), 7100)

    def call(number: int) -> int:
        dice = random.Random(number)
        for _ in range(CALLS):
            question = dice.randbytes(dice.randrange(1, 5000))
            with pair.net_a.connect(address, timeout=LONG) as sock:
                sock.settimeout(LONG)
                sock.sendall(question)
                sock.shutdown(socket.SHUT_WR)
                with sock.makefile("rb") as file:
                    assert file.read() == question
        return CALLS

    def calls() -> list[int]:
        try:
            return together(*(lambda number=number: call(number) for number in range(THREADS)))  # type: ignore[misc]
        finally:
            over.set()

    def look() -> None:
        assert pair.a.status()["id"] == pair.a.id
        assert pair.a.peers()
        pair.a.events()
        assert pair.net_a.addresses

    with pair.net_b.listen(7100) as listener:
        serving = [lambda: echo(listener, CALLS)] * THREADS
        results = together(calls, until_set(over, look), *serving)
    assert results[0] == [CALLS] * THREADS
    assert results[1] > 0


def test_one_socket_of_many_threads(pair: Pair) -> None:
    """Two threads send by it and two receive, while others change its mode and look at it."""
    near, far = pair.sockets()
    over = threading.Event()
    near.settimeout(LONG)
    far.settimeout(LONG)
    received: Counter[int] = Counter()
    guard = threading.Lock()

    def send(letter: bytes) -> None:
        dice = random.Random(letter)
        left = VOLUME
        while left:
            n = min(left, dice.randrange(1, 20000))
            near.sendall(letter * n)
            left -= n

    def sending() -> None:
        together(lambda: send(b"a"), lambda: send(b"b"))
        near.shutdown(socket.SHUT_WR)

    def receive() -> None:
        buffer = bytearray(30000)
        while n := far.recv_into(buffer):
            with guard:
                received.update(Counter(buffer[:n]))

    def receiving() -> None:
        try:
            together(receive, receive)
        finally:
            over.set()

    def change() -> None:
        for sock in (near, far):
            sock.settimeout(LONG + random.Random(0).random())
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def look() -> None:
        assert near.getpeername() == far.getsockname()
        assert near.peer_id == pair.b.id
        assert near.timeout is not None

    with near, far:
        together(sending, receiving, until_set(over, change), until_set(over, look))
    assert received == {ord("a"): VOLUME, ord("b"): VOLUME}


def test_closing_while_others_use_it(pair: Pair) -> None:
    """Whoever is inside a call when the socket is closed gets OSError, or the end."""
    for _ in range(CALLS):
        near, far = pair.sockets()

        def send(sock: fastzt.Socket = near) -> None:
            while True:
                sock.send(b"x" * 1000)

        def use() -> None:
            with pytest.raises(OSError, match=r".+"):
                send()

        def drain(sock: fastzt.Socket = far) -> None:
            while sock.recv(1 << 16):
                pass

        together(use, use, near.close, drain)
        far.close()


def test_datagrams_by_many_threads(pair: Pair) -> None:
    """Both ends are shared by threads, and each datagram arrives whole, once, where there is no loss."""
    with pair.net_a.udp(7200) as near, pair.net_b.udp(7200) as far:
        far.settimeout(LONG)
        address = (pair.ip(pair.net_b), 7200)
        credit = threading.Semaphore(32)  # no more than a socket's buffer holds

        def send(sock: DatagramSocket, letter: bytes) -> None:
            for number in range(DATAGRAMS):
                assert credit.acquire(timeout=LONG)
                sock.sendto(letter * (1 + number % 1000), address)

        def receive(sock: DatagramSocket) -> list[bytes]:
            found = []
            for _ in range(DATAGRAMS):
                found.append(sock.recv(2000))
                credit.release()
            return found

        results = together(
            lambda: send(near, b"a"), lambda: send(near, b"b"), lambda: receive(far), lambda: receive(far)
        )
    found = Counter(results[2] + results[3])
    assert found == Counter(
        letter * (1 + number % 1000) for letter in (b"a", b"b") for number in range(DATAGRAMS)
    )


def test_nodes_of_many_threads(pair: Pair) -> None:
    """Nodes in one process share nothing that their threads could damage."""
    address = (pair.ip(pair.net_b), 7300)
    nodes = [pair.lab.node(number) for number in NODES]
    pair.lab.authorize(pair.nwid, *nodes)

    def live(node: fastzt.Node) -> int:
        dice = random.Random(node.id)
        net = node.join(pair.nwid)
        with net.connect(address, timeout=LONG) as sock:
            sock.settimeout(LONG)
            for _ in range(CALLS):
                question = dice.randbytes(dice.randrange(1, 20000))
                sock.sendall(question)
                answer = bytearray()
                while len(answer) < len(question):
                    answer += sock.recv(1 << 16)
                assert answer == question
        return CALLS

    with pair.net_b.listen(7300) as listener:
        serving = [lambda: echo(listener, 1)] * len(nodes)
        results = together(*serving, *(lambda node=node: live(node) for node in nodes))  # type: ignore[misc]
    assert results[-len(nodes) :] == [CALLS] * len(nodes)


def test_close_ends_the_wait_of_a_thread_that_does_not_lead(pair: Pair) -> None:
    """One thread polls for all of a node, and goes on when the sockets of the others close."""
    driver = pair.b._driver
    leading, listener, datagrams = pair.net_b.listen(7400), pair.net_b.listen(7401), pair.net_b.udp(7402)
    ended = [threading.Event() for _ in range(3)]

    def until_waiting(count: int) -> None:
        end = time.monotonic() + LONG
        while driver.ask(lambda: len(driver.waiters)) < count:
            assert time.monotonic() < end

    def wait(number: int, blocked: Callable[[], Any]) -> None:
        until_waiting(number)
        with pytest.raises(OSError, match="Bad file descriptor"):
            blocked()
        ended[number].set()

    def close() -> list[bool]:
        until_waiting(len(ended))
        listener.close()
        datagrams.close()
        heard = [event.wait(LONG / 2) for event in ended[1:]]
        leading.close()
        return heard

    heard, *_ = together(
        close,
        lambda: wait(0, leading.accept),
        lambda: wait(1, listener.accept),
        lambda: wait(2, lambda: datagrams.recvfrom(100)),
    )
    assert heard == [True, True]
