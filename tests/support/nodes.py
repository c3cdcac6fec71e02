"""Real nodes on the loopback interface: a root that is also the controller, and members."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastzt import Network, Node, Socket
from fastzt._core.endpoint import Endpoint
from fastzt.identity.identity import Identity
from fastzt.identity.worlds import sign_world
from fastzt.node.config import NodeConfig
from fastzt.wire.world import PLANET, Root, World

from .ports import free_port
from .vectors import committed

LOOPBACK = NodeConfig(bind=("127.0.0.1",))
SERVER = NodeConfig(root=True, controller=True, bind=("127.0.0.1",))
SECRETS = [case["secret_string"] for case in committed("identity", "identity")]


def planet_of(secret: str, port: int) -> bytes:
    """A planet with one root at a loopback port."""
    root = Root.of(Identity.parse(secret).to_bytes(), [Endpoint.parse("127.0.0.1", port)])
    return sign_world(World(PLANET, 1, 1, bytes(64), (root,)), os.urandom(32)).to_bytes()


class Lab:
    """The root and controller `server`, its `planet`, and networks made on it."""

    def __init__(self) -> None:
        port = free_port()
        self.planet = planet_of(SECRETS[0], port)
        self.server = Node(identity=SECRETS[0], planet=self.planet, port=port, config=SERVER)
        self.ports: dict[int, int] = {}
        self.stack = contextlib.ExitStack()
        self.stack.callback(self.server.close)

    def network(self, subnet: str = "10.121.15", **fields: Any) -> str:
        """A new network's id; its members need authorization unless private=False."""
        record = self.server.perform(
            lambda core, now: core.controller.create_network(
                {
                    "ipAssignmentPools": [{"ipRangeStart": f"{subnet}.1", "ipRangeEnd": f"{subnet}.99"}],
                    "routes": [{"target": f"{subnet}.0/24", "via": None}],
                    "v4AssignMode": {"zt": True},
                    **fields,
                },
                now,
            )
        )
        return str(record["id"])

    def authorize(self, network: str, *nodes: Node) -> None:
        """Let nodes in."""
        for node in nodes:
            self.server.perform(
                lambda core, now, node=node: core.controller.authorize(
                    int(network, 16), int(node.id, 16), now
                )
            )

    def node(self, number: int, state: Path | None = None, **options: Any) -> Node:
        """A member with the numbered identity (1 to 5), closed with the lab.

        It comes back on the port that it had: others answer at a path that they knew for up to 20 s.
        """
        port = self.ports.setdefault(number, free_port())
        defaults = {"identity": SECRETS[number], "port": port if state is None else 0}
        options = {"planet": self.planet, "config": LOOPBACK, **defaults, **options}
        node = Node(state=state, **options)
        self.stack.callback(node.close, linger=0)
        return node

    def close(self) -> None:
        """Close every node."""
        self.stack.close()


@contextlib.contextmanager
def lab() -> Iterator[Lab]:
    """A lab for the length of a block."""
    made = Lab()
    try:
        yield made
    finally:
        made.close()


@dataclass
class Pair:
    """Two members of one network."""

    lab: Lab
    nwid: str
    a: Node
    b: Node
    net_a: Network
    net_b: Network

    def ip(self, net: Network) -> str:
        return str(net.addresses[0].ip)

    def sockets(self) -> tuple[Socket, Socket]:
        """A connection from a to b: both ends."""
        with self.net_b.listen(0) as listener:
            listener.settimeout(30)
            near = self.net_a.connect((self.ip(self.net_b), listener.port), timeout=30)
            far, _ = listener.accept()
        far.settimeout(30)
        return near, far
