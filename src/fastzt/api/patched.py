"""patched: lets a program that knows only Python's `socket`, or stock asyncio, reach a network's hosts."""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from . import places
from .routed_socket import routes
from .routes import Route

if TYPE_CHECKING:
    from .agent_network import AgentNetwork
    from .network import Network

F = TypeVar("F", bound=Callable[..., Any])
_guard = threading.Lock()
_taken: list[places.Place] = []


def patched(network: Network | AgentNetwork | str, *destinations: str) -> Patched:
    """Route some destinations of this process through a network while it is in force.

    `with fastzt.patched(net, "10.121.15.0/24", "*.lab"):`, or as a decorator of a function, async or not.
    `network`: a Network, an agent's too, or an id that the default node joins. `destinations`: prefixes,
    addresses, names and `*.` with a domain; none: what the network has routes to, and its search domain. All
    others go the system's way, and so does code in C, except uvloop's connections. It holds for every
    thread of the process.
    """
    return Patched(network, destinations)


class Patched:
    """Can be entered again and again, and within itself."""

    def __init__(self, network: Network | AgentNetwork | str, destinations: tuple[str, ...]) -> None:
        self._network = network
        self._destinations = destinations
        self._route: Route | None = None

    def _the_route(self) -> Route:
        if self._route is None:
            network = self._network
            if isinstance(network, str):
                from .default import default_node

                network = default_node().join(network)
            self._route = Route(network, self._destinations)
        return self._route

    def __enter__(self) -> Network | AgentNetwork:
        if sys.platform == "win32":
            raise NotImplementedError(
                "fastzt.patched needs descriptors that can be exchanged: not on Windows"
            )
        route = self._the_route()
        with _guard:
            if routes.add(route):
                _taken.extend(places.take_all())
        return route.network

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with _guard:
            if routes.remove(self._the_route()):
                while _taken:
                    _taken.pop().restore()

    def __call__(self, function: F) -> F:
        """The function with the patch in force while it runs; gives back what it returns."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def run_async(*arguments: Any, **named: Any) -> Any:
                with self:
                    return await function(*arguments, **named)

            return run_async  # type: ignore[return-value]

        @functools.wraps(function)
        def run(*arguments: Any, **named: Any) -> Any:
            with self:
                return function(*arguments, **named)

        return run  # type: ignore[return-value]
