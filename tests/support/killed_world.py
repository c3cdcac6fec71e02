"""A root, a peer, and programs that a test watches while it silences and kills them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from . import killable
from .killable import prepare
from .nodes import SECRETS, free_port, planet_of

BOUND = 400.0  # seconds, for whatever is waited for


class Process:
    """A module of this package as a program, and what it said last."""

    def __init__(self, module: str, *arguments: str, strict: bool = False) -> None:
        flags = ["-X", "dev", "-W", "error"] if strict else []
        self.process = subprocess.Popen(
            [sys.executable, *flags, "-m", f"support.{module}", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if strict else None,
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path(killable.__file__).parent.parent)},
        )
        self.said: dict[str, Any] = {}

    def ready(self) -> dict[str, Any]:
        """Wait for its next line."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read() if self.process.stderr else "it has ended"
        self.said = json.loads(line)
        return self.said

    def go_on(self) -> None:
        """Give it a line."""
        assert self.process.stdin is not None
        self.process.stdin.write("on\n")
        self.process.stdin.flush()

    def finish(self) -> tuple[int, list[dict[str, Any]], str]:
        """Let it go on; its exit status, the lines that it said, and what it complained of."""
        out, err = self.process.communicate("on\n", BOUND)
        return self.process.returncode, [json.loads(line) for line in out.splitlines()], err

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


class World:
    """The root and the peer come back when they are needed again."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.port = free_port()
        planet = planet_of(SECRETS[0], self.port)
        self.states = [prepare(top, number, planet) for number in range(5)]
        self.running: dict[str, Process] = {}
        self.networks: tuple[str, str] = ("", "")
        self.place = ("", 0)

    def start(self) -> None:
        """Whoever is dead."""
        if "root" not in self.running:
            if "peer" in self.running:
                self.kill("peer")  # which would look for the new root a minute later
            network = self.networks[0]
            said = self.run("root", str(self.states[0]), str(self.port), *([network] if network else []))
            self.networks = said["network"], said["other"]
        if "peer" not in self.running:
            said = self.run("peer", str(self.states[1]), self.networks[0])
            self.place = said["ip"], said["port"]

    def run(self, role: str, *arguments: str) -> dict[str, Any]:
        self.running[role] = Process("killable", role, *arguments)
        return self.running[role].ready()

    def program(self, module: str, ending: str) -> Process:
        """One that has got as far as saying so; then root and peer fall silent, and it knocks at them."""
        ip, port = self.place
        made = Process(module, str(self.top), *self.networks, ip, str(port), ending, strict=True)
        try:
            made.ready()
            self.silence(True)
            made.go_on()
            made.ready()
        except BaseException:
            made.kill()
            raise
        return made

    def silence(self, wanted: bool) -> None:
        for process in self.running.values():
            process.signal(signal.SIGSTOP if wanted else signal.SIGCONT)

    def kill(self, role: str) -> None:
        self.running.pop(role).kill()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.silence(False)
        for role in list(self.running):
            self.kill(role)
