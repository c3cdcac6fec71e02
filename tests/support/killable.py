"""Processes of a network that a test kills: `root` and `peer`. They live until then, or their input ends.

Each prints one line of JSON when it is ready. Their state directories hold what they would else take long to
learn or to check.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from pathlib import Path
from typing import Any

import fastzt
from fastzt.identity.identity import Identity
from fastzt.node.config import NodeConfig
from support.nodes import LOOPBACK, SECRETS

PATIENCE = 120.0


def say(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


def prepare(top: Path, number: int, planet: bytes) -> Path:
    """The state directory of a numbered member, which takes its identity for granted."""
    state = top / str(number)
    state.mkdir(mode=0o700)
    (state / "identity.secret").write_text(SECRETS[number])
    (state / "identity.public").write_text(Identity.parse(SECRETS[number]).to_text())
    (state / "planet").write_bytes(planet)
    return state


def root(state: str, port: str, network: str = "") -> None:
    config = NodeConfig(root=True, controller=True, bind=("127.0.0.1",))
    with fastzt.Node(state, port=int(port), config=config) as node:
        say(
            network=network or new_network(node, "10.121.15", False),
            other=new_network(node, "10.121.16", True),
        )
        sys.stdin.read()


def new_network(node: fastzt.Node, subnet: str, private: bool) -> str:
    """A network whose names only a silent host knows."""
    record = node.perform(
        lambda core, now: core.controller.create_network(
            {
                "ipAssignmentPools": [{"ipRangeStart": f"{subnet}.1", "ipRangeEnd": f"{subnet}.99"}],
                "routes": [{"target": f"{subnet}.0/24", "via": None}],
                "v4AssignMode": {"zt": True},
                "dns": {"domain": "lab", "servers": [f"{subnet}.250"]},
                "private": private,
            },
            now,
        )
    )
    return str(record["id"])


def peer(state: str, network: str) -> None:
    with fastzt.Node(state, config=LOOPBACK) as node:
        net = node.join(network, timeout=PATIENCE)
        with net.listen(0) as listener:
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


if __name__ == "__main__":
    {"root": root, "peer": peer}[sys.argv[1]](*sys.argv[2:])
