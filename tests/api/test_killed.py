"""What is killed while threads wait for it leaves no hung thread, nothing unclosed, and a clean exit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import killable

PATIENCE = 120


class Process:
    """One role of `support.killable`, and what it said when it was ready."""

    def __init__(self, role: str, *arguments: str, strict: bool = False) -> None:
        flags = ["-X", "dev", "-W", "error"] if strict else []
        self.process = subprocess.Popen(
            [sys.executable, *flags, "-m", "support.killable", role, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if strict else None,
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path(killable.__file__).parent.parent)},
        )
        self.said: dict[str, Any] = {}

    def ready(self) -> dict[str, Any]:
        """Wait for its first line."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read() if self.process.stderr else "it has ended"
        self.said = json.loads(line)
        return self.said

    def finish(self) -> tuple[int, list[dict[str, Any]], str]:
        """Let it go on; its exit status, the lines that it said, and what it complained of."""
        out, err = self.process.communicate("on\n", PATIENCE)
        return self.process.returncode, [json.loads(line) for line in out.splitlines()], err

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def root() -> Iterator[Process]:
    made = Process("root")
    made.ready()
    yield made
    made.kill()


@pytest.fixture
def peer(root: Process) -> Iterator[Process]:
    made = Process("peer", root.said["planet"], root.said["network"])
    made.ready()
    yield made
    made.kill()


@pytest.mark.parametrize(
    ("killed", "ending"), [("peer", "sockets"), ("peer", "node"), ("peer", "engine"), ("root", "node")]
)
def test_nothing_hangs(root: Process, peer: Process, killed: str, ending: str) -> None:
    arguments = root.said["planet"], root.said["network"], peer.said["ip"], str(peer.said["port"])
    user = Process("user", *arguments, ending, strict=True)
    try:
        assert user.ready() == {"ready": True}
        {"peer": peer, "root": root}[killed].kill()
        status, said, complaints = user.finish()
    finally:
        user.kill()
    assert complaints == ""
    assert [line for line in said if "hung" in line] == []
    assert [list(line) for line in said] == [["seconds"]]
    assert status == 0
