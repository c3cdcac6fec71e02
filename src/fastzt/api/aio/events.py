"""Events: what happens to a node or a network, for `async for`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...io.threaded import NODE
from ..base import MAX_EVENTS

if TYPE_CHECKING:
    from ...io.loop_driver import LoopDriver


class Events:
    """Every event since it was made that `wanted` takes, the latest 1,024 of them; ends with the node.

    `queues` are those of the node, which fills them. `aclose` when it is needed no more.
    """

    def __init__(
        self, driver: LoopDriver, queues: list[deque[Any]], wanted: Callable[[Any], bool] | None = None
    ) -> None:
        self._driver = driver
        self._queues = queues
        self._wanted = wanted
        self._queue: deque[Any] = deque(maxlen=MAX_EVENTS)
        queues.append(self._queue)

    def __aiter__(self) -> Events:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self._driver.wait(NODE, self._next, None)
        except OSError:
            await self.aclose()
            raise StopAsyncIteration from None

    def _next(self, now: int) -> Any | None:
        while self._queue:
            event = self._queue.popleft()
            if self._wanted is None or self._wanted(event):
                return event
        return None

    async def aclose(self) -> None:
        """Follow no more. Harmless when repeated."""
        self._queues[:] = [queue for queue in self._queues if queue is not self._queue]
