"""Two members of one network in an event loop, and a look at what a test has left behind."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastzt import aio

from .nodes import LOOPBACK, SECRETS, Lab, lab
from .ports import free_port

T = TypeVar("T")
PATIENCE = 120.0


class Blind(asyncio.SelectorEventLoop):
    """A loop that watches no sockets of others, as Windows' Proactor."""

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:
        raise NotImplementedError


def new_loop(kind: str) -> asyncio.AbstractEventLoop:
    """A loop of asyncio's own, one that leaves the sockets to threads, or uvloop's."""
    if kind == "threads":
        return Blind()
    if kind == "uvloop":
        import uvloop

        return uvloop.new_event_loop()
    return asyncio.SelectorEventLoop()


@dataclass
class AioPair:
    """Made by `aio_pair`; the nodes run while `run` does."""

    kind: str
    loop: asyncio.AbstractEventLoop
    lab: Lab
    nwid: str
    a: aio.Node
    b: aio.Node
    net_a: aio.Network
    net_b: aio.Network
    errors: list[dict[str, Any]] = field(default_factory=list)
    own: set[Any] = field(default_factory=set)

    @property
    def host(self) -> str:
        """The address of `b`."""
        return str(self.net_b.addresses[0].ip)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run to the end, in bounded time; nothing may have gone to the loop's exception handler."""

        async def bounded() -> T:
            self.own = {asyncio.current_task()}
            return await asyncio.wait_for(coroutine, PATIENCE)

        result = self.loop.run_until_complete(bounded())
        errors, self.errors = self.errors, []
        assert errors == []
        return result

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that comes by itself."""
        end = self.loop.time() + PATIENCE
        while not condition():
            assert self.loop.time() < end, "it never came"
            await asyncio.sleep(0.002)

    async def settled(self) -> None:
        """Until no socket, watcher, task or timer is left."""
        for node in (self.a, self.b):
            core, driver = node._driver.core, node._driver
            await self.until(lambda core=core: len(core.sockets) == 0)  # type: ignore[misc]
            await self.until(lambda driver=driver: len(driver.watchers) == 0)  # type: ignore[misc]
        await self.until(lambda: not self.tasks())
        assert self.timers() <= 2  # the deadline of each node

    def tasks(self) -> set[asyncio.Task[Any]]:
        """Tasks besides the test's own, which waits for this."""
        return asyncio.all_tasks() - {asyncio.current_task(), *self.own}

    def timers(self) -> int:
        """Timers that will fire, besides that of `run`; 0 where a loop does not tell."""
        scheduled = getattr(self.loop, "_scheduled", [])
        return len([timer for timer in scheduled if not timer.cancelled()]) - 1


def make_nodes(made: Lab) -> tuple[aio.Node, aio.Node]:
    """Two that are not started."""
    a, b = (
        aio.Node(planet=made.planet, config=LOOPBACK, identity=SECRETS[n], port=free_port()) for n in (1, 2)
    )
    return a, b


@contextlib.contextmanager
def aio_pair(kind: str) -> Iterator[AioPair]:
    """Two members that have joined."""
    loop = new_loop(kind)
    with lab() as made, contextlib.closing(loop):
        nwid = made.network()
        a, b = make_nodes(made)

        async def start() -> tuple[aio.Network, aio.Network]:
            await asyncio.gather(a.start(), b.start())
            made.authorize(nwid, a, b)  # type: ignore[arg-type]
            net_a, net_b = await asyncio.gather(a.join(nwid), b.join(nwid))
            await a.whois(str(net_b.addresses[0].ip), timeout=60)  # so that what is timed later finds it
            return net_a, net_b

        net_a, net_b = loop.run_until_complete(start())
        pair = AioPair(kind, loop, made, nwid, a, b, net_a, net_b)
        loop.set_exception_handler(lambda loop, context: pair.errors.append(context))
        try:
            yield pair
        finally:
            for node in (a, b):
                loop.run_until_complete(node.close(linger=0))
            loop.run_until_complete(loop.shutdown_default_executor())
