"""ICMP echo from the user's side: `Network.ping`."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from ..errors import InputError
from ..io.threaded import ThreadedDriver
from ..io.waiter import TimedOut
from ..netstack.echo import Outcome, Pinger
from . import addresses

T = TypeVar("T")


@dataclass(frozen=True)
class Echo:
    """One request: `seconds` until its reply, None when none came (then `error` may say why)."""

    sequence: int
    seconds: float | None
    error: str = ""


@dataclass(frozen=True)
class PingResult:
    """What `Network.ping` found out about `address`."""

    address: str
    size: int
    echoes: list[Echo] = field(default_factory=list)

    @property
    def times(self) -> list[float]:
        """Seconds until each reply that came."""
        return [echo.seconds for echo in self.echoes if echo.seconds is not None]

    @property
    def sent(self) -> int:
        """How many requests were sent."""
        return len(self.echoes)

    @property
    def received(self) -> int:
        """How many replies came."""
        return len(self.times)


class Pinging:
    """Sends requests one at a time, no two closer than `interval` seconds."""

    def __init__(
        self, driver: ThreadedDriver, nwid: int, ip: bytes, size: int, timeout: float, interval: float
    ) -> None:
        if size < 0 or timeout <= 0 or interval < 0:
            raise InputError("a ping has a size and an interval of 0 or more, and a timeout above 0")
        self.driver = driver
        self.size = size
        self.timeout = timeout
        self.interval = interval
        self.address = addresses.host_text(ip)
        self.pinger: Pinger = driver.run(lambda now: driver.core.pinger(nwid, ip))

    def echoes(self, count: int | None) -> Iterator[Echo]:
        """The outcomes, each as it is known; None: without end. Raises OSError."""
        start = time.monotonic()
        done = 0
        while count is None or done < count:
            if done:
                self.pause(start + done * self.interval - time.monotonic())
            yield self.one()
            done += 1

    def one(self) -> Echo:
        """Ask once and wait for what comes of it."""
        end = time.monotonic() + self.timeout
        try:
            sequence = self.wait(lambda now: self.pinger.send(self.size, now), self.timeout)
        except TimedOut:
            return Echo(self.pinger.sequence & 0xFFFF, None, os.strerror(errno.EAGAIN))

        def attempt(now: int) -> Outcome | None:
            while (outcome := self.pinger.take()) is not None:
                if outcome.sequence == sequence:
                    return outcome
            return None

        try:
            outcome = self.wait(attempt, max(end - time.monotonic(), 0.0))
        except TimedOut:
            return Echo(sequence, None)
        if outcome.error:
            return Echo(sequence, None, os.strerror(outcome.error))
        return Echo(sequence, outcome.microseconds / 1e6)

    def wait(self, attempt: Callable[[int], T | None], timeout: float) -> T:
        """As the driver's wait."""
        return self.driver.wait(self.pinger.id, attempt, timeout)

    def pause(self, seconds: float) -> None:
        """Wait, while the node goes on."""
        if seconds > 0:
            try:
                self.wait(lambda now: None, seconds)
            except TimedOut:
                return

    def close(self) -> None:
        """Ask no more."""
        if not self.driver.closed and not self.driver.forked:
            self.driver.run(self.pinger.close)
