"""AgentLink: how a process talks to the agent of a state directory, which may end and come back."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import StateError
from . import agent_wire
from .agent_wire import Channel

MAX_IDLE = 8  # connections kept for later
START_TIMEOUT = 30.0
IDLE_EXIT = 300  # seconds after which an agent that was started on demand ends, when nobody uses it


class AgentLink:
    """Each call has a connection to the agent to itself; idle ones are kept, a child makes new ones."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: list[Channel] = []
        self._owner = os.getpid()
        self._lock = threading.Lock()

    def open(self) -> Channel:
        """A new connection; raises StateError when no agent answers."""
        try:
            return Channel(agent_wire.connect(self.path))
        except OSError as error:
            raise StateError(f"no agent answers at {self.path}: {error.strerror}") from None

    def _take(self) -> tuple[Channel, bool]:
        """A connection, and whether it has been used before."""
        with self._lock:
            if self._owner != os.getpid():
                self._owner, self._idle = os.getpid(), []
            if self._idle:
                return self._idle.pop(), True
        return self.open(), False

    def call(self, op: str, **arguments: Any) -> dict[str, Any]:
        """One request and its answer; raises what the agent raised, StateError when there is none."""
        found: dict[str, Any] = self.ask(lambda channel, answer: answer, op, **arguments)
        return found

    def ask(self, use: Callable[[Channel, dict[str, Any]], Any], op: str, **arguments: Any) -> Any:
        """As `call`; `use(channel, answer)` takes the descriptors that came."""
        while True:
            channel, used = self._take()
            try:
                answer = exchange(channel, {"op": op, **arguments})
                if answer is None and used:
                    channel.close()  # of an agent that has ended meanwhile
                    continue
                result = use(channel, answer_of(answer))
            except BaseException as error:
                if getattr(error, "from_agent", False):
                    self._give(channel)
                else:
                    channel.close()
                raise
            self._give(channel)
            return result

    def _give(self, channel: Channel) -> None:
        with self._lock:
            if self._owner == os.getpid() and len(self._idle) < MAX_IDLE:
                self._idle.append(channel)
                return
        channel.close()

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for channel in idle:
            channel.close()


def exchange(channel: Channel, request: dict[str, Any]) -> dict[str, Any] | None:
    """Send a request; the answer, None when the agent has gone."""
    try:
        channel.send(request)
        return channel.receive()
    except (BrokenPipeError, ConnectionResetError):
        return None


def answer_of(answer: dict[str, Any] | None) -> dict[str, Any]:
    """What the agent answered; raises what it raised."""
    if answer is None:
        raise StateError("the agent ended while it was asked")
    if "error" in answer:
        error = agent_wire.unpack_error(answer["error"])
        error.from_agent = True  # type: ignore[attr-defined]
        raise error
    found: dict[str, Any] = answer.get("ok") or {}
    return found


def answers(path: Path) -> bool:
    """Whether an agent listens there."""
    if not hasattr(socket, "AF_UNIX") or not path.exists():
        return False
    return agent_wire.is_held(path)


def start(state: Path) -> None:
    """Start an agent for a state directory unless one answers; raises StateError."""
    path = agent_wire.socket_path(state)
    if answers(path):
        return
    command = [sys.executable, "-m", "fastzt", "agent", "--detach", "--state", str(state)]
    try:
        done = subprocess.run(
            [*command, "--idle-exit", str(IDLE_EXIT)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise StateError(f"the agent of {state} did not start within {START_TIMEOUT:g} s") from None
    if done.returncode and not answers(path):  # else another process was quicker
        raise StateError(f"the agent of {state} did not start: {done.stderr.strip()}")
