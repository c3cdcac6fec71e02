"""AioDriver: what other threads bring about is attended to in time."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from fastzt._core.datagram_batch import DatagramBatch, TransmitBatch
from fastzt.io.aio import AioDriver
from fastzt.io.clock import monotonic_us
from fastzt.io.endpoints import UdpSockets
from fastzt.node.verbs import Verbs

LONG = 30.0
NEVER = 1 << 62


class AlarmClock(Verbs):
    """A core that has nothing but a timer."""

    def __init__(self, alarm: int) -> None:
        self.alarm = alarm
        self.rung = threading.Event()

    def receive(self, batch: DatagramBatch, now: int) -> None:
        raise AssertionError("nobody sends anything")

    def transmit(self, out: TransmitBatch, now: int) -> bool:
        return False

    def deadline(self) -> int:
        return self.alarm

    def tick(self, now: int) -> None:
        if self.alarm <= now:
            self.alarm = NEVER
            self.rung.set()

    def jobs(self) -> list[Any]:
        return []

    def has_news(self) -> bool:
        return False

    def ready(self) -> list[tuple[int, int]]:
        return []

    def events(self) -> list[Any]:
        return []


class Hurried:
    """The clock; the loop's next look at it takes so long that another thread runs an action meanwhile."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None

    def __call__(self) -> int:
        thread, self.thread = self.thread, None
        if thread is not None:
            thread.start()
            thread.join(LONG)
        return monotonic_us()


def test_a_timer_that_a_thread_moves_while_it_is_being_set_still_fires() -> None:
    async def main() -> bool:
        clock = Hurried()
        core = AlarmClock(monotonic_us() + 3_600_000_000)
        driver = AioDriver(core, UdpSockets.open(0, ("127.0.0.1",)), clock)  # type: ignore[arg-type]
        driver.run(lambda now: None)  # there is a deadline, and the loop is to set a timer for it

        def sooner() -> None:
            driver.run(lambda now: setattr(core, "alarm", now + 20_000))

        clock.thread = threading.Thread(target=sooner)
        driver.start()
        rung = await asyncio.to_thread(core.rung.wait, LONG)
        await driver.close(lambda: None)
        return rung

    assert asyncio.run(main())
