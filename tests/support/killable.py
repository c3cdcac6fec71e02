"""Processes of a network that a test kills: `root`, `peer`, and the `user`, whose threads wait meanwhile.

Each prints one line of JSON when it is ready. Root and peer live until killed or their input ends; the user
goes on at the first line of its input, and says `hung` for each thread that outlives the closing.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import fastzt
from fastzt.node.config import NodeConfig
from support.nodes import SECRETS, Lab

PATIENCE = 60.0


def say(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


def root() -> None:
    with contextlib.closing(Lab()) as made:
        say(planet=made.planet.hex(), network=made.network(private=False))
        sys.stdin.read()


def member(number: int, planet: str, network: str) -> tuple[fastzt.Node, fastzt.Network]:
    config = NodeConfig(bind=("127.0.0.1",))
    node = fastzt.Node(planet=bytes.fromhex(planet), identity=SECRETS[number], config=config)
    return node, node.join(network, timeout=PATIENCE)


def peer(planet: str, network: str) -> None:
    node, net = member(1, planet, network)
    with node, net.listen(0) as listener:
        say(ip=str(net.addresses[0].ip), port=listener.port)
        kept = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    kept.append(listener.accept()[0])  # neither reads nor writes

        threading.Thread(target=accept, daemon=True).start()
        sys.stdin.read()
        for conn in kept:
            conn.close()


class User:
    """Threads that wait in every kind of call."""

    def __init__(self, net: fastzt.Network, remote: tuple[str, int]) -> None:
        self.net = net
        self.remote = remote
        self.threads: list[threading.Thread] = []
        self.closed: list[Any] = []
        self.started = threading.Semaphore(0)

    def run(self, call: Callable[[], Any]) -> None:
        def work() -> None:
            self.started.release()
            with contextlib.suppress(OSError):
                call()

        thread = threading.Thread(target=work, name=getattr(call, "__name__", "call"))
        thread.start()
        self.threads.append(thread)

    def keep(self, made: Any) -> Any:
        self.closed.append(made)
        return made

    def connected(self) -> fastzt.Socket:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                made = self.keep(self.net.connect(self.remote, PATIENCE))
                made.settimeout(None)
                return made  # type: ignore[no-any-return]
            except fastzt.HostUnreachableError:  # a machine that is too busy to answer in time
                if time.monotonic() > end:
                    raise


def scenario(user: User) -> None:
    """Every wait there is."""
    reader, writer, buffered, bridged = (user.connected() for _ in range(4))
    lines = user.keep(buffered.makefile("rb"))
    outer = user.keep(bridged.to_socket())
    listener = user.keep(user.net.listen(0))
    datagrams = user.keep(user.net.udp())
    connecting = user.keep(user.net.socket())
    forwarded = user.keep(user.net.forwarded(*user.remote))
    local = user.keep(socket.create_connection(forwarded.address))
    calls: list[Callable[[], Any]] = [
        lambda: reader.recv(1),
        lambda: writer.sendall(bytes(256 << 20)),
        lines.readline,
        lambda: outer.recv(1),
        listener.accept,
        lambda: datagrams.recvfrom(10),
        lambda: connecting.connect(("10.121.15.250", 80)),
        lambda: local.recv(1),
    ]
    for call in calls:
        user.run(call)
    for _ in calls:
        user.started.acquire()


def user(planet: str, network: str, ip: str, port: str, ending: str) -> None:
    node, net = member(2, planet, network)
    acting = User(net, (ip, int(port)))
    scenario(acting)
    say(ready=True)
    sys.stdin.readline()
    begin = time.monotonic()
    if ending == "engine":
        node._driver.close()  # as if it had broken down: nobody has closed anything
    if ending == "sockets":
        for made in acting.closed:
            if isinstance(made, socket.socket):
                made.shutdown(socket.SHUT_RDWR)  # what wakes a thread that waits for a socket of the system
            if not hasattr(made, "readline"):  # its thread holds the file's own lock
                made.close()
    node.close(linger=0.5)
    for thread in acting.threads:
        thread.join(max(begin + PATIENCE - time.monotonic(), 0.1))
        if thread.is_alive():
            say(hung=thread.name)
    for made in acting.closed:
        made.close()
    say(seconds=time.monotonic() - begin)


if __name__ == "__main__":
    {"root": root, "peer": peer, "user": user}[sys.argv[1]](*sys.argv[2:])
