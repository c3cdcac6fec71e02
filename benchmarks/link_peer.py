"""The ends of the flow that links.py measures, each in a namespace of its own.

link_peer.py (fastzt | linux) sink DIRECTORY IP WARM SECONDS
link_peer.py (fastzt | linux) source DIRECTORY IP CONGESTION WHERE

The sink says where it listens, then what it received; WHERE is what it said. Both live until their standard
input ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

PORT = 5001
BLOCK = os.urandom(1 << 16)
PATIENCE = 60.0


def say(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


def receive(connection: Any, warm: float, seconds: float) -> None:
    """Count what arrives in `seconds` once the flow has run for `warm`."""
    buffer = bytearray(1 << 20)
    connection.recv_into(buffer)
    begin = time.monotonic() + warm
    counted, now = 0, 0.0
    while now < begin + seconds:
        n = connection.recv_into(buffer)
        now = time.monotonic()
        if n == 0:
            raise RuntimeError("the source has ended")
        if now >= begin:
            counted += n
    say(bytes=counted, seconds=now - begin)


def send(connection: Any) -> None:
    """Send until the other end has had enough."""
    with contextlib.suppress(OSError):
        while True:
            connection.sendall(BLOCK)


def linux_sink(directory: Path, ip: str, warm: float, seconds: float) -> None:
    with socket.create_server((ip, PORT)) as listener:
        say(address=ip)
        connection, _ = listener.accept()
        with connection:
            receive(connection, warm, seconds)


def linux_source(directory: Path, ip: str, congestion: str, where: dict[str, Any]) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, congestion.encode())
        connection.connect((where["address"], PORT))
        send(connection)


def fastzt_sink(directory: Path, ip: str, warm: float, seconds: float) -> None:
    """A root with a controller, and a member that listens."""
    from fastzt import Node
    from fastzt._core.endpoint import Endpoint
    from fastzt.identity.identity import Identity
    from fastzt.lab.network import FIELDS
    from fastzt.node.config import NodeConfig
    from fastzt.node.roles.root import make_planet

    identity = Identity.generate(os.urandom)
    planet = make_planet([(identity, [Endpoint.parse(ip, 9993)])], identity, time.time_ns() // 1_000_000)
    (directory / "planet").write_bytes(planet.to_bytes())
    config = NodeConfig(root=True, controller=True, bind=(ip,))
    with Node(None, planet.to_bytes(), 9993, identity.to_text(secret=True), config=config) as root:
        record = root.perform(
            lambda core, now: core.controller.create_network({**FIELDS, "private": False}, now)
        )
        with Node(None, planet.to_bytes(), config=NodeConfig(bind=(ip,))) as node:
            net = node.join(record["id"], timeout=PATIENCE)
            listener = net.listen(PORT)
            say(address=str(net.addresses[0].ip), network=record["id"], node=node.id)
            connection, _ = listener.accept()
            with connection:
                receive(connection, warm, seconds)


def fastzt_source(directory: Path, ip: str, congestion: str, where: dict[str, Any]) -> None:
    """A member that waits for the direct path, then sends."""
    from fastzt import Node
    from fastzt.node.config import NodeConfig

    planet = (directory / "planet").read_bytes()
    with Node(None, planet, config=NodeConfig(bind=(ip,), congestion=congestion)) as node:
        net = node.join(where["network"], timeout=PATIENCE)
        address = where["address"]
        node.whois(address, timeout=PATIENCE)
        end = time.monotonic() + PATIENCE
        while not any(peer["id"] == where["node"] and peer["path"] for peer in node.peers()):
            if time.monotonic() > end:
                raise RuntimeError("no direct path")
            with contextlib.suppress(OSError):
                net.connect((address, 9), timeout=1).close()  # a frame, for something to say
            node.events(timeout=0.5)
        with net.connect((address, PORT), timeout=PATIENCE) as connection:
            send(connection)


def main() -> None:
    stack, role, directory, ip, *rest = sys.argv[1:]
    work = globals()[f"{stack}_{role}"]
    if role == "sink":
        arguments: list[Any] = [float(text) for text in rest]
    else:
        arguments = [rest[0], json.loads(rest[1])]
    threading.Thread(target=work, args=(Path(directory), ip, *arguments), daemon=True).start()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
