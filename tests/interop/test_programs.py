"""Real programs at both ends, in namespaces that share nothing but a wire: all goes through the network."""

from __future__ import annotations

import contextlib
import getpass
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import netns
import pytest
from lab import HERE, Lab, fastzt
from requirement import unavailable
from support.authority import Authority
from support.programs import program
from support.services import postgres_server, redis_server, running, ssh_server, within

pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]
PATIENCE = 240.0
HTTPS = 8443
PAGE = b"<!DOCTYPE html><title>T</title><body><script src=app.js></script></body>"
SCRIPT = b"document.body.append('loaded ' + location.host + ' ' + 6 * 7)"


@dataclass
class Town:
    """`clients` is a namespace; the network's `host` has the usual servers, `web` a page."""

    lab: Lab
    nwid: str
    clients: str
    host: str
    web: str
    user: str
    key: Path
    authority: Path

    def options(self, name: str) -> list[str]:
        """Those of a command that is a member."""
        state, planet = self.lab.directory / name, self.lab.planet
        return ["--state", str(state), "--planet", str(planet), "--network", self.nwid]

    def run(self, *command: str) -> subprocess.CompletedProcess[bytes]:
        """Run a program among the clients."""
        return subprocess.run(
            within(self.clients, [*command]), capture_output=True, check=False, timeout=PATIENCE
        )


def told(lab: Lab, namespace: str, *command: str) -> str:
    """Start a command that serves; its node's address on the network."""
    process = lab.program(namespace, *command, "--timeout", "120", "--json", log=f"{command[0]}.log")
    return str(json.loads(process.line(PATIENCE))["addresses"][0])


@pytest.fixture(scope="module")
def town(library: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with contextlib.ExitStack() as stack:
        directory = tmp_path_factory.mktemp("programs")
        try:
            segment = netns.Segment("prog")
        except netns.Unavailable as error:
            unavailable(str(error))
        stack.callback(segment.close)
        lab = Lab(segment, library, directory)
        stack.callback(lab.close)
        servers, clients = lab.host("servers")[0], lab.host("clients")[0]
        nwid = lab.network()
        members = [lab.identity(directory / name) for name in ("forward", "expose", "python", "ssh", "proxy")]
        lab.admit(nwid, *members)
        made = Town(lab, nwid, clients, "", "", "", Path(), directory / "authority.pem")

        for name in ("redis", "sshd", "pages"):
            (directory / name).mkdir()
        redis = stack.enter_context(redis_server(directory / "redis", servers))
        ssh, made.key = stack.enter_context(ssh_server(directory / "sshd", servers))
        postgres, made.user = stack.enter_context(postgres_server(servers))
        ports = {22: ssh, 6379: redis, 5432: postgres, 443: HTTPS}
        forwards = [f"-R{port}:127.0.0.1:{there}" for port, there in ports.items()]
        made.host = told(lab, servers, "forward", *forwards, *made.options("forward"))
        stack.enter_context(https_server(made, directory, servers))
        (directory / "pages" / "index.html").write_bytes(PAGE)
        (directory / "pages" / "app.js").write_bytes(SCRIPT)
        pages = [sys.executable, "-m", "http.server", "8080", "--bind", "127.0.0.1"]
        pages += ["--directory", str(directory / "pages")]
        stack.enter_context(running(pages, 8080, directory / "pages.log", None, servers))
        made.web = told(lab, servers, "expose", "80", "--to", "8080", *made.options("expose"))
        yield made


def https_server(made: Town, directory: Path, namespace: str) -> contextlib.AbstractContextManager[int]:
    """uvicorn, with a certificate of a private authority for the address on the network."""
    authority = Authority(made.host)
    authority.ca.cert_pem.write_to_path(str(made.authority))
    chain, key = directory / "chain.pem", directory / "key.pem"
    authority.certificate.private_key_pem.write_to_path(str(key))
    for part in authority.certificate.cert_chain_pems:
        part.write_to_path(str(chain), append=True)
    command = [sys.executable, "-m", "uvicorn", "support.site:application", "--app-dir", str(HERE.parent)]
    command += ["--host", "127.0.0.1", "--port", str(HTTPS), "--lifespan", "off"]
    command += ["--ssl-keyfile", str(key), "--ssl-certfile", str(chain)]
    return running(command, HTTPS, directory / "uvicorn.log", None, namespace)


def test_python_clients(town: Town) -> None:
    """redis-py, psycopg, asyncpg; HTTPS by each HTTP client; a WebSocket."""
    where = [str(town.lab.directory / "python"), str(town.lab.planet), town.nwid]
    command = [sys.executable, str(HERE / "clients.py"), *where, town.host, town.user, str(town.authority)]
    done = town.run(*command)
    assert done.returncode == 0, done.stderr.decode()
    expected = ["redis", "psycopg", "asyncpg", "httpx", "httpx2", "requests", "urllib3", "aiohttp"]
    assert done.stdout.decode().split() == expected


def test_ssh(town: Town, tmp_path: Path) -> None:
    nc = shlex.join(fastzt("nc", *town.options("ssh")))
    options = {
        "ProxyCommand": f"{nc} %h %p",
        "UserKnownHostsFile": str(tmp_path / "known"),
        "StrictHostKeyChecking": "accept-new",
        "IdentityFile": str(town.key),
        "IdentitiesOnly": "yes",
        "BatchMode": "yes",
        "LogLevel": "ERROR",
    }
    command = [program("ssh", "openssh-client"), "-F", "none"]
    command += [f"-o{name}={value}" for name, value in options.items()]
    done = town.run(*command, f"{getpass.getuser()}@{town.host}", "echo logged in")
    assert (done.returncode, done.stdout) == (0, b"logged in\n"), done.stderr.decode()


def test_curl_and_a_browser(town: Town, tmp_path: Path) -> None:
    """Through fastzt proxy, to a page that fastzt expose serves."""
    process = town.lab.program(
        town.clients, "proxy", "--listen", "0", *town.options("proxy"), "--json", log="proxy.log"
    )
    port = json.loads(process.line(PATIENCE))["port"]
    for scheme in ("socks5h", "http"):
        curl = [program("curl", "curl"), "-sS", "-m", "120", "--proxy", f"{scheme}://127.0.0.1:{port}"]
        done = town.run(*curl, f"http://{town.web}/")
        assert (done.returncode, done.stdout) == (0, PAGE), done.stderr.decode()
    chromium = [program("chromium", "chromium"), "--headless", "--no-sandbox", "--disable-gpu"]
    chromium += ["--disable-dev-shm-usage", "--no-first-run", f"--user-data-dir={tmp_path}"]
    done = town.run(
        *chromium, f"--proxy-server=socks5://127.0.0.1:{port}", "--dump-dom", f"http://{town.web}/"
    )
    assert done.returncode == 0, done.stderr.decode()
    assert f"loaded {town.web} 42" in done.stdout.decode(), done.stderr.decode()
