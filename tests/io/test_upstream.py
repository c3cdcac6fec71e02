"""A tunnel to a TCP relay through real proxies: microsocks (SOCKS5) and tinyproxy (HTTP CONNECT)."""

from __future__ import annotations

import ipaddress
import queue
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cli import Cli
from support.ports import free_tcp_port
from support.programs import program

from fastzt._core.datagram_batch import DatagramBatch, TransmitBatch
from fastzt._core.endpoint import Endpoint
from fastzt._core.slab import Slab
from fastzt.errors import InputError
from fastzt.io.relay_server import RelayServer
from fastzt.io.tunnel import Tunnel
from fastzt.io.upstream import UpstreamProxy, dial, parse_upstream
from fastzt.wire.socks5 import ProxyRefusedError

PATIENCE = 60.0
PACKET = bytes(8) + b"\x01\x02\x03\x04\x05" + b"\x06\x07\x08\x09\x0a" + b"\x18" + bytes(20)
KINDS = ("socks5", "http")


def command(kind: str, port: int, directory: Path) -> list[str]:
    """A proxy on loopback that wants the user `me` with the password `secret`."""
    if kind == "socks5":
        login = ["-u", "me", "-P", "secret"]
        return [program("microsocks", "microsocks"), "-i", "127.0.0.1", "-p", str(port), *login]
    config = directory / "tinyproxy.conf"
    config.write_text(f"Port {port}\nListen 127.0.0.1\nTimeout 600\nBasicAuth me secret\nLogLevel Error\n")
    return [program("tinyproxy", "tinyproxy-bin"), "-d", "-c", str(config)]


@pytest.fixture(params=KINDS)
def proxy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[UpstreamProxy]:
    port = free_tcp_port()
    process = subprocess.Popen(
        command(request.param, port, tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until_listening(port)
        yield UpstreamProxy(request.param, "127.0.0.1", port, "me", "secret")
    finally:
        process.kill()
        process.wait()


def until_listening(port: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return
        except ConnectionRefusedError:
            threading.Event().wait(0.02)
    raise AssertionError("the proxy does not listen")


def test_a_tunnel_through_a_proxy(proxy: UpstreamProxy) -> None:
    stop = threading.Event()
    states: queue.Queue[bool] = queue.Queue()
    arrived: queue.Queue[bytes] = queue.Queue()
    relay = RelayServer([("127.0.0.1", 0)], [ipaddress.ip_network("127.0.0.0/8")])

    def serve() -> None:
        while not stop.is_set():
            relay.serve_once(0.05)

    def receive(batch: DatagramBatch) -> None:
        for i in range(batch.count):
            offset, length, _, _, _ = batch.message(i)
            arrived.put(bytes(batch.slab.view[offset : offset + length]))

    thread = threading.Thread(target=serve)
    thread.start()
    tunnel = Tunnel(relay.endpoints[0], 7, receive, states.put, proxy)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.bind(("127.0.0.1", 0))
        far.settimeout(PATIENCE)
        try:
            tunnel.want(True)
            assert states.get(timeout=PATIENCE) is True
            out = TransmitBatch(Slab(4096))
            offset = out.reserve(len(PACKET))
            out.slab.view[offset : offset + len(PACKET)] = PACKET
            out.commit(len(PACKET), 7, Endpoint.parse(*far.getsockname()))
            tunnel.send(out, 0)
            data, source = far.recvfrom(4096)
            assert data == PACKET
            far.sendto(PACKET + b"back", source)
            assert arrived.get(timeout=PATIENCE) == PACKET + b"back"
        finally:
            tunnel.close()
            stop.set()
            thread.join()
            relay.close()


def test_refusals_say_why(proxy: UpstreamProxy) -> None:
    wrong = UpstreamProxy(proxy.kind, proxy.host, proxy.port, "me", "wrong")
    with pytest.raises(ProxyRefusedError, match=r"refuses username|407|401"):
        dial(wrong, "127.0.0.1", free_tcp_port(), PATIENCE)
    with pytest.raises(ProxyRefusedError, match="proxy"):
        dial(proxy, "127.0.0.1", free_tcp_port(), PATIENCE)


def test_urls() -> None:
    assert parse_upstream("socks5h://a%40b:p%3Aw@[::1]") == UpstreamProxy("socks5", "::1", 1080, "a@b", "p:w")
    assert parse_upstream("http://host:3128/") == UpstreamProxy("http", "host", 3128)
    assert "secret" not in repr(parse_upstream("http://u:secret@host"))
    for url in ("", "host:1", "https://host", "http://", "http://host:0", "http://host:x", "http://h/p?q"):
        with pytest.raises(InputError, match="not an upstream proxy"):
            parse_upstream(url)


def test_passwords_stay_off_the_command_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cli = Cli(capsys)
    join = ["join", "9ad07d01093a69e3", "--state", str(tmp_path / "state"), "--timeout", "0.1"]
    assert "seen by all" in cli.bad(*join, "--upstream-proxy", "http://me:secret@127.0.0.1:1")
    assert "not an upstream proxy" in cli.bad(*join, "--upstream-proxy", "ftp://127.0.0.1:1")
    monkeypatch.setenv("FASTZT_UPSTREAM_PROXY", "http://me:secret@127.0.0.1:1")
    assert "leads to a TCP relay" in cli.bad(*join, "--tcp-relay", "")
