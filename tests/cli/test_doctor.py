"""`fastzt doctor`: each fault is really there, is named, and comes with what to do about it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.cli import Cli
from support.nodes import LOOPBACK, SECRETS, SERVER, Lab, lab
from support.ports import free_port

from fastzt import Node
from fastzt._core.endpoint import Endpoint
from fastzt.api.doctor import Doctor
from fastzt.api.findings import Finding
from fastzt.identity.identity import Identity
from fastzt.node.roles.root import make_planet

DAYS = 2 * 24 * 3600
HOLD = """
import sys
from fastzt.node.store import Store
store = Store(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def made() -> Iterator[Lab]:
    with lab() as running:
        yield running


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory with an identity."""
    path = tmp_path / "state"
    path.mkdir(mode=0o700)
    (path / "identity.secret").write_text(SECRETS[1])
    (path / "identity.secret").chmod(0o600)
    return path


def own_id() -> str:
    return SECRETS[1].partition(":")[0]


def arguments(made: Lab, state: Path, *more: str) -> list[str]:
    planet = state.parent / "planet"
    planet.write_bytes(made.planet)
    return ["doctor", "--state", str(state), "--planet", str(planet), "--timeout", "30", *more]


def told(cli: Cli, *given: str) -> tuple[int, list[dict[str, Any]]]:
    status, out, _ = cli(*given, "--json")
    found = json.loads(out)
    assert found["ok"] == (status == 0)
    return status, found["findings"]


def only(findings: list[dict[str, Any]], level: str) -> dict[str, Any]:
    """The one finding of a level."""
    found = [finding for finding in findings if finding["level"] == level]
    assert len(found) == 1, findings
    return found[0]


def problem(cli: Cli, *given: str) -> dict[str, Any]:
    """The one problem that a command line finds, with its advice; status 1."""
    status, findings = told(cli, *given)
    assert status == 1
    found = only(findings, "problem")
    assert found["advice"]
    return found


def authorized(made: Lab, network: str) -> str:
    """Let the examined node in; the network."""
    made.server.perform(lambda core, now: core.controller.authorize(int(network, 16), int(own_id(), 16), now))
    return network


def test_all_is_well(cli: Cli, made: Lab, state: Path) -> None:
    nwid = authorized(made, made.network())
    other = made.node(2)
    made.authorize(nwid, other)
    ip = str(other.join(nwid).addresses[0].ip)
    given = arguments(made, state, "--network", nwid, "--to", ip)
    status, findings = told(cli, *given)
    assert status == 0, findings
    assert {finding["check"] for finding in findings} >= {"state", "udp", "network", "clock", "ping", "path"}
    assert all(finding["level"] == "ok" for finding in findings if finding["check"] != "buffers"), findings
    assert f"{other.id} at 127.0.0.1/{other.port}" in findings[-1]["what"]
    status, out, err = cli(*given)
    assert (status, err) == (0, "")
    assert f"ok      udp: root {made.server.id} answers over UDP" in out


def test_not_authorized(cli: Cli, made: Lab, state: Path) -> None:
    nwid = made.network()
    found = problem(cli, *arguments(made, state, "-n", nwid))
    assert found["check"] == "network"
    assert f"node {own_id()} is not authorized on network {nwid}" in found["what"]
    assert f"fastzt controller authorize {nwid} {own_id()}" in found["advice"]


def test_the_networks_of_the_state(cli: Cli, made: Lab, state: Path) -> None:
    """A network that was joined once is looked at unasked, and as its controller sees it now."""
    nwid = authorized(made, made.network())
    with Node(state, made.planet, config=LOOPBACK) as node:
        node.join(nwid)
    made.server.perform(
        lambda core, now: core.controller.authorize(int(nwid, 16), int(own_id(), 16), now, False)
    )
    found = problem(cli, *arguments(made, state))
    assert f"not authorized on network {nwid}" in found["what"]


def test_no_address(cli: Cli, made: Lab, state: Path) -> None:
    nwid = authorized(made, made.network(v4AssignMode={"zt": False}))
    found = problem(cli, *arguments(made, state, "-n", nwid))
    assert f"network {nwid} has let this node in, but gives it no address" in found["what"]
    assert own_id() in found["advice"]


def test_no_such_network(cli: Cli, made: Lab, state: Path) -> None:
    found = problem(cli, *arguments(made, state, "-n", made.server.id + "abcdef"))
    assert "does not exist on its controller" in found["what"]


def test_a_controller_that_does_not_answer(cli: Cli, made: Lab, state: Path) -> None:
    found = problem(cli, *arguments(made, state, "-n", SECRETS[4][:10] + "abcdef", "--timeout", "2"))
    assert f"controller {SECRETS[4][:10]}" in found["what"]
    assert "running and online" in found["advice"]


def test_nobody_at_an_address(cli: Cli, made: Lab, state: Path) -> None:
    nwid = authorized(made, made.network())
    found = problem(cli, *arguments(made, state, "-n", nwid, "--to", "10.121.15.250", "--timeout", "3"))
    assert found["check"] == "ping"
    assert "10.121.15.250 does not answer" in found["what"]
    found = problem(cli, *arguments(made, state, "-n", nwid, "--to", "192.0.2.1", "--timeout", "3"))
    assert "no network has a route to 192.0.2.1" in found["what"]


@pytest.mark.parametrize("agent", [False, True])
def test_a_state_in_use(cli: Cli, made: Lab, state: Path, agent: bool) -> None:
    if agent:
        (state / "agent.sock").touch()
    command = [sys.executable, "-c", HOLD, str(state)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        found = problem(cli, *arguments(made, state))
        other.kill()
    assert found["check"] == "state"
    assert "in use by another process" in found["what"]
    assert f"process {other.pid}" in found["what"]
    assert ("agent" in found["what"]) == agent
    assert str(other.pid) in found["advice"]


def test_a_state_of_another_node_of_this_process(cli: Cli, made: Lab, state: Path) -> None:
    with Node(state, made.planet, config=LOOPBACK):
        assert "another node of this process" in problem(cli, *arguments(made, state))["what"]
        # The examination has not taken the lock from its owner.
        command = [sys.executable, "-c", HOLD, str(state)]
        ran = subprocess.run(command, input=b"", capture_output=True, check=False)
        assert b"in use" in ran.stderr


def test_a_state_that_is_a_file(cli: Cli, made: Lab, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "is not a directory" in problem(cli, *arguments(made, tmp_path / "file"))["what"]


def test_an_identity_that_cannot_be_used(cli: Cli, made: Lab, state: Path) -> None:
    (state / "identity.secret").write_text("89e92ceee5:0:nonsense")
    found = problem(cli, *arguments(made, state))
    assert found["check"] == "state"
    assert "backup" in found["advice"]
    assert (state / "identity.secret").read_text() == "89e92ceee5:0:nonsense"


def test_a_planet_that_cannot_be_used(cli: Cli, state: Path) -> None:
    (state / "planet").write_bytes(b"no planet")
    found = problem(cli, "doctor", "--state", str(state))
    assert str(state / "planet") in found["what"]


def test_an_identity_that_others_can_read(cli: Cli, made: Lab, state: Path) -> None:
    (state / "identity.secret").chmod(0o644)
    status, findings = told(cli, *arguments(made, state))
    assert status == 0
    found = next(f for f in findings if f["check"] == "state")
    assert found["level"] == "warning"
    assert found["advice"] == f"chmod 600 {state / 'identity.secret'}"


def test_a_full_disk(made: Lab, state: Path) -> None:
    """A limit on the size of files stands for the disk: nothing can be written either."""
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)); from fastzt.cli import main; main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, *arguments(made, state), "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 1, ran.stderr
    found = only(json.loads(ran.stdout)["findings"], "problem")
    assert "cannot write" in found["what"]
    assert found["advice"] == "make room on that disk"


def test_a_clock_that_is_not_the_controllers(
    cli: Cli, made: Lab, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nwid = authorized(made, made.network())
    real, real_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: real() + DAYS)
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + DAYS * 1_000_000_000)
    found = problem(cli, *arguments(made, state, "-n", nwid))
    assert found["check"] == "clock"
    assert "ahead of that of the controller" in found["what"]
    assert abs(int(found["what"].split("clock is ")[1].split()[0]) - DAYS) < 60


def test_a_clock_before_the_planets_day(
    cli: Cli, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, port = Identity.parse(SECRETS[0]), free_port()
    endpoint = Endpoint.parse("127.0.0.1", port)
    world = make_planet([(root, [endpoint])], root, time.time_ns() // 1_000_000).to_bytes()
    (tmp_path / "planet").write_bytes(world)
    real, real_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: real() - DAYS)
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() - DAYS * 1_000_000_000)
    with Node(identity=SECRETS[0], planet=world, port=port, config=SERVER):
        found = problem(cli, "doctor", "--state", str(state), "--planet", str(tmp_path / "planet"))
    assert "behind the day that the planet was signed" in found["what"]


def test_no_root_answers(cli: Cli, state: Path, tmp_path: Path) -> None:
    """Nobody listens at the root's port."""
    root = Identity.parse(SECRETS[0])
    world = make_planet([(root, [Endpoint.parse("127.0.0.1", free_port())])], root, 1)
    (tmp_path / "planet").write_bytes(world.to_bytes())
    found = problem(
        cli, "doctor", "--state", str(state), "--planet", str(tmp_path / "planet"), "--timeout", "1"
    )
    assert found["check"] == "udp"
    assert "no root answers over it, and there is no TCP relay" in found["what"]
    assert "let UDP out to 127.0.0.1/" in found["advice"]


def examined(**given: Any) -> list[Finding]:
    return list(Doctor(**given).findings())


def test_small_buffers(made: Lab, state: Path) -> None:
    """What a stock kernel gives (net.core.rmem_max)."""
    config = replace(LOOPBACK, receive_buffer=212_992)
    found = examined(state=state, planet=made.planet, config=config)
    (small,) = (finding for finding in found if finding.check == "buffers" and "receive" in finding.what)
    assert small.level == "warning"
    assert "212992 bytes" in small.what
    assert "sysctl -w net.core.rmem_max=4194304" in small.advice


def test_relay_only(state: Path) -> None:
    """Two nodes of which one has IPv4 alone, the other IPv6: they meet in the root only."""
    root, port = Identity.parse(SECRETS[0]), free_port()
    endpoints = [Endpoint.parse(host, port) for host in ("127.0.0.1", "::1")]
    world = make_planet([(root, endpoints)], root, 1).to_bytes()
    server = replace(SERVER, bind=("127.0.0.1", "::1"))
    six = replace(LOOPBACK, bind=("::1",))
    with (
        Node(identity=SECRETS[0], planet=world, port=port, config=server) as house,
        Node(identity=SECRETS[2], planet=world, config=six) as other,
    ):
        made = object.__new__(Lab)
        made.server = house
        nwid = authorized(made, made.network())
        made.authorize(nwid, other)
        ip = str(other.join(nwid).addresses[0].ip)
        found = examined(state=state, planet=world, config=LOOPBACK, networks=(nwid,), to=ip, timeout=10.0)
    assert any(finding.check == "ping" and finding.level == "ok" for finding in found), found
    (path,) = (finding for finding in found if finding.check == "path")
    assert path.level == "warning"
    assert f"packets to {other.id} go through the root {house.id}: " in path.what
    assert "none of its addresses" in path.what or "no answer from" in path.what
    assert "let UDP port" in path.advice


def test_a_state_that_is_not_there_yet(cli: Cli, made: Lab, tmp_path: Path) -> None:
    """It is made; where it cannot be, that is said."""
    if os.geteuid() != 0:
        locked = tmp_path / "locked"
        locked.mkdir(mode=0o500)
        assert "cannot be made" in problem(cli, *arguments(made, locked / "state"))["what"]
    (tmp_path / "secret").write_text(SECRETS[1])
    given = arguments(made, tmp_path / "new", "--identity-file", str(tmp_path / "secret"))
    status, findings = told(cli, *given)
    assert status == 0
    assert "the first start makes it" in findings[0]["what"]
