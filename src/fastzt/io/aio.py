"""AioDriver: an asyncio event loop drives a node, without a thread.

The loop watches the UDP sockets; each wake-up takes one bounded drain, and what is left wakes it again. One
timer of the loop stands for the core's deadline. Writers transmit inline. Threads that have something for the
core (the worker, the watcher of addresses) run it under the lock, and the loop hears of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .endpoints import UdpSockets
from .loop_driver import SCRATCH, LoopDriver
from .loop_engine import LoopEngine
from .threaded import ignore

if TYPE_CHECKING:
    from ..node.core import Core


class AioDriver(LoopEngine, LoopDriver):
    """Runs a core in the running event loop; `clock()` is microseconds.

    `on_events` hears the core's events under the lock: it must neither block nor call back.
    """

    def __init__(
        self,
        core: Core,
        sockets: UdpSockets,
        clock: Callable[[], int],
        on_events: Callable[[list[Any]], None] = ignore,
    ) -> None:
        super().__init__(asyncio.get_running_loop(), core, sockets, clock, on_events)
        self.scratch = bytearray(SCRATCH)

    def close(self, last: Callable[[], None]) -> asyncio.Future[None]:
        """As LoopDriver says."""
        self.stop()
        done = self.complete(last)
        self.worker.close(0)
        return done
