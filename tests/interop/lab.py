"""A network for interop: fastzt's own root and controller by its command line, and peers of both kinds."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands import digest
from netns import INSIDE, SUBNET, Segment
from process import PATIENCE, Peer, Process, until

from fastzt import is_compiled

HERE = Path(__file__).parent
ROOT_NUMBER = 1
PORT = 9993
TRANSFER_PATIENCE = 150.0


def fastzt(*arguments: str) -> list[str]:
    """The command line of fastzt with this interpreter."""
    return [sys.executable, "-m", "fastzt", *arguments]


class Lab:
    """Root and controller in a namespace of their own; `fastzt` and `libzt` add nodes, `network` networks.

    `second_root`: there is another root, without a controller.
    """

    def __init__(
        self, segment: Segment, library: tuple[Path, Path], directory: Path, *, second_root: bool = False
    ) -> None:
        self.segment = segment
        self.library = library
        self.directory = directory
        self.state = directory / "root"
        self.planet = directory / "planet"
        self._stack = contextlib.ExitStack()
        self.ip = f"{SUBNET}.{ROOT_NUMBER}"
        self._hosts = ROOT_NUMBER
        self._subnets = 0
        self._identities = (HERE / "identities.txt").read_text().splitlines()
        self._namespace = segment.host("root", ROOT_NUMBER)
        self.roots: dict[str, Process] = {}
        try:
            self._start_roots([directory / "root2"] if second_root else [])
        except BaseException:
            self.close()
            raise

    def _start_roots(self, others: list[Path]) -> None:
        places = [
            (self.state, self._namespace, self.ip),
            *((state, *self.host(state.name)) for state in others),
        ]
        roots = []
        for state, _, ip in places:
            self.identity(state)
            roots += ["--root", f"{state / 'identity.secret'}@{ip}/{PORT}"]
        self.cli("planet", "make", *roots, "--output", str(self.planet))
        for state, namespace, _ in places:
            role = ("root", "--controller") if state == self.state else ("root",)
            options = ("--planet", str(self.planet), "--state", str(state), "--json")
            process = self.program(namespace, *role, *options, log=f"{state.name}.log")
            self.roots[str(json.loads(process.line())["node"])] = process
        self.root_id = next(iter(self.roots))

    def identity(self, state: Path) -> str:
        """Give a state directory an identity; its address.

        The search for one takes the interpreted build a minute, so there it is one of those kept for tests.
        """
        if is_compiled():
            made = self.cli("identity", "new", "--state", str(state), "--json")
        else:
            ready = self.directory / f"{state.name}.identity"
            ready.write_text(self._identities.pop(0))
            made = self.cli("identity", "import", str(ready), "--state", str(state), "--json")
        return str(json.loads(made)["address"])

    def cli(self, *arguments: str) -> str:
        """Run a fastzt command that uses no network; its output. Raises CalledProcessError."""
        result = subprocess.run(fastzt(*arguments), capture_output=True, text=True, timeout=60)
        if result.returncode:
            raise AssertionError(f"fastzt {' '.join(arguments)}: {result.returncode}: {result.stderr}")
        return result.stdout

    def network(self, *members: Member, ipv6: str = "") -> str:
        """Create a private network with a subnet of its own, `members` being authorized; its id.

        `ipv6`: it has IPv6 as well: a subnet of it ("managed"), or "rfc4193" or "6plane" addresses.
        """
        self._subnets += 1
        subnets = ["--subnet", f"10.121.{self._subnets}.0/24"]
        if ipv6 == "managed":
            subnets += ["--subnet", f"2001:db8:{self._subnets:x}::/64"]
        state = ("--state", str(self.state))
        nwid = self.cli("controller", "create", *subnets, *state).strip()
        if ipv6 and ipv6 != "managed":
            self.cli("controller", "set", nwid, f"--{ipv6}", *state)
        self.authorize(nwid, *members)
        return nwid

    def authorize(self, nwid: str, *members: Member) -> None:
        """Let members into a network."""
        self.admit(nwid, *(member.id for member in members))

    def admit(self, nwid: str, *addresses: str) -> None:
        """Let nodes into a network by their ZeroTier addresses."""
        if addresses:
            self.cli("controller", "authorize", nwid, *addresses, "--state", str(self.state))

    def revoke(self, nwid: str, member: Member) -> None:
        """Put a node out of a network."""
        self.cli("controller", "authorize", nwid, member.id, "--revoke", "--state", str(self.state))

    def records(self, nwid: str) -> list[dict[str, Any]]:
        """The controller's records of a network's members."""
        text = self.cli("controller", "list", nwid, "--state", str(self.state), "--json")
        found: list[dict[str, Any]] = json.loads(text)
        return found

    def host(self, name: str) -> tuple[str, str]:
        """A further host: its namespace and IP."""
        self._hosts += 1
        return self.segment.host(name, self._hosts), f"{SUBNET}.{self._hosts}"

    def behind(self, name: str, rules: Callable[[str, str], str]) -> tuple[str, str]:
        """A host behind a router of its own: its namespace and IP; `rules(outside, inside)` is for nft."""
        self._hosts += 1
        outside, inside = f"{SUBNET}.{self._hosts}", f"{INSIDE}.{self._hosts}.2"
        return self.segment.behind(name, self._hosts, rules(outside, inside))

    def fastzt(
        self,
        name: str,
        host: tuple[str, str] | None = None,
        port: int = 0,
        tcp_relay: str = "",
        **environment: str,
    ) -> Member:
        """Start a fastzt node, on a host of its own unless one is given."""
        namespace, ip = host or self.host(name)
        self.identity(self.directory / name)
        program = [str(HERE / "fastzt_peer.py"), str(self.directory / name), str(self.planet), str(port)]
        program += [tcp_relay] if tcp_relay else []
        return self._start(name, namespace, ip, program, **environment)

    def libzt(self, name: str, host: tuple[str, str] | None = None, *, alone: bool = False) -> Member:
        """Start a real node, on a host of its own unless one is given; `alone`: with one port only."""
        namespace, ip = host or self.host(name)
        home = self.directory / name
        home.mkdir()
        (home / "roots").write_bytes(self.planet.read_bytes())
        program = [str(HERE / "libzt_peer.py"), *map(str, self.library), str(home), str(PORT)]
        program += ["alone"] if alone else []
        return self._start(name, namespace, ip, program)

    def _start(self, name: str, namespace: str, ip: str, program: list[str], **environment: str) -> Member:
        log = self.directory / f"{name}.log"
        peer = Peer(namespace, [sys.executable, *program], log, env={**os.environ, **environment})
        self._stack.callback(peer.stop)
        peer.call("start")
        return Member(name, namespace, ip, peer, until(lambda: peer.call("id"), f"an identity for {name}"))

    def program(self, namespace: str, *arguments: str, log: str) -> Process:
        """Start a fastzt command in a namespace."""
        process = Process(namespace, fastzt(*arguments), self.directory / log)
        self._stack.callback(process.stop)
        return process

    def close(self) -> None:
        """End every process of the lab; the segment is its maker's."""
        self._stack.close()


