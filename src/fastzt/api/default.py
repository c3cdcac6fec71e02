"""The default node: one per process, made on first use, with its state in the user's state directory."""

from __future__ import annotations

import atexit
import errno
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
START_TIMEOUT = 300.0
_guard = threading.Lock()
_node: Node | AgentNode | None = None
_starting: Starting | None = None


def default_node() -> Node | AgentNode:
    """The process's node, started when there is none. FASTZT_PLANET names its planet file.

    Where an agent holds the state directory it is the agent's; FASTZT_AGENT=1 starts one if need be. A child
    process whose parent holds the state directory gets one below it, in `children.d`, and with it an
    identity of its own; any other second process gets StateError. A first start makes an identity, which
    takes a minute where nothing is compiled; one that takes five raises TimeoutError, and goes on.
    """
    global _node, _starting
    with _guard:
        if isinstance(_node, AgentNode) and not _node.answers():
            _node.close()
        if _node is not None and not _node.closed:
            return _node
        if _starting is None or _starting.done.is_set() or not _starting.wanted:
            _starting = Starting(_starting)
        starting = _starting
    return starting.wait(START_TIMEOUT)


class Starting:
    """A thread starts the default node, so that who waits can be interrupted, and the process can end.

    It waits for the one `before`, which may hold the state directory.
    """

    def __init__(self, before: Starting | None) -> None:
        self.done = threading.Event()
        self.wanted = True
        self._before = before
        self._state = state_directory()
        self._node: Node | AgentNode | None = None
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name="fastzt-start", daemon=True).start()

    def _run(self) -> None:
        before, self._before = self._before, None
        if before is not None:
            before.done.wait()
        try:
            self._keep(_start(self._state))
        except BaseException as error:
            self._error = error
        self.done.set()

    def _keep(self, node: Node | AgentNode) -> None:
        global _node
        with _guard:
            if self.wanted:
                _node = self._node = node
                return
        node.close()

    def wait(self, timeout: float) -> Node | AgentNode:
        """The node; raises why there is none, TimeoutError."""
        if not self.done.wait(timeout):
            raise TimeoutError(f"the node has not started within {timeout:g} s")
        if self._error is not None:
            raise self._error
        if self._node is None:
            raise OSError(errno.EBADF, "the node is closed")
        return self._node


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

    `timeout` (seconds) bounds joining and connecting together, behind the node's start. Raises what `Node`,
    `Node.join` and `Network.connect` raise.
    """
    nwid = None if network is None else f"{addresses.network_id(network):016x}"
    addresses.pair(address)
    node = default_node()
    end = None if timeout is None else time.monotonic() + timeout
    if nwid is None:
        return node.connect(address, left(end))
    return node.join(nwid, timeout=left(end), token=token).connect(address, left(end))


def left(end: float | None) -> float | None:
    """Seconds until a point in time, never none at all; None: no end."""
    return None if end is None else max(end - time.monotonic(), 0.001)


def close() -> None:
    """Close the default node, if there is one, or as soon as it has started; the next use starts another."""
    global _node
    with _guard:
        node, _node = _node, None
        if _starting is not None:
            _starting.wanted = False
    if node is not None:
        node.close()


def _after_in_child() -> None:
    global _node, _guard, _starting
    _node = _starting = None
    _guard = threading.Lock()


atexit.register(close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_in_child)
