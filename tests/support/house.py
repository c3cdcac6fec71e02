"""A lab in this process, and commands in processes of their own that are its members."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .cli import PATIENCE, Cli
from .nodes import Lab
from .vectors import committed

SECRETS = [case["secret_string"] for case in committed("identity", "identity")]
MANY = str(PATIENCE)


class House:
    """A lab and a network on it; `member` gives the options of a command that is its numbered member."""

    def __init__(self, made: Lab, directory: Path, cli: Cli) -> None:
        self.lab = made
        self.network = made.network(private=False)
        self.directory = directory
        self.cli = cli
        (directory / "planet").write_bytes(made.planet)

    def member(self, number: int) -> list[str]:
        state = self.directory / f"member{number}"
        if not state.exists():
            secret = self.directory / f"{number}.secret"
            secret.write_text(SECRETS[number])
            self.cli.good("identity", "import", str(secret), "--state", str(state))
        options = ["--state", str(state), "--planet", str(self.directory / "planet")]
        return [*options, "--network", self.network, "--timeout", MANY]


class Piped:
    """A command line in a process of its own with pipes at all ends. Ended with the with statement."""

    def __init__(self, *arguments: str, environment: Sequence[tuple[str, str]] = ()) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fastzt", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **dict(environment)},
        )

    def said(self) -> str:
        """The next line of the error output."""
        assert self.process.stderr is not None
        return self.process.stderr.readline().decode()

    def wrote(self) -> str:
        """The next line of the output; the error output when it ends instead."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode()
        assert line, self.process.communicate()[1]
        return line

    def finish(self, data: bytes = b"") -> tuple[int, bytes, str]:
        """Status, output and error output after this input."""
        out, err = self.process.communicate(data, timeout=PATIENCE)
        return self.process.returncode, out, err.decode()

    def interrupt(self) -> tuple[int, str]:
        """Status and error output after Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        status, _, err = self.finish()
        return status, err

    def __enter__(self) -> Piped:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
