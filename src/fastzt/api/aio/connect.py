"""Connecting without blocking: to one address, or to the first of several that answers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ...io.threaded import EVERY
from ...io.waiter import TimedOut
from ..connecting import Connecting
from ..happy_eyeballs import Candidate, Race

if TYPE_CHECKING:
    from ...io.driver import AsyncDriver
    from ...netstack.tcp.connection import Connection


async def connect(driver: AsyncDriver, nwid: int, ip: bytes, port: int, timeout: float | None) -> Connection:
    """Connect through one network; a failure or a cancellation leaves nothing behind."""
    connecting = Connecting(driver, nwid, ip, port)
    try:
        await driver.wait(connecting.connection.id, connecting.attempt, timeout)
    except BaseException as error:
        connecting.abandon()
        if isinstance(error, TimedOut):
            raise connecting.late() from None
        raise
    return connecting.connection


async def connect_first(
    driver: AsyncDriver, candidates: list[Candidate], port: int, timeout: float | None
) -> Connection:
    """Connect to the first of several addresses that answers (`happy_eyeballs`), given in order."""
    if len(candidates) == 1:
        return await connect(driver, *candidates[0], port, timeout)
    start = time.monotonic()
    race = Race(driver.core, candidates, port)
    winner: Connection | None = None
    try:
        while winner is None:
            left = None if timeout is None else start + timeout - time.monotonic()
            if left is not None and left <= 0:
                raise race.late(start)
            try:
                winner = await driver.wait(EVERY, race.step, race.patience(left))
            except TimedOut:
                continue
    finally:
        if not driver.closed and not driver.forked:
            driver.run(lambda now: race.cancel(now, winner))
    return winner
