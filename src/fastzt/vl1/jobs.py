"""Jobs: the proof of work of unknown identities, checked outside the receive path (PROTOCOL-VL1 2.4)."""

from __future__ import annotations

from collections.abc import Callable

from .._core.armor import SessionKey
from ..identity.identity import Identity

Continuation = Callable[[int], None]


class Job:
    """One identity to validate: `run()` on any thread, then `Switch.finish(job, now)`.

    `then` holds what waits for it: called with `now` once the identity has proved valid.
    """

    __slots__ = ("identity", "key", "then", "valid")

    def __init__(self, identity: Identity, key: SessionKey) -> None:
        self.identity = identity
        self.key = key
        self.then: list[Continuation] = []
        self.valid: bool | None = None

    def run(self) -> None:
        """Do the proof of work: 15 ms compiled; touches nothing but the job."""
        self.valid = self.identity.validate()


class Jobs:
    """The validations under way, by identity; capped, and each holds a few continuations at most."""

    MAX_CONTINUATIONS = 4

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.queue: list[Job] = []
        self.running: dict[bytes, Job] = {}

    def find(self, identity: bytes) -> Job | None:
        """The job under way for an identity (71 bytes)."""
        return self.running.get(identity)

    def add(self, job: Job) -> bool:
        """Queue a job; False when there are too many."""
        if len(self.running) >= self.limit:
            return False
        self.running[job.identity.to_bytes()] = job
        self.queue.append(job)
        return True

    def attach(self, job: Job, then: Continuation) -> None:
        """Let something wait for a job, up to four."""
        if len(job.then) < self.MAX_CONTINUATIONS:
            job.then.append(then)

    def take(self) -> list[Job]:
        """The jobs that nobody has taken yet."""
        queue, self.queue = self.queue, []
        return queue

    def finish(self, job: Job) -> bool:
        """Close a job; whether its identity is valid."""
        self.running.pop(job.identity.to_bytes(), None)
        return job.valid is True
