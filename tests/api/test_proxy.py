"""The proxy, asked by curl, PySocks and python-socks."""

from __future__ import annotations

import contextlib
import random
import socket
import subprocess
import threading
from collections.abc import Iterator

import pytest
import socks
from python_socks import ProxyConnectionError, ProxyError, ProxyType
from python_socks.sync import Proxy as Client
from support.cli import PATIENCE
from support.dns_house import DOMAIN, House
from support.nodes import Pair, lab
from support.programs import program
from support.web import web_server

import fastzt
from fastzt.gateway.forwarding import Forwarding
from fastzt.gateway.forwards import Forward
from fastzt.gateway.proxy import HTTP, SOCKS, Login, Proxy

PAGE = random.Random(3).randbytes((4 if fastzt.is_compiled() else 1) << 20)


class Scene:
    """A web server behind node b, a DNS server there, and a proxy on node a."""

    def __init__(self, pair: Pair, web: int) -> None:
        self.pair = pair
        self.heard: list[str] = []
        self.forwarding = Forwarding(
            pair.net_b, (Forward(True, "", 80, "127.0.0.1", web),), self.heard.append
        )
        self.ip = pair.ip(pair.net_b)
        house = House(pair)
        house.server.records = {f"www.{DOMAIN}": [("A", self.ip)]}
        house.configure(DOMAIN, house.ip)
        self.open = Proxy(pair.net_a, self.heard.append)
        self.port = self.open.listen("127.0.0.1", 0)[1]
        self.locked = Proxy(pair.net_a, self.heard.append, Login("user", "p:ss"))
        self.locked_port = self.locked.listen("127.0.0.1", 0)[1]

    def close(self) -> None:
        for item in (self.open, self.locked, self.forwarding):
            item.close()


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with web_server({"/": PAGE, "/small": b"small"}) as web, lab() as made:
        nwid = made.network()
        a, b = made.node(1), made.node(2)
        made.authorize(nwid, a, b)
        scene = Scene(Pair(made, nwid, a, b, a.join(nwid), b.join(nwid)), web)
        yield scene
        scene.close()


def curl(*arguments: str) -> tuple[int, bytes]:
    """Exit status and what it fetched."""
    command = [program("curl", "curl"), "--silent", "--max-time", str(PATIENCE), *arguments]
    done = subprocess.run(command, capture_output=True, check=False, timeout=2 * PATIENCE)
    return done.returncode, done.stdout


WAYS = {
    "socks": ["--proxy", "socks5h://127.0.0.1:PORT"],
    "plain": ["--proxy", "http://127.0.0.1:PORT"],
    "tunnel": ["--proxytunnel", "--proxy", "http://127.0.0.1:PORT"],
}


@pytest.mark.parametrize("way", WAYS)
def test_curl(scene: Scene, way: str) -> None:
    proxy = [text.replace("PORT", str(scene.port)) for text in WAYS[way]]
    assert curl(*proxy, f"http://{scene.ip}/") == (0, PAGE)
    # Two requests on what may be one connection, by a name that only the network's DNS knows.
    url = f"http://www.{DOMAIN}/small"
    assert curl(*proxy, url, url) == (0, b"smallsmall")
    body = "x" * 100_000
    assert curl(*proxy, "--data", body, f"http://{scene.ip}/echo") == (0, body.encode())


@pytest.mark.parametrize("way", WAYS)
def test_curl_authenticates(scene: Scene, way: str) -> None:
    proxy = [text.replace("PORT", str(scene.locked_port)) for text in WAYS[way]]
    url = f"http://{scene.ip}/small"
    assert curl(*proxy, "--proxy-user", "user:p:ss", url) == (0, b"small")
    for wrong in ([], ["--proxy-user", "user:no"], ["--proxy-user", "other:p:ss"]):
        status, data = curl(*proxy, *wrong, "--write-out", "%{http_code}", url)
        if way == "plain":
            assert (status, data) == (0, b"who are you?\n407")
        else:
            assert (status, data) == ({"socks": 97, "tunnel": 56}[way], b"000")


