"""Processes in namespaces, and the test's end of the JSON-lines protocol of `commands`."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

Value = TypeVar("Value")
PATIENCE = 60.0


class RemoteError(Exception):
    """What a command raised in the peer's process; `kind` is the class's name there."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind


def until(question: Callable[[], Value], what: str, timeout: float = PATIENCE) -> Value:
    """Ask every 50 ms until the answer is true; raises TimeoutError."""
    end = time.monotonic() + timeout
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {timeout} s")
        time.sleep(0.05)


def soon(read: Callable[[], str], patience: float) -> str:
    """What a blocking read gives; raises TimeoutError."""
    found: Future[str] = Future()
    threading.Thread(target=lambda: found.set_result(read()), daemon=True).start()
    return found.result(patience)


class Process:
    """A program inside a namespace; its stderr goes to `log`."""

    def __init__(self, namespace: str, command: list[str], log: Path, **options: Any) -> None:
        self.log = log
        with log.open("ab") as stderr:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", namespace, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                **options,
            )

    def line(self, patience: float = PATIENCE) -> str:
        """The next line that it prints; raises TimeoutError, and RemoteError when it ended instead."""
        assert self.process.stdout is not None
        line = soon(self.process.stdout.readline, patience)
        if not line:
            raise RemoteError("Ended", self.tail())
        return line

    def rest(self, patience: float = PATIENCE) -> tuple[int, str]:
        """Wait until it ends: its exit status, and what it printed."""
        assert self.process.stdout is not None
        printed = soon(self.process.stdout.read, patience)
        return self.process.wait(patience), printed

    def stop(self) -> None:
        """End it, by its process id."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        for end in (self.ask_to_end, self.process.terminate, self.process.kill):
            end()
            try:
                self.process.wait(5)
                break
            except subprocess.TimeoutExpired:
                continue
        self.process.stdout.close()

    def ask_to_end(self) -> None:
        """The first thing to try: SIGTERM."""
        self.process.terminate()

    def tail(self) -> str:
        """The end of its log, for a failure's message."""
        return self.log.read_text(errors="replace")[-2000:]


class Peer(Process):
    """A peer under command; `call` waits for the answer, `start` gives a Future."""

    def __init__(self, namespace: str, command: list[str], log: Path, **options: Any) -> None:
        super().__init__(namespace, command, log, **options)
        self._waiting: dict[int, Future[Any]] = {}
        self._number = 0
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ask_to_end(self) -> None:
        """The end of its commands, which stop() has made, is enough."""

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            answer = json.loads(line)
            future = self._waiting.pop(answer["id"])
            if "error" in answer:
                future.set_exception(RemoteError(answer["error"], answer["text"]))
            else:
                future.set_result(answer["ok"])
        for future in list(self._waiting.values()):
            future.set_exception(RemoteError("Ended", self.tail()))

    def start(self, name: str, **arguments: Any) -> Future[Any]:
        """Begin a command."""
        assert self.process.stdin is not None
        future: Future[Any] = Future()
        with self._lock:
            self._number += 1
            self._waiting[self._number] = future
            command = {"id": self._number, "do": name, "with": arguments}
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
        return future

    def call(self, name: str, *, patience: float = PATIENCE, **arguments: Any) -> Any:
        """Do a command and wait for its answer; raises RemoteError, TimeoutError."""
        return self.start(name, **arguments).result(patience)
