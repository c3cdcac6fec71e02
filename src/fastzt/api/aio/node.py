"""Node: a ZeroTier node in an asyncio event loop."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ...io.aio import AioDriver
from ...io.clock import monotonic_us
from ...io.loop_driver import LoopDriver
from ...io.threaded import EVERY, NODE
from ...io.threaded_loop import ThreadedLoopDriver
from ...io.waiter import TimedOut
from .. import addresses, joining, names, report
from ..base import LINGER, BaseNode
from ..parts import DEFAULT_CONFIG, Parts, StateSource, open_parts
from .events import Events
from .network import Network
from .resolver import system

if TYPE_CHECKING:
    from ...node.config import NodeConfig
    from ...node.own_identity import IdentitySource
    from ...node.planets import PlanetSource
    from .streams import StreamWriter

T = TypeVar("T", bound="Node")
CLOSE_TIMEOUT = 5.0


class Node(BaseNode[LoopDriver, Network]):
    """`async with Node(...) as node`: a node that the running event loop drives.

    Arguments as those of `fastzt.Node`. It is used in the event loop that it was started in.
    """

    def __init__(
        self,
        state: StateSource = None,
        planet: PlanetSource = None,
        port: int = 0,
        identity: IdentitySource = None,
        *,
        config: NodeConfig = DEFAULT_CONFIG,
        peers: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        self._given = state, planet, port, identity, config, peers

    async def start(self) -> None:
        """Open the state and the sockets, and begin. Raises what `fastzt.Node` raises."""
        parts = await self._open()
        weakref.finalize(self, parts.close)  # for an event loop that ends before the node does
        try:
            kind = AioDriver if can_watch(asyncio.get_running_loop(), parts) else ThreadedLoopDriver
            driver = kind(parts.core, parts.sockets, monotonic_us, self._heard)
            resort = driver.last_resort()
            if resort is not None:
                weakref.finalize(self, resort)
            self._begin(parts, driver)
            driver.start()
        except BaseException:
            parts.close()
            raise

    async def _open(self) -> Parts:
        """Files and proof of work are a thread's."""
        opening = Opening(self._given)
        try:
            return await opening.opened
        except BaseException:
            opening.abandon()
            raise

    async def __aenter__(self: T) -> T:
        await self.start()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self.close()

    # Networks

    async def join(
        self,
        network: str,
        timeout: float | None = joining.DEFAULT_TIMEOUT,
        wait: bool = False,
        token: str | None = None,
    ) -> Network:
        """Join a network (16 hex digits) and wait for its configuration; known configuration is used at once.

        Arguments and exceptions as those of `fastzt.Node.join`. A join that is cancelled is undone.
        """
        nwid = addresses.network_id(network)
        begun = joining.Joining(self._driver, nwid, self.id, lambda: self._collided, wait)
        begun.begin(self._parts.store.network(nwid), token)
        try:
            await self._joined(begun, timeout)
        except BaseException:
            begun.undo()
            raise
        return self._networks.setdefault(nwid, Network(self, self._driver, nwid))

    async def _joined(self, begun: joining.Joining, timeout: float | None) -> None:
        while True:
            try:
                await self._driver.wait(NODE, begun.attempt, timeout)
                return
            except TimedOut:
                error = begun.late(timeout)
                if error is not None:
                    raise error from None
                timeout = None

    async def leave(self, network: str) -> None:
        """Leave a network and forget its stored configuration; its sockets fail."""
        nwid = addresses.network_id(network)
        self._driver.run(lambda now: self._driver.core.leave(nwid, now))
        self._networks.pop(nwid, None)
        # Behind the tasks that may still be about to store it.
        await self._driver.complete(lambda: self._parts.store.forget_network(nwid))

    async def open_connection(
        self, host: str, port: int, **options: Any
    ) -> tuple[asyncio.StreamReader, StreamWriter]:
        """A connection through the network that has a route to the host; as `Network.open_connection`.

        Raises NoRouteError when none has, InputError when several have.
        """
        network = await self.find(host, options.get("timeout", names.TIMEOUT))
        return await network.open_connection(host, port, **options)

    async def find(self, host: str, timeout: float | None = names.TIMEOUT) -> Network:
        """The network that has a route to a host; raises as above."""
        named = self._network_of(host)
        hosts = await (system(self._driver.loop, host) if named is None else named.hosts(host, timeout))
        if named is not None and named.routed(hosts):
            return named
        return self._networks[self._candidates(host, hosts)[0][0]]

    # Facts

    async def whois(self, address: str | tuple[Any, ...], timeout: float = 5) -> str:
        """The id of the authenticated node that has this IP on a joined network.

        Raises NoRouteError, HostUnreachableError.
        """
        asking = report.Asking(
            self._driver, addresses.ip16(address if isinstance(address, str) else address[0])
        )
        try:
            return f"{await self._driver.wait(EVERY, asking.attempt, timeout):010x}"
        except TimedOut:
            raise asking.late() from None

    def events(self) -> Events:
        """What happens to the node, its peers and its networks from now on, for `async for`."""
        return Events(self._driver, self._queues)

    @property
    def closed(self) -> bool:
        """Whether the node can not, or no longer, be used."""
        return not hasattr(self, "_driver") or super().closed

    # The end

    async def close(self, linger: float = LINGER) -> None:
        """End the node: closed sockets deliver what was sent within `linger` seconds, others are reset."""
        if self.closed:
            return
        core, driver = self._driver.core, self._driver
        try:
            driver.run(core.close_sockets)
            await driver.wait(EVERY, lambda now: True if core.is_quiet() else None, linger)
        except OSError:
            pass  # time is up, or another task has closed it meanwhile
        finally:
            if not self.closed:
                await asyncio.wait([self._stop()], timeout=CLOSE_TIMEOUT)

    def _stop(self) -> asyncio.Future[None]:
        """End at once; the future is done when all is written that is to be, and the state is free."""
        driver = self._driver
        self._reach.close()
        for task in driver.run(self._parts.keeper.farewell):
            driver.worker.submit(task, must=True)
        return driver.close(self._parts.close)

    def _abandon(self) -> None:
        """In a forked child."""
        self._driver.abandon()
        self._reach.abandon()
        self._parts.store.close()

    def __repr__(self) -> str:
        if not hasattr(self, "_driver"):
            return "<fastzt.aio.Node not started>"
        return f"<fastzt.aio.Node {self.id}{' closed' if self.closed else ''}>"


