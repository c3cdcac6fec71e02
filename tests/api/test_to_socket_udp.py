"""DatagramSocket.to_socket, and patched programs that speak UDP."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import select
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from support.nodes import Pair

import fastzt


@pytest.fixture(scope="module")
def place(pair: Pair) -> Iterator[tuple[str, int]]:
    """Somebody on the other member who answers in upper case."""
    for end in pair.sockets():  # they know each other from then on
        end.close()
    with pair.net_b.udp() as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    data, source = server.recvfrom(65535)
                    server.sendto(data.upper(), source)

        threading.Thread(target=serve, daemon=True).start()
        yield pair.ip(pair.net_b), server.port


@pytest.fixture(scope="module")
def local() -> Iterator[tuple[str, int]]:
    """Somebody on this host."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        address = server.getsockname()

        def serve() -> None:
            while True:
                data, source = server.recvfrom(65535)
                if data == b"end":
                    return
                server.sendto(data.upper(), source)

        thread = threading.Thread(target=serve)
        thread.start()
        yield address
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"end", address)
        thread.join()


def test_to_and_from_anywhere(pair: Pair, place: tuple[str, int]) -> None:
    given = pair.net_a.udp()
    port = given.port
    with given.to_socket() as sock:
        sock.settimeout(60)
        assert isinstance(sock, socket.socket)
        assert (sock.family, sock.type) == (socket.AF_INET, socket.SOCK_DGRAM)
        assert sock.getsockname()[1] == port
        assert sock.sendto(b"hello", place) == 5
        assert select.select([sock], [], [], 60)[0] == [sock]
        assert sock.recvfrom(3) == (b"HEL", place)
        buffer = bytearray(60000)
        sock.sendto(b"x" * 60000, place)
        assert sock.recvfrom_into(buffer) == (60000, place)
        assert buffer == b"X" * 60000
        with pytest.raises(OSError) as caught:  # noqa: PT011
            sock.getpeername()
        assert caught.value.errno == errno.ENOTCONN
        with pytest.raises(OSError):  # noqa: PT011
            given.sendto(b"x", place)
    for _ in range(1000):
        try:
            pair.net_a.udp(port).close()
            break
        except OSError:  # the port is free as soon as a thread has heard
            threading.Event().wait(0.01)
    else:
        raise AssertionError(port)


def test_connected(pair: Pair, place: tuple[str, int]) -> None:
    given = pair.net_a.udp()
    given.connect(place)
    with given.to_socket() as sock:
        sock.settimeout(60)
        assert sock.getpeername() == place
        with socket.socket(fileno=socket.dup(sock.fileno())) as plain:  # as C sees it
            plain.settimeout(60)
            plain.send(b"plain")
            assert plain.recv(100) == b"PLAIN"
        sock.send(b"")
        assert sock.recvfrom(10) == (b"", place)


def test_asyncio(pair: Pair, place: tuple[str, int], local: tuple[str, int]) -> None:
    class Client(asyncio.DatagramProtocol):
        def __init__(self) -> None:
            self.heard: asyncio.Queue[Any] = asyncio.Queue()

        def datagram_received(self, data: bytes, addr: Any) -> None:
            self.heard.put_nowait((data, addr))

    async def ask(to: Any = None, **options: Any) -> Any:
        transport, client = await asyncio.get_running_loop().create_datagram_endpoint(Client, **options)
        transport.sendto(b"hello", to)
        answer = await asyncio.wait_for(client.heard.get(), 60)
        transport.close()
        return answer

    assert asyncio.run(ask(place, sock=pair.net_a.udp().to_socket())) == (b"HELLO", place)
    with fastzt.patched(pair.net_a):
        assert asyncio.run(ask(remote_addr=place)) == (b"HELLO", place)
        assert asyncio.run(ask(place, local_addr=("0.0.0.0", 0))) == (b"HELLO", place)
        assert asyncio.run(ask(remote_addr=local)) == (b"HELLO", local)


def test_patched(pair: Pair, place: tuple[str, int], local: tuple[str, int]) -> None:
    with fastzt.patched(pair.net_a), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(60)
        for there in (place, local, place):  # with one and the same socket
            assert sock.sendto(b"hello", there) == 5
            assert sock.recvfrom(100) == (b"HELLO", there)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.settimeout(60)
            other.connect(place)
            assert other.getpeername() == place
            other.send(b"hello")
            assert other.recv(100) == b"HELLO"


def test_nobody_listens(pair: Pair) -> None:
    given = pair.net_a.udp()
    given.connect((pair.ip(pair.net_b), 9))

    def send(sock: socket.socket) -> None:
        for _ in range(1000):
            sock.send(b"x")
            threading.Event().wait(0.01)

    with given.to_socket() as sock, pytest.raises(ConnectionRefusedError):
        send(sock)


def test_the_end_of_the_node_wakes_who_waits(pair: Pair, place: tuple[str, int]) -> None:
    node = pair.lab.node(3)
    pair.lab.authorize(pair.nwid, node)
    net = node.join(pair.nwid, timeout=60)
    given = net.udp()
    given.connect(place)
    found: list[Any] = []
    with given.to_socket() as sock:

        def wait() -> None:
            try:
                found.append(sock.recv(10))
            except OSError as error:
                found.append(error.errno)

        thread = threading.Thread(target=wait)
        thread.start()
        node.close()
        thread.join(60)
        assert found == [errno.EBADF]
