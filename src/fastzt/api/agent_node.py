"""AgentNode: a node that lives in another process, the agent, used as a Node is."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import platformdirs

from ..errors import InputError
from . import agent_client, agent_wire, joining
from .agent_client import AgentLink
from .agent_network import AgentNetwork, passed
from .agent_wire import Channel
from .closing import Closing
from .passed_socket import PassedSocket

LINGER = 5.0
OWN = ("state", "agent")  # of the arguments of Node


class AgentNode(Closing):
    """Made by `Node(agent=...)`. An agent that ends and comes back is found again.

    What belongs to the engine alone (`perform`, moons, events) is not here. Closing it leaves the agent and
    its sockets alone.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """`path`: the agent's socket, or its state directory. Raises StateError when no agent answers."""
        given = Path(path).expanduser()
        self._link = AgentLink(given / agent_wire.SOCKET if given.is_dir() else given)
        self._networks: dict[str, AgentNetwork] = {}
        self.closed = False
        self.id: str = self._link.call("hello")["node"]

    def answers(self) -> bool:
        """Whether the agent is there."""
        return agent_client.answers(self._link.path)

    def _check(self) -> None:
        if self.closed:
            raise OSError(errno.EBADF, "the node is closed")

    def join(
        self,
        network: str,
        timeout: float | None = joining.DEFAULT_TIMEOUT,
        wait: bool = False,
        token: str | None = None,
    ) -> AgentNetwork:
        """As `Node.join`; the agent stays on the network when this process ends."""
        self._check()
        found = self._link.call("join", network=network, timeout=timeout, wait=wait, token=token)
        return self._networks.setdefault(found["id"], AgentNetwork(self, self._link, found["id"]))

    def leave(self, network: str) -> None:
        """Leave a network, for all of the agent's clients."""
        self._check()
        self._networks.pop(self._link.call("leave", network=network)["id"], None)

    @property
    def networks(self) -> list[AgentNetwork]:
        """The networks that the agent has joined."""
        self._check()
        ids = self._link.call("networks")["ids"]
        return [self._networks.setdefault(nwid, AgentNetwork(self, self._link, nwid)) for nwid in ids]

    def connect(
        self, address: tuple[Any, ...], timeout: float | None = 10, network: str | None = None
    ) -> PassedSocket:
        """As `Node.connect`."""
        self._check()

        def take(channel: Channel, answer: dict[str, Any]) -> PassedSocket:
            return passed(self._link, channel, answer, timeout)

        made: PassedSocket = self._link.ask(
            take, "connect", address=pair_of(address), timeout=timeout, network=network
        )
        return made

    @property
    def port(self) -> int:
        """The UDP port."""
        return int(self.status()["port"])

    def status(self) -> dict[str, Any]:
        """As `Node.status`."""
        self._check()
        return self._link.call("status")

    def peers(self) -> list[dict[str, Any]]:
        """As `Node.peers`."""
        self._check()
        found: list[dict[str, Any]] = self._link.call("peers")["peers"]
        return found

    def whois(self, address: str | tuple[Any, ...], timeout: float = 5) -> str:
        """As `Node.whois`."""
        self._check()
        host = address if isinstance(address, str) else address[0]
        return str(self._link.call("whois", host=host, timeout=timeout)["node"])

    def close(self, linger: float = LINGER) -> None:
        """Ask the agent no more; sockets live on. Harmless when repeated."""
        self.closed = True
        self._link.close()

    def __repr__(self) -> str:
        return f"<fastzt.AgentNode {self.id}{' closed' if self.closed else ''}>"


def pair_of(address: Any) -> list[Any]:
    """Host and port for the agent; raises InputError."""
    if not isinstance(address, tuple) or len(address) < 2:
        raise InputError(f"not an address (host, port): {address!r}")
    return list(address[:2])


def agent_of(arguments: tuple[Any, ...], named: dict[str, Any]) -> AgentNode | None:
    """The agent's node that the arguments of Node ask for, or None; raises InputError, StateError."""
    agent = named.get("agent")
    others = bool(arguments[1:]) or any(named[name] is not None for name in named if name not in OWN)
    state = arguments[0] if arguments else named.get("state")
    if agent in (None, False):
        if state is None or others or not agent_client.answers(agent_wire.socket_path(state)):
            return None
        return AgentNode(agent_wire.socket_path(state))
    if others:
        raise InputError("an agent has its planet, identity and port already")
    if agent is not True:
        return AgentNode(str(agent))
    directory = Path(state).expanduser() if state is not None else state_directory()
    agent_client.start(directory)
    return AgentNode(agent_wire.socket_path(directory))


def state_directory() -> Path:
    """FASTZT_STATE, else the user's state directory of the platform."""
    given = os.environ.get("FASTZT_STATE", "")
    return Path(given) if given else platformdirs.user_state_path("fastzt")
