"""`fastzt demo` in processes of its own: its steps, its report; and what is shown on a terminal alone."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.cli import PATIENCE, Cli
from support.ports import free_port
from support.vectors import committed

import fastzt

STEPS = ["identity", "HELLO", "join", "address", "ARP", "connect", "response", "throughput"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fastzt", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE)


def steps(text: str) -> list[str]:
    """The first word of each line, once each."""
    return list(dict.fromkeys(line.split()[0] for line in text.splitlines()))


def test_the_demo_reports_as_json() -> None:
    done = run("demo", "--json")
    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    report = json.loads(line)
    assert (report["http_status"], report["body_ok"]) == (200, True)
    assert report["compiled"] is fastzt.is_compiled()
    for name in ("join_seconds", "connect_seconds", "warm_start_seconds", "tcp_gbit_s"):
        assert isinstance(report[name], float)
        assert report[name] > 0
    assert [step for step in steps(done.stderr) if step in STEPS] == STEPS


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
def test_progress_is_shown_on_a_terminal_and_not_in_a_pipe(cli: Cli, tmp_path: Path) -> None:
    own, root, planet = tmp_path / "own.secret", tmp_path / "root.secret", str(tmp_path / "planet")
    for path, case in zip((own, root), committed("identity", "identity"), strict=False):
        path.write_text(case["secret_string"])
    cli.good("identity", "import", str(own), "--state", "state")
    cli.good("planet", "make", "--root", f"{root}@127.0.0.1/{free_port()}", "-o", planet)
    arguments = ["status", "--state", "state", "--planet", planet, "--timeout", "0.3"]
    piped = run(*arguments)
    assert piped.returncode == 1
    assert piped.stderr == "fastzt: no root answered within 0.3 s\n"
    shown = on_terminal(*arguments)
    assert b"starting the node" in shown
    assert b"looking for a root" in shown


def on_terminal(*arguments: str) -> bytes:
    """What a command shows on a terminal that its error output is."""
    ours, theirs = os.openpty()
    shown = b""
    command = [sys.executable, "-m", "fastzt", *arguments]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs, env=environment):
        os.close(theirs)
        with contextlib.suppress(OSError):  # Linux: an error, not an end, once the other side is closed
            while block := os.read(ours, 4096):
                shown += block
    os.close(ours)
    return shown


def test_the_demo_without_root_and_controller() -> None:
    done = run("demo", "--stack", "overlay", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["http_status"], report["body_ok"]) == (200, True)
    assert "root" not in steps(done.stderr)
    assert set(STEPS) <= set(steps(done.stderr))