@dataclass
class Member:
    """A node of a lab: `peer` takes its commands, `id` is its ZeroTier address, `ip` that of its host."""

    name: str
    namespace: str
    ip: str
    peer: Peer
    id: str

    def join(self, nwid: str) -> None:
        """Begin to join."""
        self.peer.call("join", nwid=nwid)

    def address(self, nwid: str, patience: float = PATIENCE) -> str:
        """The IPv4 address on a network, once it carries traffic."""
        ask = f"{self.name} on network {nwid}"
        return str(until(lambda: self.peer.call("addresses", nwid=nwid), ask, patience)[0])


@dataclass
class Pair:
    """A TCP connection between two members: the client's and the server's handle."""

    client: Member
    server: Member
    near: int
    far: int
    address: tuple[str, int]

    def transfer(self, size: int, seed: int) -> None:
        """`size` seeded bytes each way, one after the other; every digest is compared."""
        for sender, source, receiver, sink in (
            (self.client, self.near, self.server, self.far),
            (self.server, self.far, self.client, self.near),
        ):
            sent = sender.peer.start("send", handle=source, seed=seed, size=size)
            received = receiver.peer.start("receive", handle=sink, size=size)
            done(sent, received)
            expected = {"size": size, "sha256": digest(seed, size)}
            assert sent.result() == expected
            assert received.result() == expected
            seed += 1

    def end(self) -> None:
        """An orderly end: each side sees the other's end of stream."""
        self.client.peer.call("shutdown", handle=self.near)
        assert self.server.peer.call("read", handle=self.far) == ""
        self.server.peer.call("close", handle=self.far)
        assert self.client.peer.call("read", handle=self.near) == ""
        self.client.peer.call("close", handle=self.near)


def done(*futures: Future[Any]) -> None:
    """Wait until all have ended, or one has failed: its exception is raised."""
    finished, waiting = wait_for(futures, TRANSFER_PATIENCE, "FIRST_EXCEPTION")
    for future in finished:
        future.result()
    if waiting:
        raise TimeoutError(f"{len(waiting)} transfers did not end")


def connect(
    client: Member,
    server: Member,
    nwid: str,
    port: int,
    timeout: float = 20,
    hosts: tuple[str, str] = ("", ""),
) -> Pair:
    """Listen at one member, connect from the other; both ends are accepted before this returns.

    `hosts`: their addresses, where they are not those of IPv4.
    """
    source, host = hosts[0] or client.address(nwid), hosts[1] or server.address(nwid)
    listener = server.peer.call("listen", host=host, port=port)
    accepted = server.peer.start("accept", handle=listener)
    near = client.peer.call("connect", host=host, port=port, timeout=timeout)
    far = accepted.result(PATIENCE)
    assert far["host"] == source
    if "peer_id" in far:
        assert far["peer_id"] == client.id
    server.peer.call("close", handle=listener)
    return Pair(client, server, near, far["handle"], (host, port))
