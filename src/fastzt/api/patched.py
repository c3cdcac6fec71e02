"""patched: lets a program that knows only Python's `socket`, or stock asyncio, reach a network's hosts."""

from __future__ import annotations

import asyncio
import functools
import inspect
import socket
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import InputError
from .routed_socket import RoutedSocket, routes
from .routes import Route

if TYPE_CHECKING:
    from .agent_network import AgentNetwork
    from .network import Network

F = TypeVar("F", bound=Callable[..., Any])
_guard = threading.Lock()
_saved: dict[str, Any] = {}


def patched(network: Network | str, *destinations: str) -> Patched:
    """Route some destinations of this process through a network while it is in force.

    `with fastzt.patched(net, "10.121.15.0/24", "*.lab"):`, or as a decorator of a function, async or not.
    `network`: a Network, or an id that the default node joins. `destinations`: prefixes, addresses, names and
    `*.` with a domain; none: what the network has routes to, and its search domain. All others go the
    system's way, and so do UDP, uvloop and code in C. It holds for every thread of the process.
    """
    return Patched(network, destinations)


def own(network: Network | AgentNetwork) -> Network:
    """A network of this process; raises InputError for an agent's."""
    from .agent_network import AgentNetwork

    if isinstance(network, AgentNetwork):
        raise InputError("patched needs a node of this process, and an agent holds its state directory")
    return network


class Patched:
    """Can be entered again and again, and within itself."""

    def __init__(self, network: Network | str, destinations: tuple[str, ...]) -> None:
        self._network = network
        self._destinations = destinations
        self._route: Route | None = None

    def _the_route(self) -> Route:
        if self._route is None:
            network = self._network
            if isinstance(network, str):
                from .default import default_node

                network = own(default_node().join(network))
            self._route = Route(network, self._destinations)
        return self._route

    def __enter__(self) -> Network:
        if sys.platform == "win32":
            raise NotImplementedError(
                "fastzt.patched needs descriptors that can be exchanged: not on Windows"
            )
        route = self._the_route()
        with _guard:
            if routes.add(route):
                _replace()
        return route.network

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with _guard:
            if routes.remove(self._the_route()):
                _restore()

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


# What takes the place of the standard library's own


class _Here(threading.local):
    """Of this thread: `resolving`: whatever is looked up now, the system is to be asked for."""

    resolving = False


_here = _Here()


def _resolve(route: Route, host: str) -> list[str]:
    _here.resolving = True
    try:
        return route.resolve(host)
    finally:
        _here.resolving = False


def _getaddrinfo(
    host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> list[Any]:
    original = _saved["getaddrinfo"]
    route = None if _here.resolving else routes.to(host)
    if route is None:
        return original(host, port, family, type, proto, flags)  # type: ignore[no-any-return]
    found: list[Any] = []
    name = host.decode() if isinstance(host, (bytes, bytearray)) else host
    for text in _resolve(route, name):
        try:
            found += original(text, port, family, type, proto, flags | socket.AI_NUMERICHOST)
        except socket.gaierror:  # of another family than asked for
            continue
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return found


def _gethostbyname(hostname: str) -> str:
    route = routes.to(hostname)
    if route is None:
        return str(_saved["gethostbyname"](hostname))
    found = [text for text in _resolve(route, hostname) if ":" not in text]
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return found[0]


async def _sock_connect(loop: Any, sock: Any, address: Any) -> None:
    route = sock.route_to(address) if hasattr(sock, "route_to") else None
    if route is None:
        await _saved["sock_connect"](loop, sock, address)
        return
    near = sock.begin(route)
    near.settimeout(None)
    work = loop.run_in_executor(None, sock.finish, near, address)
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        near.close()  # which ends the wait on the other thread
        await asyncio.wait([work])
        if not work.cancelled():
            work.exception()
        raise


_PLACES: tuple[tuple[Any, str, Any], ...] = (
    (socket, "socket", RoutedSocket),
    (socket, "getaddrinfo", _getaddrinfo),
    (socket, "gethostbyname", _gethostbyname),
    (asyncio.selector_events.BaseSelectorEventLoop, "sock_connect", _sock_connect),
)


def _replace() -> None:
    for owner, name, new in _PLACES:
        _saved[name] = getattr(owner, name)
        setattr(owner, name, new)


def _restore() -> None:
    for owner, name, new in _PLACES:
        if owner.__dict__.get(name) is new:  # else somebody has patched it since, and will put it back
            setattr(owner, name, _saved[name])
