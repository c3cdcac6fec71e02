"""How fastzt is run for good: whose identity it has, without state, without privileges, by systemd."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from platformdirs import user_state_path
from support.cli import Cli
from support.nodes import SECRETS, Lab, lab

from fastzt.api.agent_wire import socket_path

ROOT = Path(__file__).parent.parent.parent
UNITS = sorted((ROOT / "packaging" / "systemd").glob("*.service"))
USERS_UNITS = sorted((ROOT / "packaging" / "systemd" / "user").glob("*.service"))
SOCKET_UNIT = ROOT / "packaging" / "systemd" / "user" / "fastzt-agent.socket"
NOBODY = "65532"
UNPRIVILEGED = """
mount --make-rprivate / && mount -t tmpfs none "$1" && chown 65532:65532 "$1" && mount -o remount,bind,ro /
shift
exec setpriv --reuid 65532 --regid 65532 --clear-groups --no-new-privs --bounding-set=-all \\
    --inh-caps=-all -- "$@"
"""


@pytest.fixture(scope="module")
def made() -> Iterator[Lab]:
    with lab() as running:
        yield running


def planet(made: Lab, tmp_path: Path) -> list[str]:
    (tmp_path / "planet").write_bytes(made.planet)
    return ["--planet", str(tmp_path / "planet"), "--timeout", "60"]


def test_an_identity_from_a_file(cli: Cli, made: Lab, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRETS[1])
    more = ("--ephemeral", "--identity-file", str(tmp_path / "secret"))
    assert cli.json("status", *planet(made, tmp_path), *more)["id"] == SECRETS[1][:10]
    assert "none" in cli.bad("status", "--ephemeral", "--identity-file", str(tmp_path / "none"))


def test_an_identity_from_the_environment(
    cli: Cli, made: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTZT_IDENTITY", SECRETS[2])
    monkeypatch.setenv("FASTZT_EPHEMERAL", "1")
    assert cli.json("status", *planet(made, tmp_path))["id"] == SECRETS[2][:10]
    monkeypatch.setenv("FASTZT_IDENTITY", "nonsense")
    assert "nonsense" not in cli.bad("status", *planet(made, tmp_path)).replace("nonsense: No such", "")


def test_nothing_is_kept(cli: Cli, made: Lab, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRETS[1])
    state = tmp_path / "state"
    more = ("--ephemeral", "--identity-file", str(tmp_path / "secret"), "--state", str(state))
    cli.json("status", *planet(made, tmp_path), *more)
    found = cli.json("doctor", *planet(made, tmp_path), *more)
    assert found["ok"]
    assert not state.exists()


def test_without_privileges_on_a_file_system_that_cannot_be_written(made: Lab, tmp_path: Path) -> None:
    """As in the container: another user, no capability, everything but the state read-only."""
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("setpriv"):
        pytest.skip("only root can take privileges away from a process of its own")
    state, secret = tmp_path / "state", tmp_path / "secret"
    state.mkdir()
    secret.write_text(SECRETS[1])
    closed = [path for path in (tmp_path, *tmp_path.parents) if path.stat().st_mode & 0o055 != 0o055]
    for path in closed:
        path.chmod(path.stat().st_mode | 0o055)
    command = [sys.executable, "-B", "-m", "fastzt", "status", "--state", str(state), "--json"]
    command += ["--identity-file", str(secret)]
    program = ["unshare", "--mount", "sh", "-c", UNPRIVILEGED, "sh", str(state), *command]
    ran = subprocess.run(
        [*program, *planet(made, tmp_path)], capture_output=True, text=True, timeout=250, check=False
    )
    if "failed to execute" in ran.stderr or "No module named fastzt" in ran.stderr:
        pytest.skip(f"that user cannot read this installation: {ran.stderr}")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["online"] is True
    assert list(state.iterdir()) == []  # it was on the file system of that process alone


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units(path: Path, tmp_path: Path) -> None:
    """systemd finds nothing wrong, and much that is closed."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    program = shutil.which("true")
    assert program is not None
    text = path.read_text()
    assert "/usr/bin/fastzt" in text
    unit = tmp_path / path.name.replace("@", "@x")
    unit.write_text(text.replace("/usr/bin/fastzt", program).replace("Documentation=man:fastzt(1)", ""))
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert path.name.partition(".")[0].rstrip("@") not in ran.stderr
    assert re.search("^(DynamicUser=yes|CapabilityBoundingSet=)$", text, re.M)


def test_a_users_units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent's, which belong together: its socket is where programs of that user look for it."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    program = shutil.which("true")
    assert program is not None
    for path in (*USERS_UNITS, SOCKET_UNIT):
        text = path.read_text().replace("/usr/bin/fastzt", program)
        (tmp_path / path.name).write_text(text.replace("Documentation=man:fastzt(1)", ""))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    for path in tmp_path.glob("fastzt-*"):
        command = ["systemd-analyze", "--user", "verify", "--man=no", str(path)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "fastzt-" not in ran.stderr
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    path = str(socket_path(user_state_path("fastzt"))).replace(str(Path.home()), "%h")
    assert f"ListenStream={path}\n" in SOCKET_UNIT.read_text()


def test_the_commands_of_the_units_exist(cli: Cli) -> None:
    for path in (*UNITS, *USERS_UNITS):
        line = next(line for line in path.read_text().splitlines() if line.startswith("ExecStart="))
        command, *options = line.split()[1:]
        status, out, _ = cli(command, "--help")
        assert status == 0
        assert all(option in out for option in options if option.startswith("--"))


def test_the_container_has_no_root() -> None:
    text = (ROOT / "packaging" / "container" / "Containerfile").read_text()
    last = text[text.rindex("FROM ") :]
    assert f"USER {NOBODY}:{NOBODY}" in last
    assert last.index("USER") < last.index("ENTRYPOINT")
    assert "--read-only" in text
