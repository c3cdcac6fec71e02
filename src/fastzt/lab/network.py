"""The embedded network: a root with a controller, and members, all on loopback, nothing else needed."""

from __future__ import annotations

import os
import secrets
import socket
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from .._core.endpoint import Endpoint
from ..api.closing import Closing
from ..api.node import Node
from ..identity.identity import Identity
from ..node.config import NodeConfig
from ..node.roles.root import make_planet

HOST = "127.0.0.1"
SUBNET = "10.121.15"
FIELDS = {
    "name": "lab",
    "routes": [{"target": f"{SUBNET}.0/24", "via": None}],
    "ipAssignmentPools": [{"ipRangeStart": f"{SUBNET}.1", "ipRangeEnd": f"{SUBNET}.254"}],
    "v4AssignMode": {"zt": True},
}


def free_port() -> int:
    """A UDP port on loopback that was free a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Lab(Closing):
    """Runs root and controller in one node; `member` adds nodes. A context manager: everything ends with it.

    `directory` keeps the states (default: a temporary one, deleted at the end); `identity`, with its secret,
    is the root's (default: a new one).
    """

    def __init__(self, directory: Path | None = None, identity: Identity | None = None) -> None:
        self._stack = ExitStack()
        with ExitStack() as undo:
            undo.callback(self._stack.close)
            if directory is None:
                directory = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="fastzt-")))
            self.directory = directory
            self.identity = identity or Identity.generate(os.urandom)
            port = free_port()
            endpoint = Endpoint.parse(HOST, port)
            world = make_planet([(self.identity, [endpoint])], self.identity, time.time_ns() // 1_000_000)
            self.planet = world.to_bytes()
            self.endpoint = f"{HOST}/{port}"
            config = NodeConfig(root=True, controller=True, bind=(HOST,))
            self.root = self._node("root", self.identity, port, config)
            self.network = self.create()
            undo.pop_all()

    def _node(self, name: str, identity: Identity | None, port: int, config: NodeConfig) -> Node:
        text = None if identity is None else identity.to_text(secret=True)
        node = Node(self.directory / name, self.planet, port, identity=text, config=config)
        self._stack.callback(node.close)
        return node

    def _control(self, action: Callable[[Any, int], Any]) -> Any:
        return self.root.perform(lambda core, now: action(core.controller, now))

    def create(self, **fields: Any) -> str:
        """Add a network, private with addresses from 10.121.15.0/24 unless `fields` say otherwise; its id."""
        record = self._control(lambda controller, now: controller.create_network({**FIELDS, **fields}, now))
        return str(record["id"])

    def authorize(self, node_id: str, network: str | None = None, authorized: bool = True) -> None:
        """Let a node (10 hex digits) into a network, default the first one, or put it out."""
        nwid, address = int(network or self.network, 16), int(node_id, 16)
        self._control(lambda controller, now: controller.authorize(nwid, address, now, authorized))

    def assigned(self, node_id: str, network: str | None = None) -> list[str]:
        """The addresses that the controller has given a node."""
        nwid, address = int(network or self.network, 16), int(node_id, 16)
        record = self._control(lambda controller, now: controller.member(nwid, address))
        return list(record["ipAssignments"]) if record else []

    def member(self, name: str = "", identity: Identity | None = None, authorized: bool = True) -> Node:
        """Start a node in this process; it is authorized on the first network, but has not joined it."""
        config = NodeConfig(bind=(HOST,))
        node = self._node(name or secrets.token_hex(4), identity, 0, config)
        if authorized:
            self.authorize(node.id)
        return node

    def close(self) -> None:
        """End all nodes."""
        self._stack.close()
