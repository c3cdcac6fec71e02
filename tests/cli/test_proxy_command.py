"""fastzt proxy as a command, for curl and a browser; the pages come from behind fastzt expose."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.cli import PATIENCE, Background, Cli
from support.house import House
from support.programs import program
from support.web import web_server

PAGES = {
    "/": b"<!DOCTYPE html><title>T</title><body><script src=app.js></script><img src=x.svg></body>",
    "/app.js": b"document.body.append('loaded ' + location.host + ' ' + 6 * 7)",
    "/x.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
}


@contextmanager
def pages(house: House) -> Iterator[str]:
    """The address in the network of a web server that is exposed there."""
    with web_server(PAGES) as web, Background("expose", "80", "--to", str(web), *house.member(2)) as server:
        yield server.told()["addresses"][0]


def test_curl_with_a_password_from_a_descriptor(house: House) -> None:
    curl = program("curl", "curl")
    reader, writer = os.pipe()
    os.write(writer, b"p:ss word\n")
    os.close(writer)
    os.set_inheritable(reader, True)
    login = ["--user", "me", "--password-fd", str(reader)]
    options = ["--listen", "0", *login, *house.member(1)]
    with pages(house) as address, Background("proxy", *options, pass_fds=(reader,)) as proxy:
        os.close(reader)
        told = proxy.told()
        assert told["protocols"] == ["HTTP", "SOCKS5"]
        for scheme in ("socks5h", "http"):
            way = ["--proxy", f"{scheme}://127.0.0.1:{told['port']}", "--proxy-user", "me:p:ss word"]
            command = [curl, "-sS", "-m", str(PATIENCE), *way, f"http://{address}/"]
            done = subprocess.run(command, capture_output=True, check=False, timeout=2 * PATIENCE)
            assert (done.returncode, done.stderr, done.stdout) == (0, b"", PAGES["/"])
        assert proxy.stop() == (0, "")


@pytest.mark.timeout(600)
def test_a_browser_loads_a_page(house: House, tmp_path: Path) -> None:
    chromium = program("chromium", "chromium")
    with pages(house) as address, Background("proxy", "--listen", "0", *house.member(1)) as proxy:
        port = proxy.told()["port"]
        for scheme in ("socks5", "http"):
            command = [
                chromium,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                f"--user-data-dir={tmp_path / scheme}",
                f"--proxy-server={scheme}://127.0.0.1:{port}",
                "--dump-dom",
                f"http://{address}/",
            ]
            done = subprocess.run(command, capture_output=True, check=False, timeout=2 * PATIENCE)
            assert done.returncode == 0, done.stderr.decode()
            assert f"loaded {address} 42" in done.stdout.decode(), done.stderr.decode()


def test_others_must_authenticate(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    network = ["--network", "9ad07d01093a69e3"]
    for place in ("0.0.0.0:1080", "*:1080", "[::]:1080", "192.0.2.1:1080"):
        assert "wants --user" in cli.bad("proxy", "--listen", place, *network)
    assert "goes with a password" in cli.bad("proxy", "--user", "me", *network)
    monkeypatch.setenv("FASTZT_PROXY_PASSWORD", "secret")
    assert "goes with a password" in cli.bad("proxy", *network)
    monkeypatch.delenv("FASTZT_PROXY_PASSWORD")
    assert "cannot read" in cli.bad(
        "proxy", "--user", "me", "--password-file", str(tmp_path / "no"), *network
    )
    assert "descriptor" in cli.bad("proxy", "--user", "me", "--password-fd", "99", *network)
    assert "not host:port" in cli.bad("proxy", "--socks", "a:b:c", *network)
