"""Driver: what is asked of whatever runs a core, be it threads or an event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from ..node.core import Core

T = TypeVar("T")


class Driver(Protocol):
    """Runs a core over its sockets. Its methods may be called from any thread."""

    @property
    def core(self) -> Core:
        """The node."""

    @property
    def worker(self) -> Any:
        """The thread for what may take long."""

    @property
    def closed(self) -> bool:
        """Whether it has ended."""

    @property
    def forked(self) -> bool:
        """Whether this is a child of the process that it belongs to."""

    def check(self) -> None:
        """Raise ForkedError in a forked child, OSError (EBADF) after the end."""

    def run(self, action: Callable[[int], T]) -> T:
        """Call `action(now)` under the lock, then send what came of it."""

    def ask(self, question: Callable[[], T]) -> T:
        """Call `question()` under the lock. It changes nothing, so that nothing is to be sent afterwards."""


class AsyncDriver(Driver, Protocol):
    """A driver that coroutines wait with."""

    async def wait(self, key: int, attempt: Callable[[int], T | None], timeout: float | None) -> T:
        """Make an attempt until it gives something, again after whatever happens to `key`.

        `timeout` is in seconds, None for ever, 0 one attempt only. Raises TimedOut, and what the attempt
        raises. A cancelled wait leaves nothing behind, and takes nothing with it.
        """

    def wake(self, key: int) -> None:
        """Have those that wait for `key` make another attempt."""