def test_curl_is_told_why(scene: Scene) -> None:
    plain = ["--proxy", f"http://127.0.0.1:{scene.port}", "--write-out", "%{http_code}"]
    status, data = curl(*plain, "http://192.0.2.1/")
    assert status == 0
    assert data.endswith(b"no route to 192.0.2.1\n502")
    assert b"refused" in curl(*plain, f"http://{scene.ip}:1/")[1]
    assert b"knows no host" in curl(*plain, f"http://nobody.{DOMAIN}/")[1]
    assert curl("--proxy", f"socks5h://127.0.0.1:{scene.port}", f"http://{scene.ip}:1/")[0] == 97


def test_python_socks(scene: Scene) -> None:
    for kind in (ProxyType.SOCKS5, ProxyType.HTTP):
        client = Client.create(kind, "127.0.0.1", scene.locked_port, "user", "p:ss", rdns=True)
        with client.connect(f"www.{DOMAIN}", 80, timeout=PATIENCE) as sock:
            sock.sendall(b"GET /small HTTP/1.0\r\n\r\n")
            sock.shutdown(socket.SHUT_WR)
            assert sock.makefile("rb").read().endswith(b"\r\n\r\nsmall")
        wrong = Client.create(kind, "127.0.0.1", scene.locked_port, "user", "pass", rdns=True)
        with pytest.raises(ProxyError):
            wrong.connect(scene.ip, 80, timeout=PATIENCE)
    refused = Client.create(ProxyType.SOCKS5, "127.0.0.1", scene.port)
    with pytest.raises((ProxyError, ProxyConnectionError), match="refused"):
        refused.connect(scene.ip, 1, timeout=PATIENCE)


def test_pysocks_associates(scene: Scene) -> None:
    def echo() -> None:
        for _ in range(2):
            data, source = far.recvfrom(2000)
            far.sendto(data[::-1], source)

    with scene.pair.net_b.udp(0) as far, socks.socksocket(socket.AF_INET, socket.SOCK_DGRAM) as near:
        far.settimeout(PATIENCE)
        thread = threading.Thread(target=echo)
        thread.start()
        near.set_proxy(socks.SOCKS5, "127.0.0.1", scene.locked_port, True, "user", "p:ss")
        near.settimeout(PATIENCE)
        for host, text in ((scene.ip, b"first"), (f"www.{DOMAIN}", b"second" * 200)):
            near.sendto(text, (host, far.port))
            assert near.recvfrom(2000) == (text[::-1], (scene.ip, far.port))
        thread.join(PATIENCE)


def test_a_port_for_each_protocol(scene: Scene) -> None:
    proxy = Proxy(scene.pair.net_a, scene.heard.append)
    with proxy:
        only_http = proxy.listen("127.0.0.1", 0, frozenset({HTTP}))[1]
        only_socks = proxy.listen("127.0.0.1", 0, frozenset({SOCKS}))[1]
        url = f"http://{scene.ip}/small"
        assert curl("--proxy", f"http://127.0.0.1:{only_http}", url) == (0, b"small")
        assert curl("--proxy", f"socks5h://127.0.0.1:{only_socks}", url) == (0, b"small")
        assert curl("--proxy", f"http://127.0.0.1:{only_socks}", url)[0] != 0
        assert curl("--proxy", f"socks5h://127.0.0.1:{only_http}", url)[0] != 0
        with socket.create_connection(("127.0.0.1", only_http), PATIENCE) as sock:
            sock.sendall(b"\x05\x01\x00")  # the first byte tells: nobody waits for the rest of a request
            assert sock.makefile("rb").readline().startswith(b"HTTP/1.1 400 ")


def test_what_is_no_request(scene: Scene) -> None:
    def told(data: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", scene.port), PATIENCE) as sock:
            sock.sendall(data)
            with contextlib.suppress(OSError):  # the proxy may have turned us away by now
                sock.shutdown(socket.SHUT_WR)
            try:
                return sock.makefile("rb").read()
            except ConnectionResetError:
                return b"reset"

    assert told(b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert told(b"GET http://x/ HTTP/1.1\r\nA: " + b"x" * 70_000).startswith(b"HTTP/1.1 431 ")
    bind = b"\x05\x01\x00" + b"\x05\x02\x00\x01\x7f\0\0\x01\0\x50"
    assert told(bind) == b"\x05\x00" + b"\x05\x07\x00\x01" + bytes(6)
    assert told(b"\x05\x01\x00\x06") in (b"\x05\x00", b"reset")
    assert told(b"") in (b"", b"reset")
