"""PassedSocket: a stream of this host, whose calls wait without the GIL and take it back once."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cli import PATIENCE

from fastzt.api.agent_wire import enlarge
from fastzt.api.passed_socket import PassedSocket

if not hasattr(socket, "AF_UNIX"):
    pytest.skip("this system passes no descriptors", allow_module_level=True)

DATA = random.Random(7).randbytes(3 << 20)


@pytest.fixture
def ends() -> Iterator[tuple[PassedSocket, socket.socket]]:
    ours, far = socket.socketpair()
    near = PassedSocket(fileno=ours.detach())
    with near, far:
        near.settimeout(PATIENCE)
        far.settimeout(PATIENCE)
        yield near, far


def until_it_waits(sock: PassedSocket) -> None:
    for _ in range(int(PATIENCE * 100)):
        if sock._waiting:
            return
        threading.Event().wait(0.01)
    raise AssertionError("nobody waits")


def beside(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """A thread, and what its work returned or raised."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(work())
        except OSError as error:
            found.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, found


@pytest.mark.parametrize("timeout", [None, PATIENCE])
def test_more_than_fits(ends: tuple[PassedSocket, socket.socket], timeout: float | None) -> None:
    """Whoever sends waits for room, whoever receives for data, again and again."""
    near, far = ends
    near.settimeout(timeout)
    thread, found = beside(lambda: near.sendall(DATA))
    got = hashlib.sha256()
    left = len(DATA)
    while left:
        data = far.recv(min(left, 1 << 16))
        got.update(data)
        left -= len(data)
    thread.join(PATIENCE)
    assert found == [None]
    assert got.digest() == hashlib.sha256(DATA).digest()
    thread, found = beside(lambda: far.sendall(DATA))
    buffer = bytearray(len(DATA))
    done = 0
    while done < len(buffer):
        done += near.recv_into(memoryview(buffer)[done:])
    thread.join(PATIENCE)
    assert bytes(buffer) == DATA


@pytest.mark.parametrize(
    "call", [lambda sock: sock.recv(10), lambda sock: sock.sendall(bytes(64 << 20))], ids=["recv", "sendall"]
)
@pytest.mark.parametrize("timeout", [None, PATIENCE])
def test_close_ends_calls_that_wait(
    ends: tuple[PassedSocket, socket.socket], call: Callable[[Any], Any], timeout: float | None
) -> None:
    near, _ = ends
    near.settimeout(timeout)
    thread, found = beside(lambda: call(near))
    until_it_waits(near)
    near.close()
    thread.join(PATIENCE)
    assert [error.errno for error in found] == [errno.EBADF]


def test_a_close_leaves_it_to_others(ends: tuple[PassedSocket, socket.socket]) -> None:
    """Where nobody waits: a process that inherited it goes on."""
    near, far = ends
    with near.dup() as other:
        near.close()
        far.sendall(b"on")
        assert other.recv(10) == b"on"


class Stopped(Exception):
    """What the signal's handler raises."""


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals to threads")
@pytest.mark.parametrize(
    "call", [lambda sock: sock.recv(10), lambda sock: sock.sendall(bytes(64 << 20))], ids=["recv", "sendall"]
)
def test_a_signal_ends_a_wait(ends: tuple[PassedSocket, socket.socket], call: Callable[[Any], Any]) -> None:
    """The first is handled, and the call goes on; the second raises."""
    near, _ = ends
    near.settimeout(None)
    main, seen, over = threading.get_ident(), threading.Event(), threading.Event()

    def handle(*_: Any) -> None:
        if seen.is_set() and not over.is_set():
            over.set()
            raise Stopped
        seen.set()

    def send_both() -> None:
        """Again and again: one that comes just before the wait is seen after it, as in all of Python."""
        until_it_waits(near)
        for event in (seen, over):
            while not event.wait(0.01):
                signal.pthread_kill(main, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        thread, _found = beside(send_both)
        with pytest.raises(Stopped):
            call(near)
    finally:
        over.set()
        thread.join(PATIENCE)
        signal.signal(signal.SIGUSR1, before)
    assert near._waiting == 0


def test_timeouts(ends: tuple[PassedSocket, socket.socket]) -> None:
    near, far = ends
    near.settimeout(0.05)
    with pytest.raises(TimeoutError, match="timed out"):
        near.recv(1)
    with pytest.raises(TimeoutError, match="timed out"):
        near.sendall(bytes(64 << 20))
    with pytest.raises(TimeoutError, match="timed out"):
        near.send(b"x" * (1 << 20))
    near.settimeout(0)
    with pytest.raises(BlockingIOError):
        near.sendall(bytes(1 << 20))
    with pytest.raises(BlockingIOError):
        near.recv(1)
    far.close()
    with pytest.raises(BrokenPipeError):
        near.send(b"x")


def test_no_descriptor_is_left(ends: tuple[PassedSocket, socket.socket]) -> None:
    near, _ = ends
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("no list of descriptors")
    before = len(os.listdir("/proc/self/fd"))
    near.settimeout(0.01)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            near.sendall(bytes(64 << 20))
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_waits_to_be_read_has_room(ends: tuple[PassedSocket, socket.socket]) -> None:
    """A socket of the agent keeps as much as the system lets it, rather than its default."""
    near, _ = ends
    before = near.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    enlarge(near, before * 4)
    given = near.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    limit = Path("/proc/sys/net/core/wmem_max")
    if limit.exists():
        assert given >= min(before * 4, 2 * int(limit.read_text()))
