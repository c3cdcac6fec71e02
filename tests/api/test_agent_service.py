"""How agents begin and end: on demand, by systemd, when unused. And what there is where this is not Linux."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.agents import PATIENCE, SECRETS, AgentHouse, agent_house, until
from support.nodes import LOOPBACK

import fastzt
from fastzt.agent.server import AgentServer
from fastzt.api import agent_wire
from fastzt.api.agent_client import answers
from fastzt.api.agent_listener import file_name_of, name_of, read_name
from fastzt.api.agent_wire import is_held, socket_path

GIVEN = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.executable, [sys.executable, "-m", "fastzt", "agent", *sys.argv[2:]])
"""
V4, V6 = "10.147.17.5", "fd80:56c2:e21c:ffff:ffff:ffff:ffff:fff1"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentHouse]:
    with agent_house(tmp_path_factory.mktemp("a")) as made:
        yield made


def test_started_on_demand(house: AgentHouse) -> None:
    state = house.state(5)
    path = socket_path(state)
    assert not answers(path)
    node: Any = fastzt.Node(state=state, agent=True)
    try:
        assert node.join(house.network, timeout=PATIENCE).status == "OK"
        with fastzt.Node(state=state, agent=True) as again:
            assert again.id == node.id
        pid = int(node._link.call("hello")["pid"])
    finally:
        node.close()
    os.kill(pid, 15)
    until(lambda: not is_held(path), "the end of the agent")


def test_an_unused_agent_ends(house: AgentHouse) -> None:
    command, _ = house.agent(3, "--idle-exit", "0.2")
    assert command.ended() == (0, "")
    assert not socket_path(house.state(3)).exists()


def asked(path: Path) -> str:
    """The id of the agent at a path."""
    with fastzt.Node(agent=path) as node:
        return str(node.id)


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Have it end in order after the block, and at all in any case."""
    with process:
        try:
            yield
            process.terminate()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()


def test_systemd_passes_a_socket(house: AgentHouse, tmp_path: Path) -> None:
    """It stays with systemd, which starts another agent for who comes later."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        number = listener.fileno()
        command = [sys.executable, "-c", GIVEN, str(number), "--state", str(house.state(3))]
        for _ in range(2):
            with ended(subprocess.Popen(command, pass_fds=[number], stdout=subprocess.DEVNULL)):
                assert asked(path) == SECRETS[3][:10]
    assert path.exists()


def test_a_passed_socket_of_another_kind(house: AgentHouse) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.fileno()
        command = [sys.executable, "-c", GIVEN, str(number), "--state", str(house.state(3))]
        ran = subprocess.run(
            command, pass_fds=[number], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    assert ran.returncode == 1
    assert "no Unix socket" in ran.stderr


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"), reason="systemd is not installed")
def test_systemd_itself_starts_it(house: AgentHouse, tmp_path: Path) -> None:
    """Its own program for that: the first client is served by what it starts."""
    path = tmp_path / "agent.sock"
    command = ["systemd-socket-activate", "-l", str(path), *agent_environment()]
    command += [sys.executable, "-m", "fastzt", "agent", "--state", str(house.state(4))]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with ended(subprocess.Popen(command, **quiet)):
        until(lambda: answers(path), "a socket")
        assert asked(path) == SECRETS[4][:10]


def agent_environment() -> list[str]:
    """What that program passes on only when it is told to."""
    names = ("PYTHONPATH", "FASTZT_PURE", "HOME", "PATH", "LD_LIBRARY_PATH")
    return [f"--setenv={name}" for name in names if name in os.environ]


@pytest.mark.parametrize("ends", [(V4, V4), (V6, V6), (V4, V6)])
def test_names_tell_the_ends(ends: tuple[str, str]) -> None:
    """An abstract one and one that is a path tell the same."""
    full = [(host, 65535) if host == V4 else (host, 65535, 0, 0) for host in ends]
    told = (*full, "9fffffffff", 1 << 50)
    path = f"/tmp/fz12345678/{file_name_of(*told)}"
    assert read_name(name_of(*told)) == read_name(path) == told
    assert len(path) < agent_wire.LONGEST


NOT_OURS = [
    "",
    b"",
    b"\0other",
    b"\0fastzt 1 2",
    None,
    "/tmp/x",
    "/tmp/" + "A" * 63,
    "/tmp/" + "A" * 62 + "é",
]


@pytest.mark.parametrize("name", NOT_OURS)
def test_names_of_others(name: object) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_name(name)


def is_gone(path: str) -> bool:
    return not Path(path).parent.exists()


def test_where_names_are_paths(house: AgentHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS: the address comes from a path, which is gone as soon as the connection is there."""
    monkeypatch.setattr(agent_wire, "ABSTRACT", False)
    owner, other = (house.lab.node(number, config=LOOPBACK) for number in (1, 2))
    near, far = (node.join(house.network, timeout=PATIENCE) for node in (owner, other))
    with AgentServer(owner, tmp_path), fastzt.Node(agent=tmp_path) as client:
        net: Any = client.join(house.network, timeout=PATIENCE)
        with net.listen(0) as listener:
            listener.settimeout(PATIENCE)
            for _ in range(2):
                ip = str(near.addresses[0].ip)
                out = far.connect((ip, listener.port), timeout=PATIENCE)
                accepted, address = listener.accept()
                with out, accepted:
                    assert address == accepted.getpeername() == out.getsockname()
                    assert accepted.getsockname() == (ip, listener.port)
                    assert accepted.peer_id == other.id
                    until(partial(is_gone, socket.socket.getpeername(accepted)), "the end of the path")
                    out.sendall(b"hello")
                    assert accepted.recv(10) == b"hello"
