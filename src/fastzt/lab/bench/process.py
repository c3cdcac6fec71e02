"""Member: the parent's hand on a `child` process."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from types import TracebackType
from typing import Any

from ...errors import FastztError

ENDING = 10.0
SLACK = 120.0  # seconds that a command may take beyond what it was asked to measure


class Member:
    """A child process; commands are carried out in order. A context manager: the process ends with it."""

    def __init__(self, name: str, **environment: str) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fastzt.lab.bench.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                self._answers.put(line)
        self._answers.put("")

    def start(self, do: str, **arguments: Any) -> None:
        """Give a command."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({"do": do, "with": arguments}) + "\n")
            self.process.stdin.flush()
        except (OSError, ValueError):  # broken, or closed by `close`
            raise FastztError(f"the process {self.name} has ended") from None

    def result(self, seconds: float = 0.0) -> Any:
        """The answer to the oldest command unanswered; raises FastztError for a failure."""
        try:
            line = self._answers.get(timeout=seconds + SLACK)
        except queue.Empty:
            raise FastztError(f"{self.name} did not answer within {seconds + SLACK:.0f} s") from None
        if not line:
            self._answers.put("")
            raise FastztError(f"the process {self.name} has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise FastztError(f"{self.name}: {answer['error']}")
        return answer["ok"]

    def call(self, do: str, **arguments: Any) -> Any:
        """Give a command and wait for its answer."""
        self.start(do, **arguments)
        return self.result()

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(ENDING)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(ENDING)
        self._listener.join(ENDING)

    def __enter__(self) -> Member:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
