"""Socket.to_socket: a genuine socket of the system, for whatever wants a descriptor."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import random
import selectors
import socket
import threading
from collections.abc import Iterator

import pytest
from support.nodes import Pair, lab

import fastzt

SIZE = 32 << 20 if fastzt.is_compiled() else 1 << 20


@pytest.fixture
def ends(pair: Pair) -> Iterator[tuple[socket.socket, fastzt.Socket]]:
    """A system's socket at one end of a connection, ours at the other."""
    near, far = pair.sockets()
    with near.to_socket() as outer, far:
        outer.settimeout(60)
        yield outer, far


def test_it_is_a_socket_of_the_system(pair: Pair) -> None:
    near, far = pair.sockets()
    near.settimeout(7)
    names, peer_id = (near.getsockname(), near.getpeername()), near.peer_id
    outer = near.to_socket()
    with outer, far:
        assert isinstance(outer, socket.socket)
        assert (outer.getsockname(), outer.getpeername()) == names
        assert outer.peer_id == peer_id == pair.b.id
        assert outer.gettimeout() == 7
        assert not os.get_inheritable(outer.fileno())
        outer.sendall(b"question")
        assert far.recv(100) == b"question"
        far.sendall(b"answer")
        assert outer.recv(100) == b"answer"
        with pytest.raises(OSError, match="Bad file"):
            near.send(b"x")
        near.close()  # ends nothing
        outer.sendall(b"more")
        assert far.recv(100) == b"more"
    with pytest.raises(OSError, match="Bad file"):
        outer.getpeername()


def test_a_transfer_is_intact_both_ways(ends: tuple[socket.socket, fastzt.Socket]) -> None:
    outer, far = ends
    data = random.Random(3).randbytes(SIZE)
    digests: dict[str, bytes] = {}

    def receive(name: str, end: socket.socket | fastzt.Socket) -> None:
        digest, buffer = hashlib.sha256(), bytearray(1 << 18)
        while n := end.recv_into(buffer):
            digest.update(memoryview(buffer)[:n])
        digests[name] = digest.digest()

    def send(end: socket.socket | fastzt.Socket) -> None:
        end.sendall(data)
        end.shutdown(socket.SHUT_WR)

    outer.settimeout(120)
    far.settimeout(120)
    threads = [
        threading.Thread(target=receive, args=("far", far)),
        threading.Thread(target=receive, args=("outer", outer)),
        threading.Thread(target=send, args=(outer,)),
        threading.Thread(target=send, args=(far,)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert digests == dict.fromkeys(("far", "outer"), hashlib.sha256(data).digest())


def test_a_slow_reader_holds_the_sender_back(ends: tuple[socket.socket, fastzt.Socket]) -> None:
    outer, far = ends
    for end in (far, outer):
        end.settimeout(0.5)
        with pytest.raises(TimeoutError):
            end.sendall(bytes(256 << 20))


def test_half_close_is_carried_both_ways(ends: tuple[socket.socket, fastzt.Socket]) -> None:
    outer, far = ends
    outer.sendall(b"request")
    outer.shutdown(socket.SHUT_WR)
    assert far.recv(100) == b"request"
    assert far.recv(100) == b""
    far.sendall(b"response")
    far.shutdown(socket.SHUT_WR)
    assert outer.recv(100) == b"response"
    assert outer.recv(100) == b""


def test_close_is_carried_both_ways(pair: Pair) -> None:
    for first in (0, 1):
        near, far = pair.sockets()
        both = (near.to_socket(), far)
        both[first].sendall(b"last")
        both[first].close()
        assert both[1 - first].recv(100) == b"last"
        assert both[1 - first].recv(100) == b""
        both[1 - first].close()


def test_a_reset_reaches_the_system_socket(ends: tuple[socket.socket, fastzt.Socket]) -> None:
    outer, far = ends
    far.sendall(b"before")
    assert outer.recv(6) == b"before"
    outer.sendall(b"unread")
    assert far.recv(1) == b"u"
    outer.sendall(b"more")
    while not far.is_readable():
        threading.Event().wait(0.002)
    far.close()  # with data unread: by RST
    with pytest.raises(ConnectionResetError):
        outer.recv(1)


def test_a_closed_system_socket_resets_who_still_sends(ends: tuple[socket.socket, fastzt.Socket]) -> None:
    outer, far = ends
    outer.close()
    far.settimeout(60)
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        far.sendall(bytes(256 << 20))


def test_files_in_use_forbid_it(pair: Pair) -> None:
    near, far = pair.sockets()
    with near, far, near.makefile("rb"):
        with pytest.raises(OSError) as caught:  # noqa: PT011
            near.to_socket()
        assert caught.value.errno == errno.EBUSY
        near.sendall(b"still here")
        assert far.recv(100) == b"still here"


def test_detach_gives_the_descriptor(pair: Pair) -> None:
    near, far = pair.sockets()
    with far, socket.socket(fileno=near.detach()) as outer:
        outer.sendall(b"x")
        assert far.recv(1) == b"x"


def test_selectors(ends: tuple[socket.socket, fastzt.Socket]) -> None:
    outer, far = ends
    with selectors.DefaultSelector() as selector:
        selector.register(outer, selectors.EVENT_READ)
        assert selector.select(0) == []
        far.sendall(b"x")
        assert [key.fileobj for key, _ in selector.select(60)] == [outer]
        assert outer.recv(1) == b"x"
        selector.modify(outer, selectors.EVENT_WRITE)
        assert selector.select(60)


def test_asyncio_over_it(pair: Pair) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def main(near: socket.socket, far: socket.socket) -> bytes:
        server = asyncio.create_task(echo(*await asyncio.open_connection(sock=far)))
        reader, writer = await asyncio.open_connection(sock=near)
        writer.write(b"x" * 100_000)
        writer.write_eof()
        data = await asyncio.wait_for(reader.read(), 60)
        writer.close()
        await writer.wait_closed()
        await server
        return data

    near, far = pair.sockets()
    assert asyncio.run(main(near.to_socket(), far.to_socket())) == b"x" * 100_000


def test_many_at_a_time(pair: Pair) -> None:
    """More than are served in one turn."""
    count = 40
    with contextlib.ExitStack() as stack:
        outers, fars = [], []
        for _ in range(count):
            near, far = pair.sockets()
            outers.append(stack.enter_context(near.to_socket()))
            fars.append(stack.enter_context(far))
        for number, outer in enumerate(outers):
            outer.settimeout(60)
            outer.sendall(b"%d" % number)
        for far in fars:
            far.sendall(far.recv(10))
        assert [outer.recv(10) for outer in outers] == [b"%d" % number for number in range(count)]


def test_closing_the_node_delivers_what_was_written() -> None:
    with lab() as made:
        nwid = made.network()
        a, b = made.node(1), made.node(2)
        made.authorize(nwid, a, b)
        pair = Pair(made, nwid, a, b, a.join(nwid), b.join(nwid))
        near, far = pair.sockets()
        other, otherfar = pair.sockets()
        left = other.to_socket()
        left.settimeout(60)
        outer = near.to_socket()
        outer.sendall(b"y" * 100_000)
        outer.close()
        a.close()
        received = b""
        while data := far.recv(65536):
            received += data
        assert len(received) == 100_000
        with pytest.raises(ConnectionResetError):
            left.recv(1)
        with pytest.raises(ConnectionResetError):
            otherfar.recv(1)
        left.close()
        far.close()
        otherfar.close()
