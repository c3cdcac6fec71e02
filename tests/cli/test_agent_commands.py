"""Commands whose state directory an agent holds act through it, several at a time."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from support.agents import AgentHouse, agent_house
from support.cli import PATIENCE, Background, Cli
from support.house import Piped
from support.web import web_server

BODY = random.Random(4).randbytes(1 << 20)


@pytest.fixture
def agents(tmp_path: Path) -> Iterator[AgentHouse]:
    with agent_house(tmp_path) as house:
        yield house


def get(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        data = b"".join(iter(partial(sock.recv, 1 << 16), b""))
    return data.partition(b"\r\n\r\n")[2]


def test_commands_share_a_node(agents: AgentHouse, cli: Cli) -> None:
    _, said = agents.agent(1)
    agents.agent(2)
    own, other = (
        ["--state", str(agents.state(n)), "--network", agents.network, "--timeout", str(PATIENCE)]
        for n in (1, 2)
    )
    status = cli.json("status", "--state", str(agents.state(1)), "--timeout", str(PATIENCE))
    assert (status["id"], status["online"]) == (said["node"], True)
    with web_server({"/": BODY}) as web, Background("expose", "80", "--to", str(web), *other) as server:
        address = server.told()["addresses"][0]
        assert cli.json("call", f"http://{address}/", *own)["status"] == 200
        assert "1 received" in cli.good("ping", address, "-c", "1", "--reply-timeout", "60", *own)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        with Background("forward", "-L", f"{port}:{address}:80", *own) as client:
            client.told()
            assert get(port) == BODY
            with Piped("nc", address, "80", *own) as nc:
                status, out, err = nc.finish(b"GET / HTTP/1.0\r\n\r\n")
            assert (status, err) == (0, "")
            assert out.endswith(BODY)
            assert client.stop() == (0, "")
        assert server.stop() == (0, "")


def test_an_agent_that_waits_to_be_let_in_ends_as_quietly(agents: AgentHouse) -> None:
    command, _ = agents.agent(1, "--network", agents.lab.network())
    assert command.stop() == (0, "")


def test_an_agent_says_which_network_it_cannot_join(agents: AgentHouse) -> None:
    unknown = agents.lab.server.id + "abcdef"
    with Background("agent", "--state", str(agents.state(1)), "--network", unknown) as command:
        command.told()
        assert command.process.stderr is not None
        assert command.process.stderr.readline().startswith(f"fastzt: network {unknown}: ")
