"""Verbs: what a driver asks of a core."""

from __future__ import annotations

from typing import Any

from .._core.datagram_batch import DatagramBatch, TransmitBatch
from .._core.endpoint import Endpoint


class Verbs:
    """A sans-IO core; `now` is microseconds of the clock that its deadlines are on."""

    def receive(self, batch: DatagramBatch, now: int) -> None:
        """Process what arrived; never raises for what a remote sent."""
        raise NotImplementedError

    def transmit(self, out: TransmitBatch, now: int) -> bool:
        """Fill `out` with what is to be sent; True when more remains."""
        raise NotImplementedError

    def deadline(self) -> int:
        """When `tick` is wanted next; 2**62: never."""
        raise NotImplementedError

    def tick(self, now: int) -> None:
        """Let the timers fire that are due."""
        raise NotImplementedError

    def jobs(self) -> list[Any]:
        """Long computations to be run outside (`job.run()`), then handed to `finish`."""
        raise NotImplementedError

    def finish(self, job: Any, now: int) -> None:
        """Take back a job that has run."""
        raise NotImplementedError

    def refuse(self, job: Any, now: int) -> None:
        """A job that nobody will run."""
        raise NotImplementedError

    def has_news(self) -> bool:
        """Whether `ready`, `events` or `jobs` may have something to tell."""
        raise NotImplementedError

    def ready(self) -> list[tuple[int, int]]:
        """(id, bits) of the sockets that changed since the last call."""
        raise NotImplementedError

    def events(self) -> list[Any]:
        """What happened since the last call."""
        raise NotImplementedError

    def path_too_big(self, socket: int, endpoint: Endpoint, size: int, now: int) -> None:
        """A datagram of `size` bytes does not fit the route to `endpoint`."""
        raise NotImplementedError
