"""fastzt.patched and Network.forwarded: programs that know only the system's sockets reach a network."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import socket
import ssl
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from support.dns_house import House
from support.nodes import Pair, lab

import fastzt

NAME = "files.lab"


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with lab() as made:
        nwid = made.network()
        a, b = made.node(1), made.node(2)
        made.authorize(nwid, a, b)
        house = House(Pair(made, nwid, a, b, a.join(nwid), b.join(nwid)))
        house.server.records = {NAME: [("A", house.ip)]}
        house.configure("lab", house.ip)
        yield house


def serve(listener: fastzt.Listener | socket.socket, context: ssl.SSLContext | None = None) -> None:
    """Echo in upper case, each connection until its end."""

    def converse(conn: fastzt.Socket | socket.socket) -> None:
        sock = conn.to_socket() if isinstance(conn, fastzt.Socket) else conn
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.suppress(OSError))
            stack.enter_context(sock)
            stream = stack.enter_context(context.wrap_socket(sock, server_side=True)) if context else sock
            while data := stream.recv(65536):
                stream.sendall(data.upper())

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=converse, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


@pytest.fixture(scope="module")
def port(house: House) -> Iterator[int]:
    """An echo server on the other member."""
    with house.pair.net_b.listen(0) as listener:
        serve(listener)
        yield listener.port


@pytest.fixture(scope="module")
def local() -> Iterator[int]:
    """One on this host."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serve(listener)
        yield listener.getsockname()[1]


def ask(host: str, port: int) -> bytes:
    with socket.create_connection((host, port), timeout=60) as sock:
        sock.sendall(b"hello")
        return sock.recv(100)


async def ask_async(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"hello")
    writer.write_eof()
    data = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    await writer.wait_closed()
    return data


@pytest.mark.parametrize(
    "destinations", [(), ("10.121.15.0/24", NAME), ("*.lab", "10.121.15.0/24"), ("files.lab.",)]
)
def test_chosen_destinations(house: House, port: int, local: int, destinations: tuple[str, ...]) -> None:
    before = socket.socket, socket.getaddrinfo
    with fastzt.patched(house.pair.net_a, *destinations) as network:
        assert network is house.pair.net_a
        assert ask(NAME, port) == b"HELLO"
        assert ask(house.ip, port) == b"HELLO"  # the name has led to it
        assert ask("127.0.0.1", local) == b"HELLO"
        assert asyncio.run(ask_async(NAME, port)) == b"HELLO"
        assert asyncio.run(ask_async(house.ip, port)) == b"HELLO"
        assert asyncio.run(ask_async("127.0.0.1", local)) == b"HELLO"
        assert socket.gethostbyname(NAME) == house.ip
        assert socket.gethostbyname("localhost") == "127.0.0.1"
    assert (socket.socket, socket.getaddrinfo) == before
    with pytest.raises(OSError):  # noqa: PT011
        socket.getaddrinfo(NAME, port)


def in_uvloop(*coroutines: Any) -> list[Any]:
    """What coroutines give, one after the other, in one of uvloop's loops."""
    uvloop = pytest.importorskip("uvloop")
    with contextlib.closing(uvloop.new_event_loop()) as loop:
        return [loop.run_until_complete(coroutine) for coroutine in coroutines]


def test_uvloop(house: House, port: int, local: int) -> None:
    before = dict(vars(pytest.importorskip("uvloop").Loop))
    with fastzt.patched(house.pair.net_a):
        asked = [ask_async(NAME, port), ask_async(house.ip, port), ask_async("127.0.0.1", local)]
        assert in_uvloop(*asked) == [b"HELLO"] * 3
        with pytest.raises(ConnectionRefusedError):
            in_uvloop(ask_async(house.ip, 9))
        with pytest.raises(OSError):  # noqa: PT011
            in_uvloop(ask_async("nobody.invalid", 9))
    assert dict(vars(pytest.importorskip("uvloop").Loop)) == before


def test_what_is_not_chosen_is_the_systems(house: House, port: int) -> None:
    with fastzt.patched(house.pair.net_a, "192.0.2.0/24"), socket.socket() as sock:
        assert sock.route_to((house.ip, port)) is None
        assert sock.route_to(("192.0.2.7", 80)) is not None
        with pytest.raises(fastzt.NoRouteError):
            sock.connect(("192.0.2.7", 80))


def test_a_decorator_returns_the_result(house: House, port: int) -> None:
    patch = fastzt.patched(house.pair.net_a)

    @patch
    def plain(host: str, *, more: str) -> tuple[bytes, str]:
        with patch:  # within itself
            return ask(host, port), more

    @patch
    async def later(host: str) -> bytes:
        return await ask_async(host, port)

    for _ in range(2):
        assert plain(NAME, more="x") == (b"HELLO", "x")
    assert asyncio.run(later(NAME)) == b"HELLO"
    assert plain.__name__ == "plain"
    assert not isinstance(socket.socket.__dict__.get("route_to"), type(plain))


