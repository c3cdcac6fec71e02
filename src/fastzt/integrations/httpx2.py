"""httpx2 through a ZeroTier network: `httpx2.Client(transport=fastzt.integrations.httpx2.Transport(net))`.

`httpx2.AsyncClient(transport=AsyncTransport(net))` with a network of `fastzt.aio` or, under trio too, of
`fastzt.Node`. Needs the extra `fastzt[httpx2]`.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore2
import httpx2

from .http_async_streams import AnyNetwork, AsyncBackend
from .http_streams import Backend, Dialer, Errors

LIMITS = httpx2.Limits(max_connections=100, max_keepalive_connections=20)
ERRORS = Errors(httpcore2)


class Transport(httpx2.HTTPTransport):
    """httpx2.HTTPTransport whose connections go through `network` (a fastzt.Network or fastzt.Node)."""

    def __init__(
        self,
        network: Dialer,
        *,
        verify: ssl.SSLContext | str | bool = True,
        cert: Any = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        limits: httpx2.Limits = LIMITS,
        retries: int = 0,
        socket_options: Iterable[Any] | None = None,
    ) -> None:
        # HTTPTransport takes no backend, so the pool that it would make is made here; the rest is inherited.
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(verify=verify, cert=cert, trust_env=trust_env),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            http1=http1,
            http2=http2,
            retries=retries,
            socket_options=socket_options,
            network_backend=Backend(network, ERRORS),  # type: ignore[arg-type]
        )


class AsyncTransport(httpx2.AsyncHTTPTransport):
    """httpx2.AsyncHTTPTransport whose connections go through `network`."""

    def __init__(
        self,
        network: AnyNetwork,
        *,
        verify: ssl.SSLContext | str | bool = True,
        cert: Any = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        limits: httpx2.Limits = LIMITS,
        retries: int = 0,
        socket_options: Iterable[Any] | None = None,
    ) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(verify=verify, cert=cert, trust_env=trust_env),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            http1=http1,
            http2=http2,
            retries=retries,
            socket_options=socket_options,
            network_backend=AsyncBackend(network, ERRORS),  # type: ignore[arg-type]
        )
