"""Places: where something else stands in for sockets, asyncio and uvloop while `patched` holds."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .routed_socket import RoutedSocket, routes

if TYPE_CHECKING:
    from .routes import Route

OF_A_SOCKET = ("family", "proto", "flags", "local_addr", "happy_eyeballs_delay", "interleave", "all_errors")


class Place:
    """An attribute of a module or class; `make(original)` gives what stands in for it."""

    def __init__(self, owner: ModuleType | type, name: str, make: Callable[[Any], Any]) -> None:
        self.owner = owner
        self.name = name
        self.original = getattr(owner, name)
        self.inherited = name not in owner.__dict__
        self.new = make(self.original)
        setattr(owner, name, self.new)

    def restore(self) -> None:
        """Put the original back, unless somebody has patched it since, who will do so."""
        if self.owner.__dict__.get(self.name) is not self.new:
            return
        if self.inherited:
            delattr(self.owner, self.name)
        else:
            setattr(self.owner, self.name, self.original)


def take_all() -> list[Place]:
    """Stand in for everything."""
    made = [
        Place(socket, "socket", lambda original: RoutedSocket),
        Place(socket, "getaddrinfo", new_getaddrinfo),
        Place(socket, "gethostbyname", new_gethostbyname),
        Place(asyncio.selector_events.BaseSelectorEventLoop, "sock_connect", new_sock_connect),
    ]
    with contextlib.suppress(ImportError):
        import uvloop

        made += [
            Place(uvloop.Loop, "sock_connect", new_sock_connect),
            Place(uvloop.Loop, "getaddrinfo", new_loop_getaddrinfo),
            Place(uvloop.Loop, "create_connection", new_create_connection),
        ]
    return made


# Names


class Here(threading.local):
    """Of this thread: `resolving`: whatever is looked up now, the system is to be asked for."""

    resolving = False


here = Here()


@contextlib.contextmanager
def resolving() -> Iterator[None]:
    """Ask the system meanwhile."""
    here.resolving = True
    try:
        yield
    finally:
        here.resolving = False


def resolve(route: Route, host: str) -> list[str]:
    """The addresses of a routed host."""
    with resolving():
        return route.resolve(host)


def unknown() -> socket.gaierror:
    """The error of a name that has no address of the kind that is asked for."""
    return socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def new_getaddrinfo(original: Any) -> Any:
    """What stands in for `socket.getaddrinfo`."""

    def getaddrinfo(
        host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> list[Any]:
        route = None if here.resolving else routes.to(host)
        if route is None:
            return original(host, port, family, type, proto, flags)  # type: ignore[no-any-return]
        found: list[Any] = []
        name = host.decode() if isinstance(host, (bytes, bytearray)) else host
        for text in resolve(route, name):
            try:
                found += original(text, port, family, type, proto, flags | socket.AI_NUMERICHOST)
            except socket.gaierror:  # of another family than asked for
                continue
        if not found:
            raise unknown()
        return found

    return getaddrinfo


def new_gethostbyname(original: Any) -> Any:
    """What stands in for `socket.gethostbyname`."""

    def gethostbyname(hostname: str) -> str:
        route = routes.to(hostname)
        if route is None:
            return str(original(hostname))
        found = [text for text in resolve(route, hostname) if ":" not in text]
        if not found:
            raise unknown()
        return found[0]

    return gethostbyname


def new_loop_getaddrinfo(original: Any) -> Any:
    """What stands in for that of a loop which asks past `socket.getaddrinfo`."""

    async def getaddrinfo(loop: Any, host: Any, port: Any, **options: Any) -> Any:
        if routes.to(host) is None:
            return await original(loop, host, port, **options)
        return await loop.run_in_executor(None, partial(socket.getaddrinfo, host, port, **options))

    return getaddrinfo


# Connections of event loops


def new_sock_connect(original: Any) -> Any:
    """What stands in for a loop's `sock_connect`."""

    async def sock_connect(loop: Any, sock: Any, address: Any) -> None:
        route = sock.route_to(address) if hasattr(sock, "route_to") else None
        if route is None:
            await original(loop, sock, address)
        else:
            await connect(loop, sock, route, address)

    return sock_connect


async def connect(loop: Any, sock: RoutedSocket, route: Route, address: Any) -> None:
    """Connect through a network on another thread; a cancellation ends that."""
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


def new_create_connection(original: Any) -> Any:
    """What stands in for that of a loop which connects in C."""

    async def create_connection(
        loop: Any,
        protocol_factory: Any,
        host: Any = None,
        port: Any = None,
        *,
        ssl: Any = None,
        server_hostname: Any = None,
        **options: Any,
    ) -> Any:
        if routes.to(host) is None:
            return await original(
                loop, protocol_factory, host, port, ssl=ssl, server_hostname=server_hostname, **options
            )
        sock = await open_connection(loop, host, port)
        named = {"server_hostname": host if server_hostname is None else server_hostname} if ssl else {}
        kept = {name: value for name, value in options.items() if name not in OF_A_SOCKET}
        begin = partial(original, loop) if sock.family != LOCAL else loop.create_unix_connection
        try:
            return await begin(protocol_factory, sock=sock, ssl=ssl, **named, **kept)
        except BaseException:
            sock.close()
            raise

    return create_connection


LOCAL = getattr(socket, "AF_UNIX", None)


async def open_connection(loop: Any, host: Any, port: Any) -> Any:
    """A connected socket of the system; raises the last failure when no address of the host answers."""
    look = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    failure: OSError | None = None
    for family, kind, proto, _, address in await loop.run_in_executor(None, look):
        sock = RoutedSocket(family, kind, proto)
        sock.setblocking(False)
        try:
            await loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock.plain()
    raise failure or unknown()
