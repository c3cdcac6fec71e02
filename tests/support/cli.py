"""Command lines, run in this process or in one of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from fastzt.cli import main

PATIENCE = 120.0  # seconds for what takes a few on an idle machine


class Cli:
    """Runs command lines in this process: status, output, error output."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main([*arguments])
        out, err = self.capsys.readouterr()
        assert isinstance(stop.value.code, int)
        return stop.value.code, out, err

    def good(self, *arguments: str) -> str:
        status, out, err = self(*arguments)
        assert (status, err) == (0, "")
        return out

    def json(self, *arguments: str) -> Any:
        return json.loads(self.good(*arguments, "--json"))

    def bad(self, *arguments: str, expected: int = 2) -> str:
        """One line on standard error, nothing on standard output, status 2."""
        status, out, err = self(*arguments)
        assert (status, out) == (expected, "")
        assert err.count("\n") == 1
        assert err.startswith("fastzt: ")
        return err


class Background:
    """A command line in a process of its own, which prints JSON lines. Ended with the with statement."""

    def __init__(self, *arguments: str, pass_fds: tuple[int, ...] = ()) -> None:
        command = [sys.executable, "-m", "fastzt", *arguments, "--json"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=pass_fds
        )

    def told(self) -> Any:
        """The next thing that it prints; the error output when it ends instead."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        return json.loads(line)

    def ended(self) -> tuple[int, str]:
        """Exit status and error output, once it ends by itself."""
        _, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, err

    def stop(self) -> tuple[int, str]:
        """Exit status and error output after SIGTERM."""
        self.process.terminate()
        return self.ended()

    def __enter__(self) -> Background:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
