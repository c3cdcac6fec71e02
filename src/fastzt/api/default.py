"""The default node: one per process, made on first use, with its state in the user's state directory."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ..errors import StateError
from . import addresses, agent_client, agent_wire, fork
from .agent_node import AgentNode, state_directory
from .node import Node
from .passed_socket import PassedSocket
from .socket import Socket

MAX_CHILDREN = 64
_guard = threading.Lock()
_node: Node | AgentNode | None = None


def default_node() -> Node | AgentNode:
    """The process's node, started when there is none. FASTZT_PLANET names its planet file.

    Where an agent holds the state directory it is the agent's; FASTZT_AGENT=1 starts one if need be. A child
    process whose parent holds the state directory gets one below it, in `children.d`, and with it an
    identity of its own; any other second process gets StateError.
    """
    global _node
    with _guard:
        if isinstance(_node, AgentNode) and not _node.answers():
            _node.close()
        if _node is None or _node.closed:
            _node = _start(state_directory())
        return _node


def _start(state: Path) -> Node | AgentNode:
    if os.environ.get("FASTZT_AGENT", "") not in ("", "0"):
        agent_client.start(state)
    if agent_client.answers(agent_wire.socket_path(state)):
        return AgentNode(agent_wire.socket_path(state))
    planet = os.environ.get("FASTZT_PLANET", "") or None
    try:
        return Node(state=state, planet=planet)
    except StateError:
        if not is_child():
            raise
        for number in range(MAX_CHILDREN - 1):
            try:
                return Node(state=state / "children.d" / str(number), planet=planet)
            except StateError:
                continue
        return Node(state=state / "children.d" / str(MAX_CHILDREN - 1), planet=planet)


def is_child() -> bool:
    """Whether this process was forked from one that had fastzt loaded, or is a multiprocessing child."""
    multiprocessing = sys.modules.get("multiprocessing.process")
    return fork.in_forked_child or (
        multiprocessing is not None and multiprocessing.parent_process() is not None
    )


def connect(
    address: tuple[Any, ...], network: str | None = None, timeout: float | None = 10, token: str | None = None
) -> Socket | PassedSocket:
    """A TCP connection to (host, port) through the default node, which joins `network` first if need be.

    `timeout` (seconds) bounds joining and connecting together. Raises what `Node.join` and
    `Network.connect` raise.
    """
    nwid = None if network is None else f"{addresses.network_id(network):016x}"
    addresses.pair(address)
    start = time.monotonic()
    node = default_node()
    if nwid is None:
        return node.connect(address, timeout)
    joined = node.join(nwid, timeout=timeout, token=token)
    if timeout is not None:
        timeout = max(timeout - (time.monotonic() - start), 0.001)
    return joined.connect(address, timeout)


def close() -> None:
    """Close the default node, if there is one; the next use starts another."""
    global _node
    with _guard:
        node, _node = _node, None
    if node is not None:
        node.close()


def _after_in_child() -> None:
    global _node, _guard
    _node = None
    _guard = threading.Lock()


atexit.register(close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_in_child)