def test_the_patched_socket_is_one_of_the_system(house: House, port: int) -> None:
    plain = socket.socket()
    with plain, fastzt.patched(house.pair.net_a), socket.socket(family=socket.AF_INET) as sock:
        assert isinstance(plain, socket.socket)
        assert issubclass(ssl.SSLSocket, socket.socket)
        sock.settimeout(60)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        descriptor = sock.fileno()
        sock.connect((house.ip, port))
        assert sock.fileno() == descriptor
        assert not os.get_inheritable(descriptor)
        assert sock.getpeername() == (house.ip, port)
        assert sock.getsockname()[0] == house.pair.ip(house.pair.net_a)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        sock.sendall(b"x")
        assert sock.recv(1) == b"X"
        one, other = socket.socketpair()
        with one, other:
            one.sendall(b"x")
            assert other.recv(1) == b"x"


def test_refusals(house: House) -> None:
    with fastzt.patched(house.pair.net_a):
        with pytest.raises(ConnectionRefusedError):
            ask(house.ip, 9)
        with pytest.raises(ConnectionRefusedError):
            asyncio.run(ask_async(house.ip, 9))
        with socket.socket() as sock:
            sock.settimeout(0.2)
            with pytest.raises(TimeoutError):
                sock.connect(("10.121.15.98", 80))


@pytest.mark.parametrize("new_loop", ["asyncio", "uvloop"])
def test_a_cancelled_connect_leaves_nothing(house: House, new_loop: str) -> None:
    async def main() -> None:
        task = asyncio.create_task(ask_async("10.121.15.97", 80))
        while not len(house.pair.a._driver.waiters):
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with fastzt.patched(house.pair.net_a):
        in_uvloop(main()) if new_loop == "uvloop" else asyncio.run(main())
    assert not len(house.pair.a._driver.waiters)


def test_tls_over_it(house: House) -> None:
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert(NAME).configure_cert(server)
    authority.configure_trust(client)
    with house.pair.net_b.listen(0) as listener, fastzt.patched(house.pair.net_a):
        serve(listener, server)
        connection = http.client.HTTPSConnection(NAME, listener.port, context=client, timeout=60)
        connection.connect()
        connection.sock.sendall(b"secret")
        assert connection.sock.recv(100) == b"SECRET"
        connection.close()

        async def main() -> bytes:
            reader, writer = await asyncio.open_connection(NAME, listener.port, ssl=client)
            writer.write(b"secret")
            data = await asyncio.wait_for(reader.readexactly(6), 60)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            return data

        assert asyncio.run(main()) == b"SECRET"
        assert in_uvloop(main()) == [b"SECRET"]


@pytest.mark.parametrize("destination", ["10.0.0.0/33", "10.0.0.300", "a b"])
def test_what_is_no_destination(house: House, destination: str) -> None:
    with pytest.raises(fastzt.InputError), fastzt.patched(house.pair.net_a, destination):
        raise AssertionError


def test_forwarded(house: House, port: int) -> None:
    with house.pair.net_a.forwarded(NAME, port) as (host, local_port):
        assert host == "127.0.0.1"
        assert ask(host, local_port) == b"HELLO"
        kept = socket.create_connection((host, local_port))
        kept.sendall(b"x")
        assert kept.recv(1) == b"X"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, local_port))
    with kept:
        kept.sendall(b"y")
        assert kept.recv(1) == b"Y"
    with house.pair.net_a.forwarded(house.ip, 9) as place, socket.create_connection(place) as sock:
        sock.settimeout(60)
        assert sock.recv(1) == b""


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="the system has no Unix sockets")
def test_forwarded_by_a_unix_socket(house: House, port: int, tmp_path: Path) -> None:
    path = tmp_path / "service"
    with house.pair.net_a.forwarded(NAME, port, path) as (where, number):
        assert (where, number) == (str(path), port)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(60)
            sock.connect(where)
            sock.sendall(b"z")
            assert sock.recv(1) == b"Z"
    assert not path.exists()


def test_the_end_of_a_forward_ends_what_still_connects(house: House) -> None:
    forwarded = house.pair.net_a.forwarded("10.121.15.96", 80, timeout=60)
    with socket.create_connection(forwarded.address) as sock:
        while not forwarded._pending:
            threading.Event().wait(0.002)
        forwarded.close()
        assert not forwarded._pending
        sock.settimeout(60)
        assert sock.recv(1) == b""
