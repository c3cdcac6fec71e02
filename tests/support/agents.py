"""Agents as commands in processes of their own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastzt

from .cli import PATIENCE, Background
from .nodes import LOOPBACK, Lab
from .vectors import committed

SECRETS = [case["secret_string"] for case in committed("identity", "identity")]


class AgentHouse:
    """A lab, a network on it, and agents of its numbered members."""

    def __init__(self, made: Lab, directory: Path) -> None:
        self.lab = made
        self.network = made.network(private=False)
        self.directory = directory
        self.stack = contextlib.ExitStack()
        (directory / "planet").write_bytes(made.planet)

    def state(self, number: int) -> Path:
        state = self.directory / f"agent{number}"
        if not state.exists():
            state.mkdir(mode=0o700)
            (state / "identity.secret").write_text(SECRETS[number])
            (state / "identity.secret").chmod(0o600)
            (state / "planet").write_bytes(self.lab.planet)
        return state

    def agent(self, number: int, *options: str) -> tuple[Background, Any]:
        """A running agent and what it said."""
        command = Background("agent", "--state", str(self.state(number)), *options)
        self.stack.enter_context(command)
        return command, command.told()

    def close(self) -> None:
        self.stack.close()


@contextlib.contextmanager
def agent_house(directory: Path) -> Iterator[AgentHouse]:
    """A house for the length of a block."""
    from .nodes import lab

    with lab() as made:
        house = AgentHouse(made, directory)
        try:
            yield house
        finally:
            house.close()


class Scene:
    """A client `node` of an agent (member 1), and a node of this process (member 2)."""

    def __init__(self, house: AgentHouse) -> None:
        self.house = house
        self.command, self.said = house.agent(1)
        self.node: Any = fastzt.Node(agent=house.state(1))
        self.net: Any = self.node.join(house.network, timeout=PATIENCE)
        self.other = house.lab.node(2, config=LOOPBACK)
        self.far = self.other.join(house.network, timeout=PATIENCE)
        self.ip = str(self.net.addresses[0].ip)
        self.far_ip = str(self.far.addresses[0].ip)


def beside(action: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=action)
    thread.start()
    return thread


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for it; AssertionError when it does not come."""
    waiting = threading.Event()
    for _ in range(int(PATIENCE * 20)):
        if condition():
            return
        waiting.wait(0.05)
    raise AssertionError(what)


__all__ = ["PATIENCE", "SECRETS", "AgentHouse", "Scene", "agent_house", "beside", "until"]
