"""Commands on a network of their own: a root with a controller, members that join, listen and call."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.cli import PATIENCE, Background, Cli
from support.ports import free_port
from support.vectors import committed

import fastzt
from fastzt.identity.identity import Identity

SECRETS = [case["secret_string"] for case in committed("identity", "identity")]
MANY = str(PATIENCE)


@dataclass
class House:
    """A running `fastzt root --controller`, and states of members with committed identities."""

    directory: Path
    process: Background
    network: str

    @property
    def state(self) -> str:
        return str(self.directory / "root")

    def member(self, cli: Cli, number: int) -> list[str]:
        """The options of a member that has the numbered identity."""
        state = self.directory / f"member{number}"
        if not state.exists():
            secret = self.directory / f"{number}.secret"
            secret.write_text(SECRETS[number])
            cli.good("identity", "import", str(secret), "--state", str(state))
        return ["--state", str(state), "--planet", str(self.directory / "root" / "planet")]

    def authorize(self, cli: Cli, number: int, *options: str) -> None:
        cli.good(
            "controller", "authorize", self.network, SECRETS[number][:10], "--state", self.state, *options
        )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Background]]:
    directory = tmp_path_factory.mktemp("house")
    (directory / "root").mkdir(mode=0o700)
    (directory / "root" / "identity.secret").write_text(SECRETS[0])
    endpoint = f"127.0.0.1/{free_port()}"
    with Background(
        "root", "--controller", "--endpoint", endpoint, "--state", str(directory / "root")
    ) as root:
        told = root.told()
        assert told["node"] == SECRETS[0][:10]
        assert told["planet"] == str(directory / "root" / "planet")
        yield directory, root
        assert root.stop() == (0, "")


@pytest.fixture
def house(running: tuple[Path, Background], cli: Cli) -> House:
    """The root, with a new private network."""
    create = ["controller", "create", "--subnet", "10.121.15.0/24", "--state", str(running[0] / "root")]
    return House(*running, cli.good(*create).strip())


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_join_names_the_node_then_refuses_then_joins(cli: Cli, house: House) -> None:
    member = house.member(cli, 1)
    status, out, err = cli("join", house.network, *member, "--timeout", MANY)
    assert (status, out) == (1, f"node {SECRETS[1][:10]}\n")
    assert err.count("\n") == 1
    assert SECRETS[1][:10] in err
    assert house.network in err
    house.authorize(cli, 1, "--ip", "10.121.15.77")
    first, second = lines(cli.good("join", house.network, *member, "--timeout", MANY, "--json"))
    assert first == {"node": SECRETS[1][:10], "network": house.network}
    assert second == {**first, "name": "", "addresses": ["10.121.15.77/24"]}
    text = cli.good("join", house.network, *member)
    assert text.splitlines() == [
        f"node {SECRETS[1][:10]}",
        f"network {house.network}",
        "address 10.121.15.77/24",
    ]


def test_join_takes_the_network_from_the_environment(
    cli: Cli, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, state, _, planet = house.member(cli, 1)
    house.authorize(cli, 1)
    for name, value in (("NETWORK", house.network), ("STATE", state), ("PLANET", planet), ("JSON", "1")):
        monkeypatch.setenv(f"FASTZT_{name}", value)
    assert lines(cli.good("join"))[1]["network"] == house.network


def test_join_waits_to_be_authorized(cli: Cli, house: House) -> None:
    member = house.member(cli, 2)
    with Background("join", house.network, "--wait", "--timeout", MANY, *member) as join:
        assert join.told()["node"] == SECRETS[2][:10]
        known: list[Any] = []
        while not known:  # ends with the test's time limit if it never asks
            known = cli.json("controller", "list", house.network, "--state", house.state)
        assert [(record["id"], record["authorized"]) for record in known] == [(SECRETS[2][:10], False)]
        house.authorize(cli, 2)
        assert len(join.told()["addresses"]) == 1
        assert join.ended() == (0, "")


def test_a_network_that_the_controller_does_not_have(cli: Cli, house: House) -> None:
    nwid = SECRETS[0][:10] + "ffffff"
    status, _, err = cli("join", nwid, *house.member(cli, 1), "--timeout", MANY)
    assert status == 1
    assert f"network {nwid} does not exist" in err


def test_a_controller_that_is_not_there(cli: Cli, house: House) -> None:
    nwid = SECRETS[4][:10] + "000001"
    status, _, err = cli("join", nwid, *house.member(cli, 1), "--timeout", "0.5")
    assert status == 1
    assert f"controller {SECRETS[4][:10]}" in err


def test_listen_and_call(cli: Cli, house: House) -> None:
    near, far = house.member(cli, 1), house.member(cli, 2)
    house.authorize(cli, 1)
    house.authorize(cli, 2)
    with Background("listen", "8080", "--network", house.network, "--count", "3", *far) as server:
        where = server.told()
        assert (where["node"], where["port"]) == (SECRETS[2][:10], 8080)
        url = f"http://{where['listening']}:8080/some/path"
        call = ["call", url, "--network", house.network, *near, "--timeout", MANY]
        assert cli.good(*call) == "OK\n"
        request = server.told()
        assert request["request"] == "GET /some/path HTTP/1.1"
        assert ["host", f"{where['listening']}:8080"] in [
            line.lower().split(": ") for line in request["headers"]
        ]
        answer = cli.json(*call)
        assert (answer["status"], answer["reason"], answer["body"]) == (200, "OK", "OK\n")
        assert 0 < answer["seconds"] < PATIENCE
        assert ["content-length", "3"] in answer["headers"]
        assert cli.good("call", url.replace("/some/path", ""), *call[2:]) == "OK\n"
        assert server.ended() == (0, "")


def test_call_of_what_nobody_serves(cli: Cli, house: House) -> None:
    house.authorize(cli, 1)
    call = ["--network", house.network, *house.member(cli, 1), "--timeout", MANY]
    status, out, err = cli("call", f"http://10.121.15.254:{free_port()}/", *call)
    assert (status, out) == (1, "")
    assert "10.121.15.254" in err
    assert err.count("\n") == 1
    status, _, err = cli("call", "http://192.0.2.1/", *call)
    assert status == 1
    assert "192.0.2.1" in err


def test_status_and_peers(cli: Cli, house: House) -> None:
    member = house.member(cli, 1)
    told = cli.json("status", *member, "--timeout", MANY)
    assert (told["id"], told["online"], told["compiled"]) == (SECRETS[1][:10], True, fastzt.is_compiled())
    assert cli.good("status", *member, "--timeout", MANY).splitlines()[0] == f"node {SECRETS[1][:10]} online"
    [root] = [peer for peer in cli.json("peers", *member, "--timeout", MANY) if peer["role"] == "root"]
    assert root["id"] == SECRETS[0][:10]
    assert root["path"].startswith("127.0.0.1/")
    assert (root["connection"], root["why_not_direct"]) == ("direct", None)
    assert root["paths"][0]["over"] == "udp4"
    rows = cli.good("peers", *member, "--timeout", MANY).splitlines()
    assert rows[0].split("\t") == [
        "node",
        "role",
        "version",
        "ms",
        "seen s",
        "path",
        "over",
        "why not direct",
    ]


def test_status_of_a_node_that_nobody_answers(cli: Cli, tmp_path: Path) -> None:
    planet = tmp_path / "far.planet"
    public = tmp_path / "root.secret"
    public.write_text(SECRETS[3])
    make = ["planet", "make", "--root", f"{public}@127.0.0.1/{free_port()}", "-o", str(planet)]
    cli.good(*make)
    secret = tmp_path / "own.secret"
    secret.write_text(SECRETS[1])
    cli.good("identity", "import", str(secret), "--state", str(tmp_path / "state"))
    command = ["status", "--state", str(tmp_path / "state"), "--planet", str(planet), "--timeout", "0.3"]
    status, out, err = cli(*command)
    assert status == 1
    assert out.startswith(f"node {SECRETS[1][:10]} OFFLINE\n")
    assert "no root answered" in err


def test_a_taken_port_is_named(cli: Cli, house: House) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 0))
        port = str(taken.getsockname()[1])
        line = cli.bad("status", *house.member(cli, 1), "--udp-port", port, expected=1)
    assert f"UDP port {port} " in line
    assert "in use" in line


def test_an_overlay_without_root_and_controller(cli: Cli, tmp_path: Path) -> None:
    port = free_port()
    states = []
    for number in (1, 2):
        secret = tmp_path / f"{number}.secret"
        secret.write_text(SECRETS[number])
        states.append(str(tmp_path / f"state{number}"))
        cli.good("identity", "import", str(secret), "--state", states[-1])
    listen = ["listen", "80", "--stack", "overlay", "--count", "1", "--udp-port", str(port)]
    peer = f"{Identity.parse(SECRETS[1]).to_text()}@127.0.0.1/{port}"
    with Background(*listen, "--state", states[0]) as server:
        assert ":" in server.told()["listening"]
        address = server.told()["listening"]
        call = ["call", f"http://{address}/", "--stack", "overlay", "--peer", peer, "--state", states[1]]
        assert cli.json(*call, "--timeout", MANY)["status"] == 200


def test_what_an_overlay_does_not_take(cli: Cli, tmp_path: Path) -> None:
    call = ["call", "http://10.0.0.1/", "--state", str(tmp_path / "state")]
    peer = f"{Identity.parse(SECRETS[1]).to_text()}@10.0.0.1/1"
    assert "which network" in cli.bad(*call)
    assert "--stack overlay" in cli.bad(*call, "--network", "9ad07d01093a69e3", "--peer", peer)
    assert "has a controller" in cli.bad(*call, "--stack", "overlay", "--network", "9ad07d01093a69e3")
    assert "identity@ip/port" in cli.bad(*call, "--stack", "overlay", "--peer", "nobody")
