"""TLS over the transports of any event loop, by asyncio's own TLS protocol."""

from __future__ import annotations

import asyncio
import ssl
from asyncio import sslproto
from collections.abc import Callable
from typing import Any

Wrap = Callable[[asyncio.BaseProtocol, "asyncio.Future[None] | None"], asyncio.BaseProtocol]


def protocol(
    below: asyncio.AbstractEventLoop,
    above: asyncio.BaseProtocol,
    context: ssl.SSLContext,
    waiter: asyncio.Future[None] | None,
    *,
    server_side: bool = False,
    server_hostname: str | None = None,
    call_connection_made: bool = True,
    **timeouts: float | None,
) -> Any:
    """What lies between a transport and `above`; `waiter` is done once the handshake is over.

    `timeouts`: ssl_handshake_timeout, ssl_shutdown_timeout (from Python 3.11 on).
    """
    given = {name: value for name, value in timeouts.items() if value is not None}
    return sslproto.SSLProtocol(
        below,
        above,
        context,
        waiter,  # type: ignore[arg-type]
        server_side=server_side,
        server_hostname=server_hostname,
        call_connection_made=call_connection_made,
        **given,  # type: ignore[arg-type]
    )


async def start_tls(
    transport: Any,
    above: asyncio.BaseProtocol,
    context: ssl.SSLContext,
    *,
    server_side: bool = False,
    server_hostname: str | None = None,
    ssl_handshake_timeout: float | None = None,
    ssl_shutdown_timeout: float | None = None,
) -> asyncio.Transport:
    """As `loop.start_tls`, for the transports of this package on any loop (uvloop's takes none but its own).

    A handshake that fails or is cancelled resets the connection.
    """
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()
    between = protocol(
        loop,
        above,
        context,
        waiter,
        server_side=server_side,
        server_hostname=server_hostname,
        call_connection_made=False,
        ssl_handshake_timeout=ssl_handshake_timeout,
        ssl_shutdown_timeout=ssl_shutdown_timeout,
    )
    transport.pause_reading()
    transport.set_protocol(between)
    steps = loop.call_soon(between.connection_made, transport), loop.call_soon(transport.resume_reading)
    try:
        await waiter
    except BaseException:
        for step in steps:
            step.cancel()
        transport.abort()
        raise
    return between._app_transport  # type: ignore[no-any-return]


def client_context(given: ssl.SSLContext | bool | None) -> ssl.SSLContext | None:
    """The context of a client's `ssl` argument: none, the default one (True), or the given one."""
    if given is True:
        return ssl.create_default_context()
    return given or None
