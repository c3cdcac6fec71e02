"""nc, expose and forward on a network of their own."""

from __future__ import annotations

import concurrent.futures
import random
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from support.cli import PATIENCE, Background, Cli
from support.house import House, Piped
from support.ports import free_port, free_tcp_port
from support.web import web_server

import fastzt

VOLUME = (8 if fastzt.is_compiled() else 1) << 20
BODY = random.Random(1).randbytes(VOLUME)
BACK = random.Random(2).randbytes(VOLUME // 2)


@pytest.fixture
def web() -> Iterator[int]:
    """The port of a web server of this host."""
    with web_server({"/": BODY}) as port:
        yield port


def get(port: int) -> bytes:
    """The body that a web server at a port of this host gives, by a plain request."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        data = b"".join(iter(partial(sock.recv, 1 << 16), b""))
    return data.partition(b"\r\n\r\n")[2]


def test_nc_both_ways(house: House) -> None:
    with Piped("nc", "-l", "7000", "-v", *house.member(2)) as server:
        address = server.said().split()[4]
        with Piped("nc", address, "7000", "-v", *house.member(1)) as client:
            assert client.said().startswith(f"connected to {address} port 7000")
            with concurrent.futures.ThreadPoolExecutor() as pool:
                ends = [pool.submit(server.finish, BACK), pool.submit(client.finish, BODY)]
                (status, taken, _), (other, returned, _) = [end.result() for end in ends]
    assert (status, other) == (0, 0)
    assert taken == BODY
    assert returned == BACK


def test_nc_udp(house: House) -> None:
    with Piped("nc", "-u", "-l", "7001", "-v", *house.member(2)) as server:
        address = server.said().split()[4]
        with Piped("nc", "-u", address, "7001", *house.member(1)) as client:
            assert client.process.stdin is not None
            assert server.process.stdin is not None
            client.process.stdin.write(b"one\n")
            client.process.stdin.flush()
            assert server.wrote() == "one\n"
            server.process.stdin.write(b"two\n")
            server.process.stdin.flush()
            assert client.wrote() == "two\n"
            assert client.finish()[0] == 0
            assert server.interrupt()[0] == 1


def test_nc_says_what_is_wrong(house: House, cli: Cli) -> None:
    assert "wants HOST and PORT" in cli.bad("nc", "10.0.0.1", *house.member(1))
    with Background("udp-listen", "9000", *house.member(2)) as other:
        address = other.told()["listening"]
        with Piped("nc", address, "1", *house.member(1)) as refused:
            assert refused.finish() == (1, b"", f"fastzt: Connection refused: {address} port 1\n")


def test_expose_and_forward(house: House, web: int) -> None:
    with Background("expose", "80", "--to", str(web), *house.member(2)) as server:
        told = server.told()
        address, port = told["addresses"][0], free_tcp_port()
        assert told["forwards"][0]["to_port"] == web
        with Background("forward", "-L", f"{port}:{address}:80", *house.member(1)) as client:
            assert client.told()["forwards"][0]["host"] == address
            assert get(port) == BODY
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                assert all(body == BODY for body in pool.map(get, [port] * 16))
            assert client.stop() == (0, "")
        assert server.stop() == (0, "")


def test_forward_tells_of_a_target_that_refuses(house: House) -> None:
    closed, port = free_tcp_port(), free_tcp_port()
    with Background("expose", "81", "--to", f"127.0.0.1:{closed}", *house.member(2)) as server:
        address = server.told()["addresses"][0]
        with Background("forward", "-L", f"{port}:{address}:81", *house.member(1)) as client:
            client.told()
            with pytest.raises(ConnectionResetError):
                get(port)
        status, err = server.stop()
        assert status == 0
        assert "refused" in err


def test_datagrams_are_forwarded_from_a_file(house: House, tmp_path: Path) -> None:
    there, port = free_port(), free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as echo:
        echo.bind(("127.0.0.1", there))
        echo.settimeout(PATIENCE)
        with Background("expose", "53", "--udp", "--to", str(there), *house.member(2)) as server:
            address = server.told()["addresses"][0]
            config = tmp_path / "forwards.toml"
            config.write_text(
                f'network = "{house.network}"\n[[forward]]\nlisten = {port}\n'
                f'connect = "{address}:53"\nprotocol = "udp"\n'
            )
            options = house.member(1)
            at = options.index("--network")
            del options[at : at + 2]
            with Background("forward", "--config", str(config), *options) as client:
                client.told()
                for name in (b"a", b"b"):
                    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
                        asker.settimeout(PATIENCE)
                        for turn in (b"1", b"2"):
                            asker.sendto(name + turn, ("127.0.0.1", port))
                            data, source = echo.recvfrom(100)
                            echo.sendto(data + b"!", source)
                            assert asker.recv(100) == name + turn + b"!"
                assert client.stop() == (0, "")
            assert server.stop() == (0, "")


def test_interrupted_commands_end(house: House, web: int) -> None:
    with Piped("expose", "80", "--to", str(web), *house.member(2)) as server:
        assert server.wrote().startswith("node ")
        assert server.interrupt() == (0, "")
    with Piped("nc", "-l", "80", "-v", *house.member(2)) as waiting:
        assert "listening" in waiting.said()
        assert waiting.interrupt() == (1, "\n")
