"""What is wrong is named before anything is written; so is a state directory that cannot be used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.cli import Background, Cli
from support.ports import free_port
from support.vectors import committed

from fastzt.wire.planet import DEFAULT_PLANET

SECRET = committed("identity", "identity")[0]["secret_string"]
NWID = "9ad07d01093a69e3"
HOLD = """
import sys
from fastzt.node.store import Store
store = Store(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.rglob("*")}


@pytest.mark.parametrize("where", ["planet", "libzt/roots"])
@pytest.mark.parametrize("data", [b"bad", DEFAULT_PLANET[:-1], b"x" * 9000])
def test_a_bad_stored_planet_leaves_no_identity(cli: Cli, tmp_path: Path, where: str, data: bytes) -> None:
    state = tmp_path / "state"
    path = state / where
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    before = names(state)
    for command in (
        ["status"],
        ["peers"],
        ["join", NWID],
        ["root"],
        ["call", "http://10.1.2.3/", "-n", NWID],
    ):
        assert str(path) in cli.bad(*command, "--state", str(state))
    assert names(state) - before <= {"lock"}
    assert path.read_bytes() == data


def test_a_root_without_identity_is_refused_before_one_is_made(cli: Cli, tmp_path: Path) -> None:
    state, planet = tmp_path / "state", tmp_path / "good.planet"
    planet.write_bytes(DEFAULT_PLANET)
    assert "--endpoint" in cli.bad("root", "--state", str(state))
    assert "--endpoint" in cli.bad("root", "--state", str(state), "--planet", str(planet))
    assert not state.exists()


def test_a_network_is_checked_before_an_identity_is_made_for_it(cli: Cli, tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert "name" in cli.bad("controller", "create", "--name", "x" * 128, "--state", str(state))
    assert not state.exists()


@pytest.mark.parametrize("host", ["10.0.0.300", "10.1.2", "[10.1.2.3]", "10.1.2.3:http"])
def test_a_bad_host_of_a_url_is_named(cli: Cli, tmp_path: Path, host: str) -> None:
    state = tmp_path / "state"
    assert host in cli.bad("call", f"http://{host}/", "--network", NWID, "--state", str(state))
    assert not state.exists()


@pytest.mark.parametrize("path", ["a b", "\x01", "\n", "\x7f"])
def test_a_url_with_control_characters_is_refused(cli: Cli, tmp_path: Path, path: str) -> None:
    state = tmp_path / "state"
    assert "URL" in cli.bad("call", f"http://10.1.2.3/{path}", "--network", NWID, "--state", str(state))
    assert not state.exists()


def test_the_network_id_zero_is_none(cli: Cli, tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert "zero" in cli.bad("join", "0" * 16, "--state", str(state))
    assert not state.exists()


# Directories that cannot be used: status 1, one line


def test_a_file_where_the_state_should_be(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("mine")
    for command in (["status"], ["join", NWID], ["controller", "create"], ["identity", "new"]):
        assert str(path) in cli.bad(*command, "--state", str(path), expected=1)
    assert str(path) in cli.bad("status", "--state", str(path / "below"), expected=1)
    assert path.read_text() == "mine"


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc here")
def test_a_directory_that_cannot_be_written(cli: Cli) -> None:
    assert "cannot write to state directory /proc" in cli.bad("status", "--state", "/proc", expected=1)
    assert "cannot create /proc/" in cli.bad("status", "--state", "/proc/fastzt", expected=1)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_directory(cli: Cli, tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    assert str(tmp_path) in cli.bad("status", "--state", str(tmp_path), expected=1)
    assert str(tmp_path) in cli.bad("identity", "new", "--state", str(tmp_path / "new"), expected=1)
    assert names(tmp_path) == set()


def test_a_directory_held_by_another_process(cli: Cli, tmp_path: Path) -> None:
    state = tmp_path / "state"
    (tmp_path / "own.secret").write_text(SECRET)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        commands = [
            ["status"],
            ["peers"],
            ["join", NWID],
            ["listen", "80", "--network", NWID],
            ["identity", "import", str(tmp_path / "own.secret")],
            ["root", "--endpoint", f"127.0.0.1/{free_port()}"],
            ["controller", "run"],
        ]
        for command in commands:
            line = cli.bad(*command, "--state", str(state), expected=1)
            assert f"state directory {state} is in use by another process" in line
        assert names(state) == {"lock"}
        assert holder.stdin is not None
        holder.stdin.close()
    cli.good("identity", "import", str(tmp_path / "own.secret"), "--state", str(state))


def test_two_commands_on_one_state_directory(cli: Cli, tmp_path: Path) -> None:
    state = tmp_path / "state"
    (tmp_path / "own.secret").write_text(SECRET)
    cli.good("identity", "import", str(tmp_path / "own.secret"), "--state", str(state))
    with Background("root", "--state", str(state), "--endpoint", f"127.0.0.1/{free_port()}") as root:
        assert root.told()["node"] == SECRET[:10]
        assert "another process" in cli.bad("status", "--state", str(state), expected=1)
        assert root.stop() == (0, "")