def can_watch(loop: asyncio.AbstractEventLoop, parts: Parts) -> bool:
    """Whether an event loop can watch sockets; Windows' Proactor cannot."""
    descriptor = parts.sockets.filenos()[0]
    try:
        loop.add_reader(descriptor, lambda: None)
    except NotImplementedError:
        return False
    loop.remove_reader(descriptor)
    return True


class Opening:
    """The parts of a node, opened by a thread, and closed when nobody wants them any more.

    The thread is none of the loop's, whose end would wait for an identity to be made. `opened` raises what
    `open_parts` raises.
    """

    def __init__(self, given: tuple[Any, ...]) -> None:
        self._given = given
        self._guard = threading.Lock()
        self._wanted = True
        self._parts: Parts | None = None
        self._loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[Parts] = self._loop.create_future()
        threading.Thread(target=self._run, name="fastzt-open", daemon=True).start()

    def _run(self) -> None:
        try:
            parts = open_parts(*self._given)
        except BaseException as error:
            self._tell(partial(self.opened.set_exception, error))
            return
        with self._guard:
            self._parts = parts
            if not self._wanted:
                parts.close()
        if not self._tell(partial(self.opened.set_result, parts)):
            parts.close()

    def _tell(self, action: Callable[[], None]) -> bool:
        """Have the loop hear what came of it; False when it is closed."""
        try:
            self._loop.call_soon_threadsafe(lambda: None if self.opened.done() else action())
        except RuntimeError:
            return False
        return True

    def abandon(self) -> None:
        """Nobody wants them, whether or not the event loop still runs."""
        with self._guard:
            self._wanted = False
            if self._parts is not None:
                self._parts.close()
