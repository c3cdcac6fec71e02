"""Coroutines that wait for the sockets of a node, whatever drives it and whatever runs them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

import anyio

from ..api import names
from ..api.aio.network import Network as AioNetwork
from ..api.aio.node import Node as AioNode
from ..api.aio.resolver import system
from ..api.happy_eyeballs import Candidate
from ..api.network import Network
from ..api.node import Node
from ..io.driver import AsyncDriver
from ..io.threaded import ThreadedDriver
from ..io.waiter import TimedOut

T = TypeVar("T")
AnyNetwork = Network | Node | AioNetwork | AioNode


def driver_of(network: Any) -> AsyncDriver:
    """What coroutines wait with for a network or a node."""
    driver = network._driver
    return ThreadWaits(driver) if isinstance(driver, ThreadedDriver) else driver


async def candidates_of(network: AnyNetwork, host: str, timeout: float | None) -> list[Candidate]:
    """Where to try to reach a host: those of its addresses that there is a route to, in order."""
    named = network._network_of(host) if isinstance(network, (Node, AioNode)) else network
    if isinstance(named, AioNetwork):
        hosts = await named.hosts(host, timeout)
    elif isinstance(named, Network):
        hosts = await anyio.to_thread.run_sync(named.hosts, host, timeout, abandon_on_cancel=True)
    elif isinstance(network, AioNode):
        hosts = await system(network._driver.loop, host)
    else:
        hosts = await anyio.to_thread.run_sync(names.system, host, abandon_on_cancel=True)
    return network._candidates(host, hosts)


def soon() -> Callable[[Callable[[], Any]], Any]:
    """What has a function called in this event loop, from any thread."""
    try:
        return asyncio.get_running_loop().call_soon_threadsafe
    except RuntimeError:  # no loop of asyncio: trio, anyio's only other one
        import trio

        return trio.lowlevel.current_trio_token().run_sync_soon


class Bell:
    """Rung by any thread, heard by one coroutine."""

    def __init__(self) -> None:
        self._event = anyio.Event()
        self._soon = soon()

    def ring(self) -> None:
        """Let it be heard; nothing when the event loop has ended."""
        with contextlib.suppress(RuntimeError):  # trio's RunFinishedError is one
            self._soon(self._event.set)

    async def hear(self) -> None:
        """Until it is rung."""
        await self._event.wait()
        self._event = anyio.Event()


class ThreadWaits(AsyncDriver):
    """A ThreadedDriver for coroutines of asyncio, on any loop, or of trio: its threads wake them."""

    def __init__(self, driver: ThreadedDriver) -> None:
        self._driver = driver

    @property
    def core(self) -> Any:
        """The node."""
        return self._driver.core

    @property
    def worker(self) -> Any:
        """The thread for what may take long."""
        return self._driver.worker

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self._driver.closed

    @property
    def forked(self) -> bool:
        """Whether this is a child of the process that it belongs to."""
        return self._driver.forked

    def check(self) -> None:
        """Raise ForkedError in a forked child, OSError (EBADF) after the end."""
        self._driver.check()

    def run(self, action: Callable[[int], T]) -> T:
        """Call `action(now)` under the lock, then send what came of it."""
        return self._driver.run(action)

    def ask(self, question: Callable[[], T]) -> T:
        """Call `question()` under the lock. It changes nothing, so that nothing is to be sent afterwards."""
        return self._driver.ask(question)

    def wake(self, key: int) -> None:
        """Have those that wait for `key` make another attempt."""
        self._driver.run(lambda now: self._driver.waiters.wake(key))

    async def wait(self, key: int, attempt: Callable[[int], T | None], timeout: float | None) -> T:
        """As AsyncDriver says."""
        result = self.run(attempt)
        if result is not None:
            return result
        bell, waiters = Bell(), self._driver.waiters
        ring = bell.ring
        self.run(lambda now: waiters.watch(key, ring))
        try:
            with anyio.move_on_after(timeout):
                while True:
                    result = self.run(attempt)
                    if result is not None:
                        return result
                    await bell.hear()
        finally:
            if not self.closed and not self.forked:
                self.run(lambda now: waiters.unwatch(key, ring))
        raise TimedOut("timed out")
