"""httpx through a ZeroTier network: `httpx.Client(transport=fastzt.integrations.httpx.Transport(net))`.

`httpx.AsyncClient(transport=AsyncTransport(net))` with a network of `fastzt.aio` or, under trio too, of
`fastzt.Node`. Needs the extra `fastzt[http]`.
"""

from __future__ import annotations

from typing import Any, ClassVar

import httpcore
import httpx

from .http_async_streams import AnyNetwork, AsyncBackend
from .http_pool import Pooled
from .http_streams import Backend, Dialer, Errors

ERRORS = Errors(httpcore)


class Transport(Pooled[Dialer], httpx.HTTPTransport):
    """httpx.HTTPTransport whose connections go through `network` (a fastzt.Network or fastzt.Node)."""

    library: ClassVar[Any] = httpx
    pool: ClassVar[Any] = httpcore.ConnectionPool
    backend: ClassVar[Any] = Backend
    errors: ClassVar[Errors] = ERRORS


class AsyncTransport(Pooled[AnyNetwork], httpx.AsyncHTTPTransport):
    """httpx.AsyncHTTPTransport whose connections go through `network`."""

    library: ClassVar[Any] = httpx
    pool: ClassVar[Any] = httpcore.AsyncConnectionPool
    backend: ClassVar[Any] = AsyncBackend
    errors: ClassVar[Errors] = ERRORS
