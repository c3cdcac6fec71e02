"""A program whose tasks wait at every await of `fastzt.aio` while something is killed.

As `killed_threads`, in an event loop; it says `hung` for each task that outlives the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import signal
import ssl
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import fastzt
from fastzt import aio
from fastzt.node.config import NodeConfig
from support.killable import PATIENCE, say
from support.killed_threads import NOBODY
from support.nodes import LOOPBACK, SECRETS

QUIET = ssl.create_default_context()


class Program:
    """What it has open, and its tasks by the await at which each waits."""

    def __init__(self, states: Path, network: str, other: str, remote: tuple[str, int]) -> None:
        self.states, self.network, self.other, self.remote = states, network, other, remote
        self.nodes: list[aio.Node] = []
        self.tasks: dict[str, asyncio.Task[Any]] = {}
        self.kept: list[Any] = []
        self.slow = threading.Event()

    async def node(self, number: int) -> aio.Node:
        node = aio.Node(self.states / str(number), config=LOOPBACK)
        await node.start()
        self.nodes.append(node)
        return node

    def begin(self, **waits: Callable[[], Awaitable[Any]]) -> None:
        async def wait(begin: Callable[[], Awaitable[Any]]) -> None:
            with contextlib.suppress(OSError, EOFError):
                await begin()

        for name, begin in waits.items():
            self.tasks[name] = asyncio.create_task(wait(begin))

    async def connected(self, net: aio.Network | None = None) -> Any:
        """A connection's streams; its transport is kept, and ended by nobody."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while True:
            try:
                self.kept.append(await (net or self.net).open_connection(*self.remote, timeout=PATIENCE))
                return self.kept[-1]
            except fastzt.HostUnreachableError:  # a machine that is too busy to answer in time
                if loop.time() > end:
                    raise

    async def talk(self) -> None:
        """Waits of what is connected, and of what hears nothing."""
        main = await self.node(2)
        net = self.net = await main.join(self.network, timeout=PATIENCE)
        (reader, _), (_, writer), (_, upgraded) = [await self.connected() for _ in range(3)]
        serving, closed = [await net.create_server(asyncio.Protocol, 0) for _ in range(2)]
        writer.write(bytes(64 << 20))
        self.kept.append(await net.create_datagram_endpoint(asyncio.DatagramProtocol))
        events = main.events()
        self.begin(
            read=lambda: reader.read(1),
            drain=writer.drain,
            lost=writer.wait_closed,
            forever=serving.serve_forever,
            closed=closed.wait_closed,
            events=lambda: follow(events),
            slow=self.start_slowly,
        )
        lingering = await self.node(4)
        _, self.unsent = await self.connected(await lingering.join(self.network, timeout=PATIENCE))
        self.lingering, self.upgraded = lingering, upgraded

    async def start_slowly(self) -> None:
        """A node whose identity takes for ever to come, or else it is left to itself."""

        def identity() -> str:
            self.slow.wait()
            return SECRETS[5]

        config = NodeConfig(bind=("127.0.0.1",), tcp_relay="127.0.0.1/9")
        await aio.Node(identity=identity, peers=[], config=config).start()

    async def ask(self) -> None:
        """Waits for what root and peer, who are silent by now, would have to answer."""
        net, main, upgraded = self.net, self.nodes[0], self.upgraded
        newcomer = await self.node(3)
        self.unsent.write(bytes(1 << 14))
        self.unsent.close()
        self.begin(
            hello=lambda: newcomer.join(self.network, timeout=None),
            join=lambda: main.join(self.other, timeout=None, wait=True),
            arp=lambda: net.open_connection(*NOBODY, timeout=None),
            syn=lambda: net.open_connection(*self.remote, timeout=None),
            tls=lambda: net.open_connection(
                *self.remote, timeout=None, ssl=QUIET, server_hostname="host.lab"
            ),
            start_tls=lambda: upgraded.start_tls(QUIET, server_hostname="host.lab"),
            lookup=lambda: net.resolve("host.lab", None),
            whois=lambda: main.whois(NOBODY[0], PATIENCE),
            linger=lambda: self.lingering.close(2 * PATIENCE),
        )
        await asyncio.sleep(0)

    async def end(self) -> None:
        """What waits has an end now."""
        for node in self.nodes:
            await node.close(linger=0.1)
        self.slow.set()
        tasks = self.tasks.values()
        await asyncio.wait(tasks, timeout=PATIENCE)
        for name, task in self.tasks.items():
            if not task.done():
                say(hung=name)
            elif not task.cancelled() and task.exception() is not None:
                say(hung=f"{name}: {task.exception()!r}")

    def leave(self) -> None:
        """Nothing is closed, and no task is left."""
        for task in self.tasks.values():
            task.cancel()


async def follow(events: Any) -> None:
    async for _ in events:
        pass


async def hear() -> None:
    """A line of the input, by a thread that nobody waits for."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def read() -> None:
        sys.stdin.readline()
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=read, daemon=True).start()
    await done.wait()


async def live(program: Program, ending: str) -> None:
    asyncio.get_running_loop().slow_callback_duration = PATIENCE
    await program.talk()
    say(ready=True)
    await hear()  # now they are silent
    await program.ask()
    say(ready=True)
    await hear()  # now one is dead, perhaps
    say(done=True)
    if ending == "interrupt":
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(PATIENCE)
    if ending == "engine":
        assert not program.lingering.closed
        for node in program.nodes:
            node._stop()  # as if it had broken down
    if ending in ("node", "engine"):
        await program.end()
    if ending == "stop":
        program.leave()
        await asyncio.wait(program.tasks.values())
        asyncio.get_running_loop().stop()
        await asyncio.sleep(PATIENCE)


def main(states: str, network: str, other: str, ip: str, port: str, ending: str) -> None:
    faulthandler.dump_traceback_later(2.5 * PATIENCE, exit=True)  # a hang tells where
    program = Program(Path(states), network, other, (ip, int(port)))
    if ending != "stop":
        asyncio.run(live(program, ending))  # at whose end everything is cancelled, and the loop closed
        return
    loop = asyncio.new_event_loop()
    task = loop.create_task(live(program, ending))
    loop.run_forever()
    loop.close()
    task._log_destroy_pending = False  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(*sys.argv[1:])
