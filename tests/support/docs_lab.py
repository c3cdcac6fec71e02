"""Where the documents' code runs: a network whose hosts have the addresses that the documents use.

The public roots are the lab's root, the network of the documents one of the lab's, which lets everybody in.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import fastzt
from fastzt.api.closing import Closing
from fastzt.identity.identity import Identity
from fastzt.lab.network import FIELDS, Lab
from fastzt.lab.server import answer
from fastzt.node import overlay

from .nodes import LOOPBACK
from .ports import free_port

IDENTITIES = (
    Path(__file__).parent.parent / "sim" / "identities.txt"
)  # making them takes minutes when interpreted
STATE = re.compile(r"""(?:state="|--state )([\w-]+)""")
NETWORK = "9ad07d01093a69e3"
HOSTS = ["10.121.15.99", "10.121.15.7"]
HTTP = (80, 5380)
ECHO = (7, 5432, 6379)
VISITED = (80, 8080)  # ports at which somebody calls whoever listens
PATIENCE = 120.0
SITE = """
import fastzt.node.planets
from fastzt.wire.world import World

def lab():
    with open({planet!r}, "rb") as file:
        return World.parse(file.read())

fastzt.node.planets.default_planet = lab
"""


class Stage(Closing):
    """The lab, its host with services, and somebody who visits servers of the readers. A context manager."""

    def __init__(self, directory: Path) -> None:
        self._stack = ExitStack()
        self.directory = directory
        self._secrets = iter(IDENTITIES.read_text().split())
        self.lab = self._stack.enter_context(Lab(directory / "lab", Identity.parse(self.secret())))
        pools = [{"ipRangeStart": "10.121.15.10", "ipRangeEnd": "10.121.15.90"}]
        self.network = self.lab.create(**{**FIELDS, "private": False, "ipAssignmentPools": pools})
        self.done = threading.Event()
        self.host = self.lab.member("host", Identity.parse(self.secret()))
        self._assign(self.host.id, HOSTS)
        self.net = self.host.join(self.network, timeout=PATIENCE)
        for port in HTTP:
            self._serve(self.net, port, answer)
        for port in ECHO:
            self._serve(self.net, port, echo)
        self._overlay()
        self._thread(self._datagrams)
        self._thread(self._visit)
        site = directory / "site"
        site.mkdir()
        planet = directory / "planet"
        planet.write_bytes(self.lab.planet)
        (site / "sitecustomize.py").write_text(SITE.format(planet=str(planet)))
        self.site = site

    def secret(self) -> str:
        """An identity that nobody has yet."""
        return next(self._secrets)

    def _overlay(self) -> None:
        """A host that needs neither root nor controller."""
        identity, port = Identity.parse(self.secret()), free_port()
        node = fastzt.Node(identity=identity.to_text(secret=True), port=port, peers=(), config=LOOPBACK)
        self._stack.callback(node.close)
        net = node.join(overlay.NETWORK)
        self._serve(net, 80, answer)
        address = next(str(own.ip) for own in net.addresses if own.version == 4)
        peer = f"{identity.to_text()}@127.0.0.1/{port}"
        self.substitutes = {"IDENTITY@192.0.2.1/9993": peer, "10.29.90.200": address}

    def _assign(self, node: str, hosts: list[str]) -> None:
        nwid, address = int(self.network, 16), int(node, 16)
        fields = {"authorized": True, "ipAssignments": hosts}
        self.lab.root.perform(lambda core, now: core.controller.update_member(nwid, address, fields, now))

    def _thread(self, run: Any) -> None:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()

    def _serve(self, net: fastzt.Network, port: int, serve: Any) -> None:
        listener = net.listen(port)

        def accept() -> None:
            while not self.done.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=survive, args=(serve, connection), daemon=True).start()

        self._thread(accept)
        self._stack.callback(listener.close)

    def _datagrams(self) -> None:
        with self.net.udp(9000) as sock:
            sock.settimeout(0.2)
            while not self.done.is_set():
                try:
                    data, sender = sock.recvfrom(2048)
                    sock.sendto(data, sender)
                except OSError:
                    continue

    def _visit(self) -> None:
        """Fetch a page of every member that serves one; some are gone, so that none waits for another."""
        nwid = int(self.network, 16)
        under_way: dict[tuple[str, int], threading.Thread] = {}
        while not self.done.wait(0.2):
            members = self.lab.root.perform(lambda core, now: core.controller.members(nwid))
            found = [ip for member in members for ip in member["ipAssignments"][:1] if ip not in HOSTS]
            for place in [(ip, port) for ip in found for port in VISITED]:
                if place not in under_way or not under_way[place].is_alive():
                    thread = threading.Thread(target=survive, args=(visit, self.net, *place), daemon=True)
                    under_way[place] = thread
                    thread.start()

    def environment(self, home: Path) -> dict[str, str]:
        """For a reader's program: a home of its own, the lab's root for the public ones."""
        kept = {name: os.environ[name] for name in ("FASTZT_PURE", "LANG") if name in os.environ}
        path = f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin"
        return {
            **kept,
            "HOME": str(home),
            "PATH": path,
            "PYTHONPATH": str(self.site),
            "PYTHONUNBUFFERED": "1",
        }

    def close(self) -> None:
        """End everything."""
        self.done.set()
        self._stack.close()


