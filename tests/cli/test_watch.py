"""--watch: look after look in a pipe, a live view on a terminal, until interrupted."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cli import PATIENCE, Background, Cli
from support.nodes import LOOPBACK, SECRETS, Lab, lab

from fastzt import Node

TERMINAL = {"TERM": "xterm", "COLUMNS": "160", "LINES": "40"}


@pytest.fixture(scope="module")
def made() -> Iterator[Lab]:
    with lab() as running:
        yield running


@pytest.fixture
def options(made: Lab, tmp_path: Path) -> list[str]:
    """The state of a node that has joined a network once."""
    state = tmp_path / "state"
    (tmp_path / "planet").write_bytes(made.planet)
    state.mkdir(mode=0o700)
    (state / "identity.secret").write_text(SECRETS[1])
    with Node(state, made.planet, config=LOOPBACK) as node:
        nwid = made.network()
        made.authorize(nwid, node)
        node.join(nwid)
    return ["--state", str(state), "--planet", str(tmp_path / "planet"), "--timeout", str(PATIENCE)]


def interrupted(process: subprocess.Popen[str]) -> tuple[int, str]:
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    return process.returncode, err


@pytest.mark.parametrize("command", ["status", "peers"])
def test_look_after_look(made: Lab, options: list[str], command: str) -> None:
    with Background(command, "--watch", "--every", "0.1", *options) as watching:
        for told in iter(watching.told, None):
            root = told["relay"] if command == "status" else told[0]["id"]
            if root == made.server.id and (command == "peers" or told["online"]):
                break
        assert watching.told()
        assert interrupted(watching.process) == (0, "")


def test_text(made: Lab, options: list[str]) -> None:
    command = [sys.executable, "-m", "fastzt", "status", "--watch", "--every", "0.1", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        seen = 0
        while seen < 2:
            line = watching.stdout.readline()
            assert line
            seen += line == f"node {SECRETS[1][:10]} online\n"
        assert interrupted(watching) == (0, "")


@pytest.mark.parametrize("command", ["status", "peers"])
def test_on_a_terminal(made: Lab, options: list[str], command: str) -> None:
    near, far = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "fastzt", command, "--watch", "--every", "0.1", *options],
        stdin=far,
        stdout=far,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **TERMINAL},
    )
    os.close(far)
    drawn = ""
    with process:
        while not (made.server.id in drawn and "127.0.0.1/" in drawn):
            drawn += os.read(near, 65536).decode()
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # EIO: the other end is closed
            while more := os.read(near, 65536):
                drawn += more.decode()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    os.close(near)
    assert process.returncode == 0
    assert drawn.count("\x1b[?1049h") == drawn.count("\x1b[?1049l") == 1  # the other screen, and back
    assert "why not direct" in drawn


def test_networks_of_the_state(cli: Cli, options: list[str]) -> None:
    """They are told with what is known of them."""
    [network] = cli.json("status", *options)["networks"]
    assert network["status"] == "OK"
    assert network["addresses"]
    assert any(
        line.startswith(f"network {network['id']} OK 10.121.15.")
        for line in cli.good("status", *options).splitlines()
    )
    assert {peer["over"] for peer in cli.json("peers", *options)} == {"udp4"}


def test_of_an_agent(made: Lab, options: list[str], cli: Cli) -> None:
    """Where an agent runs the node of the state, it is the agent's that is looked at."""
    state = options[: options.index("--timeout")]
    with Background("agent", *state) as agent:
        agent.told()
        told = cli.json("status", *options)
        assert told["id"] == SECRETS[1][:10]
        assert cli.json("status", *options)["port"] == told["port"]
        assert {peer["id"] for peer in cli.json("peers", *options)} == {made.server.id}
        with Background("status", "--watch", "--every", "0.1", *options) as watching:
            assert [watching.told()["port"] for _ in range(2)] == [told["port"]] * 2
            assert interrupted(watching.process) == (0, "")