def survive(run: Any, *arguments: Any) -> None:
    """A client or server that goes away is its own affair."""
    with suppress(OSError):
        run(*arguments)


def echo(connection: Any) -> None:
    """Send back what comes."""
    with connection:
        while data := connection.recv(4096):
            connection.sendall(data)


def visit(net: Any, address: str, port: int) -> None:
    """One GET."""
    with net.connect((address, port), timeout=2) as connection:
        connection.settimeout(5)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n")
        connection.recv(4096)


class Reader(Closing):
    """Somebody who types what a page says, in a directory of his own."""

    def __init__(self, stage: Stage, home: Path) -> None:
        self.stage = stage
        self.home = home
        self.environment = stage.environment(home)
        self.running: dict[subprocess.Popen[str], str] = {}  # with what each printed at first
        self.substitutes = {NETWORK: stage.network, **stage.substitutes}
        self.state = home / ".local" / "state" / "fastzt"
        self.settle(self.state)
        self.run("fastzt", "join", stage.network, "--wait")  # readers have a node of their own

    def settle(self, state: Path) -> None:
        """Make a state directory with an identity."""
        state.mkdir(0o700, parents=True)
        (state / "identity.secret").touch(0o600)
        (state / "identity.secret").write_text(self.stage.secret())

    def prepare(self, text: str) -> None:
        """The states that a page names have identities."""
        for name in sorted(set(STATE.findall(text))):
            self.settle(self.home / name)

    def host_network(self) -> None:
        """What rules.md is about: a network of the reader's own, and a member of it."""
        state, env = str(self.state), {**os.environ, **self.environment}
        command = ["fastzt", "controller", "create", "--state", state, "--json"]
        made = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE, check=True)
        self.substitutes |= {"NWID": json.loads(made.stdout)["id"], "NODE": self.stage.host.id}

    def translate(self, text: str) -> str:
        """The lab's network in place of the documents', and what else is the lab's own."""
        for name, own in self.substitutes.items():
            text = text.replace(name, own)
        return text

    def run(self, *command: str) -> None:
        """Run to the end; AssertionError with the output when it fails."""
        done = subprocess.run(
            command,
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout}"

    def start(self, *command: str, until: str = "", times: int = 1) -> subprocess.Popen[str]:
        """Start what runs until stopped, and wait for the first thing that it says, or until it says that."""
        process = subprocess.Popen(
            command,
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        watchdog = threading.Timer(PATIENCE, process.kill)
        watchdog.start()
        assert process.stdout is not None
        first = ""
        while not first or first.count(until) < times:
            line = process.stdout.readline()
            assert line, f"{command[-1]} ended with {process.wait()}: {first}"
            first += line
        watchdog.cancel()
        self.running[process] = first
        return process

    def stop(self, process: subprocess.Popen[str]) -> None:
        """As Ctrl-C does."""
        first = self.running.pop(process)
        ended = process.poll() is not None
        if not ended:
            os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=PATIENCE)
        assert not ended, first + output
        assert "Traceback" not in output, first + output

    @contextmanager
    def serving(self, *command: str) -> Iterator[None]:
        """While it runs."""
        process = self.start(*command)
        try:
            yield
        finally:
            self.stop(process)

    def close(self) -> None:
        """Stop what still runs, the last first."""
        with ExitStack() as stack:
            for process in self.running.copy():
                stack.callback(self.stop, process)
